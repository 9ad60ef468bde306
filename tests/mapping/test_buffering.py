"""Numbers between digital steps: how many a buffer holds at once, and what moving them costs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import pnnsim
from pnnsim.errors import MappingError
from pnnsim.inference.chip import Chip
from pnnsim.mapping.buffering import buffered
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.workload import Value
from pnnsim.specs.hardware import load_spec

PRICED = [("front_end.buffer_capacity", "4096"), ("front_end.buffer_energy", "1 pJ")]


def network():
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4)).double()
    return pnnsim.from_torch(module, torch.rand(2, 1, 6, 6, dtype=torch.float64))


def test_live_numbers_and_moves_of_a_small_network_by_hand() -> None:
    passage = Chip.nominal(load_spec("photonic_mrr"), network()).passage
    # The image of 36 is read by 16 vectors of 9; 16 x 3 sums are converted, become 48 numbers,
    # which one vector reads; 4 sums are converted. The view in between moves nothing.
    assert passage.moved == 16 * 9 + 16 * 3 + 48 + 4
    # Image and map are there while the convolution goes on: 36 + 48; the view takes 48 more.
    assert passage.live == 48 + 48


def test_a_buffer_has_a_price_for_each_number_that_moves() -> None:
    free, priced = (
        Chip.nominal(load_spec("photonic_mrr", changes), network()).prices().dynamic
        for changes in ([], PRICED)
    )
    moved = 16 * 9 + 16 * 3 + 48 + 4
    added = priced["front_end", "map_input"] - free["front_end", "map_input"]
    assert added == pytest.approx(moved * 1e-12, rel=1e-12, abs=0)


def test_values_beyond_the_buffer_are_refused_with_what_is_needed() -> None:
    small = [("front_end.buffer_capacity", "95"), ("front_end.buffer_energy", "1 pJ")]
    with pytest.raises(MappingError, match=r"got 95 bytes; 1 samples .* have 96 numbers .* Hint"):
        Chip.nominal(load_spec("photonic_mrr", small), network())


def test_a_network_whose_state_stays_analog_needs_no_buffer() -> None:
    small = [("front_end.buffer_capacity", "1"), ("front_end.buffer_energy", "1 pJ")]
    relaxnet = pnnsim.ReLaXNet(inputs=4, hidden=8, outputs=3, weight_sets=2, steps=3)
    chip = Chip.nominal(load_spec("photonic_mrr", small), relaxnet)
    assert (chip.passage.live, chip.passage.moved) == (0, 0)


def test_capacity_and_price_go_together() -> None:
    with pytest.raises(ValueError, match="got one of buffer_capacity and buffer_energy"):
        load_spec("photonic_mrr", PRICED[:1])


def test_the_output_is_there_until_the_end_however_early_it_is_made() -> None:
    builder = WorkloadBuilder(Value((4,)))
    output = builder.digital("relu", 0)
    wide = builder.digital("constant", shape=(100,))
    builder.digital("relu", wide)
    # The output beside the widest pair: what is read, and what is made of it.
    live, _ = buffered(builder.build(output), converted=0, entering=0, analog=())
    assert live == 4 + 100 + 100
