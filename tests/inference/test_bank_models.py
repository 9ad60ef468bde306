"""Every model of banks is the same interface, and where nothing differs they are the same banks."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from pnnsim.hil.calibrated_banks import CalibratedBanks, Calibration
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.accesses import UNWRITTEN
from pnnsim.inference.bank_models import (
    AGE_RATIO,
    SETTLED,
    BankModel,
    FabricatedBanks,
    NominalBanks,
    age_bins,
    age_of,
)
from pnnsim.inference.chip_sampler import ChipSampler
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec, load_spec

NETWORK = ReLaXNet(inputs=5, hidden=8, outputs=3, weight_sets=2, steps=2)
MACHINES = ("photonic_mrr", "photonic_mzi", "photonic_pcm", "freespace_dmd", "spintronic_mtj")


def weights() -> Tensor:
    drawn = torch.rand((2, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return 1.6 * drawn - 0.8


def nominal(spec: HardwareSpec) -> BankModel:
    return NominalBanks(Surrogate(NETWORK, spec).chip, weights(), frozenset())


def fabricated(spec: HardwareSpec) -> BankModel:
    chip = Surrogate(NETWORK, spec).chip.fabricate(1, 0)
    return FabricatedBanks(chip, weights(), frozenset())


def sampled(spec: HardwareSpec) -> BankModel:
    chip = Surrogate(NETWORK, spec).chip
    return ChipSampler(chip, frozenset(), frozenset(), seed=1, redraw=1).sample(weights())[0]


def calibrated(spec: HardwareSpec) -> BankModel:
    surrogate = Surrogate(NETWORK, spec, non_idealities=(), dtype=torch.float64)
    return CalibratedBanks(surrogate, weights(), Calibration.none(surrogate))


def bench(spec: HardwareSpec) -> BankModel:
    every = sorted(Surrogate(NETWORK, spec).chip.non_idealities)
    backend = SimulatedBackend(spec, NETWORK, without=every)
    for number, weight in enumerate(weights()):
        backend.write(number, weight)
    return backend._banks


MODELS = (nominal, fabricated, sampled, calibrated, bench)


@pytest.mark.parametrize("made", MODELS)
@pytest.mark.parametrize("machine", MACHINES)
def test_banks_without_non_idealities_hold_what_is_written(
    machine: str, made: Callable[[HardwareSpec], BankModel]
) -> None:
    model = made(load_spec(machine))
    for number, weight in enumerate(weights()):
        held = model.effective(number, number, math.inf)
        # What calibrated tables of a bank resolve, in logical units.
        np.testing.assert_allclose(held.weights, weight, rtol=0, atol=1e-6)
        assert model.write_error(number, held) is None
        assert model.effective(number, number, math.inf) is held


@pytest.mark.parametrize("made", MODELS)
@pytest.mark.parametrize("machine", MACHINES)
def test_an_unwritten_bank_is_at_rest(
    machine: str, made: Callable[[HardwareSpec], BankModel]
) -> None:
    model = made(load_spec(machine))
    held = model.effective(0, UNWRITTEN, math.inf).weights
    np.testing.assert_array_equal(held, np.full((8, 8), model.chip.weight_banks.rest_weight))


def test_a_bench_keeps_what_a_bank_held_before_a_write() -> None:
    backend = SimulatedBackend(load_spec("photonic_mrr"), NETWORK, seed=3)
    banks = backend._banks
    first, second = weights()
    backend.write(0, first)
    assert banks.contents.tolist() == [0, UNWRITTEN]
    held = banks.effective(0, 0, math.inf)
    backend.write(0, second)
    assert banks.replaced.tolist() == [2, UNWRITTEN]
    assert banks.effective(0, 2, math.inf) is held
    assert not torch.equal(banks.effective(0, 0, math.inf).weights, held.weights)


def test_ages_of_a_bin_differ_by_no_more_than_the_ratio() -> None:
    ages = np.geomspace(1e-9, 1e9, 1000)
    middles = np.array([age_of(number) for number in age_bins(ages).tolist()])
    # Half a bin to either side, and the rounding of logarithms.
    assert np.abs(np.log(middles / ages)).max() < 0.5 * math.log(AGE_RATIO) + 1e-9
    assert age_bins(np.array([math.inf])).tolist() == [SETTLED]
    assert math.isinf(age_of(SETTLED))
