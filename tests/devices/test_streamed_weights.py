"""Streamed weights and receivers that integrate: symbols, electrons, times and prices by hand."""

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
from pnnsim.devices.detectors.time_integrating import TimeIntegrating
from pnnsim.devices.detectors.time_integrating_params import TimeIntegratingParams
from pnnsim.devices.weight_banks.streamed import StreamedBank
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import streaming
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.testing import small_size

MACHINE = "examples/machines/streamed_weights.yaml"
GIVEN = {
    "kind": "time_integrating", "responsivity": "0.8 A/W", "integration_time": "100 ps",
    "readout_time": "5 ns", "capacitance": "50 fF", "voltage_limit": "0.5 V",
    "double_sampling": "false", "dark_current": "10 nA", "read_noise": "50",
    "read_energy": "0.5 pJ", "static_power": "0.1 mW",
}  # fmt: skip
READS = 20_000


def machine(**settings: str) -> HardwareSpec:
    keys = {name.replace("__", "."): value for name, value in settings.items()}
    return load_spec(MACHINE, list(keys.items()))


def detector(**values: Any) -> TimeIntegrating:
    params = TimeIntegratingParams.model_validate({**GIVEN, **values})
    return TimeIntegrating(params, small_size())


def test_symbols_are_those_of_a_part_of_one_pole() -> None:
    """Integrated numerically, symbol by symbol; a fast part leaves them as they are."""
    wanted, ratio = np.array([0.9, 0.1, 0.0, 0.7, 0.7]), 1.7
    means, level = [], 0.0
    for value in wanted:
        one = solve_ivp(
            lambda _t, s, value=value: [value - s[0], s[0] / ratio],
            (0.0, ratio), [level, 0.0], rtol=1e-10, atol=1e-12,
        )  # fmt: skip
        level = one.y[0, -1]
        means.append(one.y[1, -1])
    found = streaming.streamed_symbols(torch.tensor(wanted), ratio)
    np.testing.assert_allclose(found.numpy(), means, rtol=1e-7, atol=1e-9)
    fast = streaming.streamed_symbols(torch.tensor(wanted), 1e9)
    np.testing.assert_allclose(fast.numpy(), wanted, rtol=0, atol=1e-8)
    assert streaming.streamed_symbols(torch.tensor(wanted), math.inf).tolist() == wanted.tolist()
    x = torch.tensor(wanted, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: streaming.streamed_symbols(v, ratio), (x,))


def test_the_charge_is_as_noisy_as_its_electrons_say() -> None:
    """Counted, reset and read; the signal to noise of a sum of n lines rises as its root."""
    part, power = detector(), 4e-6
    unit = 0.8 * power * 100e-12 / constants.e
    total = 3.0 * torch.ones((READS, 7), dtype=torch.float64)
    met = Received(signal=0.5 * total, total=total, unit_input=power)
    of = {
        "shot_noise": unit * 3.0 + 2.0 * 10e-9 * 100e-12 / constants.e,
        "reset_noise": constants.k * 300.0 * 50e-15 / constants.e**2,
        "read_noise": 50.0**2,
    }
    for name, variance in of.items():
        drawn = part.detect(met, stream(0, name, "read"), {f"detector.{name}"})
        spread = 5.0 * math.sqrt(2.0 / drawn.numel())
        assert float(drawn.var()) == pytest.approx(variance / unit**2, rel=spread, abs=0), name
    twice = detector(double_sampling="true")
    active = {"detector.reset_noise", "detector.read_noise"}
    drawn = twice.detect(met, stream(1, "d", "read"), active)
    assert float(drawn.var()) == pytest.approx(2.0 * 50.0**2 / unit**2, rel=0.02, abs=0)
    full = 50e-15 * 0.5 / constants.e / unit
    clipped = part.detect(met, None, {"detector.saturation"})
    assert float(clipped.max()) == pytest.approx(min(1.5, full), rel=1e-12, abs=0)


