"""Ranges of lines and sums: percentiles, proportions of lines, and what is kept of them."""

from __future__ import annotations

import pytest
import torch

from pnnsim.inference.ranges import (
    BatchRanges,
    LineObserver,
    Observer,
    Ranges,
    across,
    along,
    line_spans,
)
from pnnsim.networks.parts import Matrix

#: Three channels of 2,000 numbers: one never negative, one of both signs, one that is always 0.
CHANNELS = torch.stack(
    [
        torch.linspace(0.0, 2.0, 2001, dtype=torch.float64),
        torch.linspace(-1.0, 0.5, 2001, dtype=torch.float64),
        torch.zeros(2001, dtype=torch.float64),
    ],
    dim=1,
)


def test_a_range_leaves_out_its_share_of_the_numbers_on_each_side() -> None:
    """One number in a hundred lies beyond each end; zero never does."""
    offset, span = line_spans(CHANNELS, 0.99, signed=False)
    assert offset.tolist() == pytest.approx([0.0, -0.98575, 0.0], rel=0, abs=1e-12)
    end = offset + span
    assert end.tolist() == pytest.approx([1.981, 0.48575, 0.0], rel=0, abs=1e-12)
    offset, span = line_spans(CHANNELS, 0.99, signed=True)
    assert not bool(offset.any())
    # Magnitudes of the second channel: those above a half come from its negative part alone.
    assert span[1] == pytest.approx(0.98575, rel=0, abs=1e-12)


def test_lines_of_each_channel_are_filled_and_none_divides_by_zero() -> None:
    lines = LineObserver(1.0)
    lines.input(0, CHANNELS, matrix=3, signed=False)
    profiles = lines.profiles()
    assert profiles["3"].tolist() == pytest.approx([1.0, 0.75, 0.01], rel=1e-12, abs=0)
    observer = Observer(profiles, 1.0)
    observer.input(0, CHANNELS, matrix=3, signed=False)
    fixed = observer.ranges(inputs=torch.ones(2, 3))
    assert fixed.fixed
    carried = fixed.input(0, CHANNELS, matrix=3, signed=False).to_lines(CHANNELS)
    assert carried.amin(dim=0).tolist() == pytest.approx([0.0, 0.0, 0.0], rel=0, abs=1e-12)
    assert carried.amax(dim=0).tolist() == pytest.approx([1.0, 1.0, 0.0], rel=0, abs=1e-12)
    again = Ranges.from_tensors(fixed.tensors())
    assert fixed.tensors().keys() == again.tensors().keys() >= {"range.inputs", "range.span.0"}
    assert not Ranges.from_tensors({}).fixed


def test_a_row_has_the_range_of_its_own_sums_and_an_idle_one_no_less_than_a_share() -> None:
    most = BatchRanges(quantile=1.0).sum(0, CHANNELS * torch.tensor([1.0, 3.0, 1.0]))
    assert most.tolist() == pytest.approx([2.0, 3.0, 0.03], rel=1e-12, abs=0)


def test_numbers_of_channels_are_those_of_their_lines_and_weights() -> None:
    """Two channels of three lines each, read by two groups of one output."""
    channels = torch.tensor([1.0, 2.0])
    assert along(channels, 6).tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    found = across(channels, Matrix("m", outputs=2, inputs=6, groups=2))
    assert found.tolist() == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
