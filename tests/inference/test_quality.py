"""Figures of outputs and their confidence: shares by Wilson's score, losses by their own spread."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from pnnsim.inference.quality import (
    IMAGE_QUALITIES,
    TEXT_QUALITIES,
    mean_interval,
    quality,
    share_interval,
)


@pytest.mark.parametrize("samples", [1, 20, 1000])
@pytest.mark.parametrize("right", [0.0, 0.1, 0.5, 1.0])
def test_ends_of_a_share_are_as_far_off_as_chance_allows(samples: int, right: float) -> None:
    # The definition: at each end, what was found is the score's multiple of the deviation away.
    share = round(right * samples) / samples
    for end in share_interval(share, samples):
        assert 0.0 <= end <= 1.0
        if end not in (0.0, 1.0):
            deviation = math.sqrt(end * (1.0 - end) / samples)
            assert abs(share - end) == pytest.approx(1.959964 * deviation, rel=1e-6, abs=1e-9)
    assert share_interval(0.0, 10)[0] == 0.0
    assert share_interval(1.0, 10)[1] == 1.0


def test_an_interval_has_the_true_share_as_often_as_it_says() -> None:
    samples = 200
    for true in (0.5, 0.9, 0.97):
        ends = np.array([share_interval(n / samples, samples) for n in range(samples + 1)])
        inside = (ends[:, 0] <= true) & (true <= ends[:, 1])
        covered = stats.binom.pmf(np.arange(samples + 1), samples, true)[inside].sum()
        assert 0.93 < covered < 0.97


def test_the_interval_of_a_mean_is_that_of_many_samples() -> None:
    low, high = mean_interval(torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64))
    half = 1.959964 * math.sqrt(5.0 / 3.0 / 4.0)
    assert (low, high) == pytest.approx((2.5 - half, 2.5 + half), rel=1e-6, abs=0)
    assert mean_interval(torch.ones(1)) == (-math.inf, math.inf)


def test_every_figure_of_a_quality_lies_in_its_interval() -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, 4, (60,), generator=generator)

    def guess() -> torch.Tensor:
        hit = torch.nn.functional.one_hot(y, 4).double()
        return hit + torch.randn(60, 4, generator=generator, dtype=torch.float64)

    chips = [guess() for _ in range(3)]
    for measure in TEXT_QUALITIES.values():
        found = quality(measure, {"float": guess(), "int8": guess()}, guess(), chips, y)
        assert set(found["interval"]) == {"float", "int8", "surrogate", "hardware_mean"}
        for name, (low, high) in found["interval"].items():
            assert low < found[name] < high
    # Chips see the same samples, so more of them do not make the share of all samples any surer.
    measure = IMAGE_QUALITIES["accuracy"]
    one = quality(measure, {}, chips[0], chips[:1], y)
    many = quality(measure, {}, chips[0], chips[:1] * 50, y)
    assert one["interval"] == many["interval"]
    assert one["hardware_std"] == 0.0


def test_a_loss_of_one_sample_has_no_interval() -> None:
    outputs, y = torch.zeros(1, 3), torch.zeros(1, dtype=torch.long)
    assert quality(TEXT_QUALITIES["loss_nats"], {}, outputs, [outputs], y)["interval"] == {
        "surrogate": None,
        "hardware_mean": None,
    }