def test_a_product_takes_as_many_symbols_as_inputs_and_pays_for_every_weight() -> None:
    for rate, hidden in (("10 GHz", 64), ("5 GHz", 64), ("5 GHz", 16)):
        spec = machine(encoder__symbol_rate=rate, weight_banks__symbol_rate=rate)
        chip = Chip.nominal(spec, ReLaXNet(hidden=hidden, weight_sets=2, steps=3))
        symbol_fs = round(1e15 / spec.weight_banks.symbol_time**-1)
        assert chip.delays().mvm_fs == hidden * symbol_fs
        w = spec.weight_banks
        each = w.dac_energy + w.symbol_energy + w.weight_energy  # a byte a weight
        assert chip.weight_banks.cost("mvm") == pytest.approx(hidden**2 * each, rel=1e-12, abs=0)
        light = hidden * spec.encoder.laser_power / spec.encoder.laser_efficiency
        assert chip.encoder.static_power() == pytest.approx(light + 5e-3, rel=1e-12, abs=0)
    # The noise of one reading is that of a charge which was collected symbol by symbol.
    assert chip.detector.delay_fs("detect") == 5_000_000
    assert chip.detector.intensity_band({"detector.laser_noise"}) == pytest.approx(
        2.5e9, rel=1e-9, abs=0
    )


def test_signal_to_noise_is_that_of_the_electrons_of_a_product() -> None:
    """End to end: light behind all losses, collected for 64 symbols on both photodiodes."""
    spec = machine(weight_banks__bandwidth="10 THz", encoder__bandwidth="10 THz")
    chip = Chip.nominal(spec, ReLaXNet(hidden=64, weight_sets=2, steps=2))
    power = 100e-6 * 10 ** (-(4.0 + 10.0) / 10.0)
    assert chip.unit_input == pytest.approx(power, rel=1e-12, abs=0)
    unit = power * 100e-12 / constants.e
    line = torch.full((READS, 1), 32.0, dtype=torch.float64)
    met = Received(signal=8.0 * line / 32.0, total=line, unit_input=chip.unit_input)
    active = {"detector.shot_noise", "detector.reset_noise", "detector.read_noise"}
    drawn = chip.detector.detect(met, stream(3, "d", "read"), active)
    dark = 2.0 * 10e-9 * 6.4e-9 / constants.e
    expected = 8.0 * unit / math.sqrt(32.0 * unit + dark + 2.0 * 50.0**2)
    found = float(drawn.mean() / drawn.std())
    assert found == pytest.approx(expected, rel=5.0 / math.sqrt(2.0 * READS), abs=0)


def test_a_slow_modulator_mixes_each_weight_with_the_one_before() -> None:
    size = small_size("stream")
    params = machine(weight_banks__bandwidth="5 GHz").weight_banks
    bank = StreamedBank(params, size)
    active = {"weight_banks.symbol_memory"}
    target = torch.zeros((7, 6), dtype=torch.float64)
    target[:, 2] = 1.0
    met = bank.program(target, {}, active, math.inf).weights
    ratio = 2.0 * math.pi * 5e9 * 100e-12
    late = (1.0 - math.exp(-ratio)) / ratio
    kept = late * (1.0 - math.exp(-ratio))
    expected = [0.0, 0.0, 1.0 - late, kept, kept * math.exp(-ratio), kept * math.exp(-2 * ratio)]
    np.testing.assert_allclose(met[0].numpy(), expected, rtol=1e-12, atol=1e-15)


def test_training_knows_the_mixing_and_its_gradient() -> None:
    net = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=3)
    surrogate = Surrogate(net, machine(weight_banks__bandwidth="3 GHz"), seed=0)
    surrogate(torch.rand((4, 6))).square().sum().backward()
    gradients = [p.grad for p in surrogate.parameters() if p.grad is not None]
    assert gradients
    assert all(bool(torch.isfinite(g).all()) for g in gradients)
    assert any(bool(g.any()) for g in gradients)


def test_symbols_and_weights_of_different_rates_are_refused() -> None:
    with pytest.raises(SpecError, match=r"encoder\.symbol_rate: weights come at 1e\+10 Hz"):
        machine(encoder__symbol_rate="5 GHz")
    with pytest.raises(SpecError, match="weight_memory is 100 bytes"):
        machine(weight_banks__weight_memory="100")
