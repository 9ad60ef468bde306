"""What a sample's vectors meet: each comes later than the one before, so that less is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import pnnsim
from pnnsim.common.units import from_fs
from pnnsim.inference.accesses import AccessTable
from pnnsim.inference.bank_models import NominalBanks
from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.inference.ranges import BatchRanges
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.inference.written_matrices import written_matrices
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec

#: Vectors of the first convolution, and samples.
VECTORS, SAMPLES = 16, 3


def machine() -> tuple[Chip, dict[str, torch.Tensor], AccessTable]:
    """Return a machine whose banks and switch settle while the vectors of a sample come."""
    module = nn.Sequential(nn.Conv2d(1, 4, 2, stride=2), nn.Flatten(), nn.Linear(64, 5)).double()
    network = pnnsim.from_torch(module, torch.rand(2, 1, 8, 8, dtype=torch.float64))
    slow = [("weight_banks.count", "1"), ("weight_banks.slow_time_constant", "2 us")]
    chip = Chip.nominal(load_spec("photonic_mrr", slow), network)
    return chip, network.initial_parameters(), time_run(chip, SAMPLES).accesses


@pytest.mark.parametrize("since_s", [0.0, 3e-8])
def test_each_vector_meets_what_a_sample_of_its_own_would_meet_at_that_time(since_s: float) -> None:
    chip, numbers, accesses = machine()
    product = chip.passage.products[0]
    assert product.vectors == VECTORS
    since = np.full_like(accesses.since_write_s, since_s)
    since[1:] += 1e-8
    replaced = np.full_like(accesses.replaced, 1)
    accesses = replace(accesses, since_write_s=since, dwell_s=since, replaced=replaced)
    active = chip.deterministic | {"weight_banks.settling", "switch.settling"}
    written, _ = written_matrices(chip, numbers, BatchRanges())
    banks = SwitchedBanks(NominalBanks(chip, written, active), NoiseContext(active))
    lines = torch.rand(SAMPLES * VECTORS, chip.mapping.inputs, dtype=torch.float64)
    train = BankMvm(banks, accesses).receive(lines, 0, vectors=VECTORS).signal
    interval = from_fs(chip.work().period_fs(product))
    for vector in range(VECTORS):
        passed = vector * interval
        later = replace(
            accesses,
            since_write_s=accesses.since_write_s + passed,
            dwell_s=accesses.dwell_s + passed,
        )
        alone = BankMvm(banks, later).receive(lines[vector::VECTORS], 0).signal
        torch.testing.assert_close(train[vector::VECTORS], alone, rtol=0, atol=1e-12)
    first, last = (BankMvm(banks, accesses).receive(lines[:SAMPLES], 0).signal for _ in range(2))
    assert torch.equal(first, last)
    settled = replace(accesses, since_write_s=since + 1.0, dwell_s=since + 1.0)
    there = BankMvm(banks, settled).receive(lines[:SAMPLES], 0).signal
    assert (first - there).abs().max() > 1e-3
