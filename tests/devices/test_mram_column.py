"""Columns of junctions in series: resistances, discharges, noise, times and prices by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import constants
from scipy.integrate import solve_ivp

from pnnsim.common.rng import stream
from pnnsim.devices.base import Received
from pnnsim.devices.detectors.time_to_digital import TimeToDigital
from pnnsim.devices.weight_banks.mram_column import MramColumn
from pnnsim.errors import SpecError
from pnnsim.inference.bank_models import FabricatedBanks
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import resistance_sum
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.testing import small_size

MACHINE = "examples/machines/mram_column.yaml"
SPREADS = frozenset(
    f"weight_banks.{name}"
    for name in ("resistance_spread", "tmr_spread", "transistor_spread", "stuck_junctions",
                 "column_offset", "quantization")
)  # fmt: skip


def machine(**settings: str) -> HardwareSpec:
    return load_spec(MACHINE, [(name.replace("__", "."), v) for name, v in settings.items()])


def bank(**settings: str) -> MramColumn:
    params = machine(**{f"weight_banks__{name}": v for name, v in settings.items()}).weight_banks
    return MramColumn(params, small_size("gate"))


def detector(**settings: str) -> TimeToDigital:
    spec = machine(**{f"detector__{name}": v for name, v in settings.items()})
    return TimeToDigital(spec.detector, small_size("gate"))


def test_a_column_adds_the_resistances_of_the_paths_that_its_inputs_choose() -> None:
    """Each cell by itself, junction and transistor of the open path; half of all are spoiled."""
    part = bank(stuck_fraction="30 %", offset_calibration="false")
    state = part.fabricate(stream(0, "b", "fabrication"))
    target = torch.rand((7, 6), generator=stream(1, "w", "train"), dtype=torch.float64) * 2 - 1
    held = part.program(target, state, SPREADS, math.inf)
    draws = {name: value.numpy() for name, value in state.items()}
    signs = np.where(target.numpy() >= 0, 1, -1)
    for inputs in (np.ones(6), -np.ones(6), np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0])):
        for out in range(7):
            ohms = 0.0
            for cell, x in enumerate(inputs):
                path = 0 if x > 0 else 1
                high = signs[out, cell] * x > 0
                stuck = draws["stuck"][out, cell, path]
                high = stuck > 0 if stuck else high
                junction = 1e4 * draws["resistance"][out, cell, path]
                ratio = 1.2 * draws["tmr"][out, cell, path]
                ohms += junction * (1 + ratio * high)
                ohms += 2e3 * draws["transistor"][out, cell, path]
            assert held.offset is not None
            read = float(held.weights[out] @ torch.tensor(inputs)) + float(held.offset[out])
            expected = (ohms - 6 * (1e4 + 6e3 + 2e3)) / 6e3
            assert read == pytest.approx(expected, rel=1e-9, abs=1e-9)
    measured = bank(stuck_fraction="30 %").program(target, state, SPREADS, math.inf)
    assert measured.offset is None
    assert torch.equal(measured.weights, held.weights)


def test_offsets_reach_the_outputs() -> None:
    spec = machine(weight_banks__offset_calibration="false")
    chip = Chip.nominal(spec, ReLaXNet(hidden=8, weight_sets=2, steps=2)).fabricate(0, 0)
    weight = torch.ones((2, 8, 8), dtype=torch.float64)
    banks = SwitchedBanks(FabricatedBanks(chip, weight, SPREADS), NoiseContext(SPREADS))
    met = banks.meet(0, (0, 1), math.inf)
    assert met.offset is not None
    assert float(met.offset.abs().min()) > 0.0


def test_the_discharge_is_that_of_a_resistance_and_a_capacitor() -> None:
    def falls(_t: float, v: Any) -> Any:
        return -v / (1.5e6 * 1e-13)

    falls_to = lambda _t, v: v[0] - 0.3  # noqa: E731
    falls_to.terminal = True
    solved = solve_ivp(falls, (0, 1e-6), [0.8], events=falls_to, rtol=1e-10, atol=1e-13)
    time = resistance_sum.discharge_time(1.5e6, 1e-13, 0.8, 0.3)
    assert time == pytest.approx(solved.t_events[0][0], rel=1e-6, abs=0)
    # A millivolt at the threshold moves the crossing by its slope.
    moved = resistance_sum.discharge_time(1.5e6, 1e-13, 0.8, 0.301) - time
    ohms = resistance_sum.threshold_noise(1.5e6, 1e-3, 0.8, 0.3)
    assert -moved == pytest.approx(ohms * time / 1.5e6, rel=2e-3, abs=0)
    tmr = torch.tensor(1.2, dtype=torch.float64, requires_grad=True)
    share = torch.tensor([0.2, 0.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda s, t: resistance_sum.path_resistances(s, 1.0, t, 0.2), (share, tmr)
    )


def test_noise_grows_with_the_whole_column() -> None:
    part, unit = detector(), 6e3
    factor = 100e-15 * math.log(2.0)
    for column in (1e5, 1.152e6):
        ones = torch.ones((20_000, 7), dtype=torch.float64)
        met = Received(signal=ones, total=ones, unit_input=unit, conductance=1.0 / column)
        of = {
            "thermal_noise": column * math.sqrt(constants.k * 300 / 1e-13) / (0.4 * math.log(2)),
            "comparator_noise": column * 0.3e-3 / (0.4 * math.log(2.0)),
            "jitter": 50e-12 / factor,
        }
        for name, ohms in of.items():
            drawn = part.detect(met, stream(2, name, "read"), {f"detector.{name}"})
            assert float(drawn.std()) == pytest.approx(ohms / unit, rel=0.02, abs=0), name
    counted = part.detect(met, None, {"detector.quantization"})
    step = 0.2e-9 / factor / unit
    assert float(counted[0, 0]) == pytest.approx(round(1.0 / step) * step, rel=1e-12, abs=0)
    late = part.detect(
        Received(signal=200 * ones, total=ones, unit_input=unit, conductance=1 / column),
        None, {"detector.saturation"},
    )  # fmt: skip
    assert float(late[0, 0]) == pytest.approx((130e-9 / factor - column) / unit, rel=1e-12, abs=0)


def test_times_and_prices_are_those_of_the_cells() -> None:
    chip = Chip.nominal(machine(), ReLaXNet(hidden=64, weight_sets=2, steps=2))
    assert chip.detector.delay_fs("detect") == 135_000_000
    assert chip.weight_banks.delay_fs("write") == 64 * 50_000_000 + 270_000_000
    written = 2 * 4096e-12 + 64 * 1.13e-12
    assert chip.weight_banks.cost("write") == pytest.approx(written, rel=1e-12, abs=0)
    unmeasured = bank(offset_calibration="false")
    assert unmeasured.delay_fs("write") == 64 * 50_000_000
    each = 100e-15 * 0.8**2 + 0.5e-12
    assert chip.detector.cost("detect") == pytest.approx(64 * each, rel=1e-12, abs=0)
    assert chip.weight_banks.conductance == pytest.approx(1 / (64 * 18e3), rel=1e-12, abs=0)
    # A gate that moves from 0 to 1 moves its cell by two signs.
    assert chip.unit_input == pytest.approx(2 * 6e3, rel=1e-12, abs=0)


def test_signs_are_learnt() -> None:
    net = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=2)
    surrogate = Surrogate(net, machine(), seed=0)
    surrogate(torch.rand((4, 6))).square().sum().backward()
    gradients = [p.grad for p in surrogate.parameters() if p.grad is not None]
    assert all(bool(torch.isfinite(g).all()) for g in gradients)
    assert sum(bool(g.any()) for g in gradients) >= 4


def test_a_threshold_above_the_supply_is_refused() -> None:
    with pytest.raises(SpecError, match=r"threshold is 0\.9 V and supply 0\.8 V"):
        machine(detector__threshold="0.9 V")
