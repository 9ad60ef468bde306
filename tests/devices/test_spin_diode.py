"""Chains of spin diodes: curves, crosstalk, noise, times and prices by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import constants
from scipy.optimize import brentq

from pnnsim.common.rng import stream
from pnnsim.devices.base import Received
from pnnsim.devices.nonlinearities.electronic import SpinOscillator
from pnnsim.devices.weight_banks.spin_diode import SpinDiodeBank
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import spin_diode
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.testing import small_size

MACHINE = "examples/machines/spin_diodes.yaml"
MIXES = frozenset({"weight_banks.crosstalk"})


def machine(**settings: str) -> HardwareSpec:
    return load_spec(MACHINE, [(name.replace("__", "."), v) for name, v in settings.items()])


def bank(**settings: str) -> SpinDiodeBank:
    params = machine(**{f"weight_banks__{name}": v for name, v in settings.items()}).weight_banks
    return SpinDiodeBank(params, small_size("microwave"))


def random_target() -> torch.Tensor:
    return torch.rand((7, 6), generator=stream(0, "w", "train"), dtype=torch.float64) * 1.9 - 0.95


def test_a_diode_is_an_anti_symmetric_lorentzian_and_is_tuned_by_its_inverse() -> None:
    """Its voltage is largest half a width off resonance; the inverse by root finding."""
    d = torch.tensor([-20.0, -1.0, -0.3, 0.0, 0.3, 1.0, 20.0], dtype=torch.float64)
    v = spin_diode.rectified(d)
    assert v[3] == 0.0
    np.testing.assert_allclose(v.numpy(), -v.flip(0).numpy(), rtol=1e-15, atol=0)
    assert float(v[5]) == pytest.approx(1.0, rel=1e-15, abs=0)
    assert float(v[6]) == pytest.approx(2.0 / 20.0, rel=3e-3, abs=0)
    for weight in (-0.99, -0.4, 0.05, 0.8):
        root = brentq(lambda x, w=weight: 2 * x / (1 + x * x) - w, -1, 1, xtol=1e-14)
        found = spin_diode.detuning_of(torch.tensor(weight, dtype=torch.float64))
        assert float(found) == pytest.approx(root, rel=1e-9, abs=0)
    x = torch.tensor([[0.3, -0.7, 0.1]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: spin_diode.chain_weights(a, 4.0), (x,))
    assert torch.autograd.gradcheck(spin_diode.detuning_of, (x,))


def test_every_diode_of_a_chain_rectifies_every_frequency() -> None:
    detuning = random_target().numpy()
    spacing, expected = 6.0, np.zeros((7, 6))
    for out in range(7):
        for line in range(6):
            for diode in range(6):
                # Frequencies in half widths; a diode is tuned below its own frequency.
                off = spacing * line - (spacing * diode - detuning[out, diode])
                expected[out, line] += 2 * off / (1 + off**2)
    found = spin_diode.chain_weights(torch.from_numpy(detuning), spacing)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-14)


def test_crosstalk_falls_with_spacing_and_is_calibrated_away() -> None:
    target, left = random_target(), {}
    for spacing in ("100 MHz", "200 MHz", "400 MHz", "800 MHz"):
        once = bank(spacing=spacing, calibration_rounds="1")
        held = once.program(target, {}, MIXES, math.inf).weights
        left[spacing] = float((held - target).abs().max())
    rows = list(left.values())
    assert all(a > b for a, b in pairwise(rows))
    # Far away voltages fall as 1 / distance.
    assert rows[-2] / rows[-1] == pytest.approx(2.0, rel=0.1, abs=0)
    held = bank(calibration_rounds="30").program(target, {}, MIXES, math.inf).weights
    np.testing.assert_allclose(held.numpy(), target.numpy(), rtol=0, atol=1e-6)


def test_what_is_off_in_frequency_is_off_in_weight_by_the_slope() -> None:
    part = bank(frequency_error="0.01 MHz")
    state = part.fabricate(stream(3, "b", "fabrication"))
    active = frozenset({"weight_banks.frequency_error"})
    zero = torch.zeros((7, 6), dtype=torch.float64)
    off = part.program(zero, state, active, math.inf).weights
    # 2 d of the largest voltage, of which half is weight 1.
    expected = -2.0 * state["frequency"] / 0.5
    np.testing.assert_allclose(off.numpy(), expected.numpy(), rtol=1e-5, atol=1e-12)
    again = part.fabricate(stream(3, "b", "fabrication"))["frequency"]
    assert float(again.std()) == pytest.approx(2 * 0.01 / 50, rel=5 / math.sqrt(84), abs=0)


def test_signal_to_noise_is_that_of_a_chain_and_its_amplifier() -> None:
    """End to end: a line's power among 64 chains, and the heat of 64 diodes."""
    chip = Chip.nominal(machine(), ReLaXNet(hidden=64, weight_sets=2, steps=2))
    volts = 1000 * 0.5 * 10 ** (-0.3) * 64e-6 / 64
    assert chip.unit_input == pytest.approx(volts, rel=1e-12, abs=0)
    band = math.pi / 2 * 1e6
    variance = (4 * constants.k * 300 * 64 * 500 + (5e-9) ** 2) * band
    ones = torch.ones((20_000, 1), dtype=torch.float64)
    met = Received(
        signal=ones, total=ones, unit_input=volts, conductance=chip.weight_banks.conductance
    )
    active = {"detector.thermal_noise", "detector.voltage_noise"}
    drawn = chip.detector.detect(met, stream(4, "d", "read"), active)
    ratio = float(drawn.mean() / drawn.std())
    assert ratio == pytest.approx(volts / math.sqrt(variance), rel=0.026, abs=0)


def test_times_and_prices_are_those_of_diodes_and_sources() -> None:
    chip = Chip.nominal(machine(), ReLaXNet(hidden=64, weight_sets=2, steps=2))
    response = math.log(2**7) / (math.pi * 50e6)
    assert chip.weight_banks.delay_fs("mvm") == pytest.approx(response * 1e15, rel=1e-9, abs=1)
    assert chip.weight_banks.delay_fs("write") == 10 * 10 * 10**9
    assert chip.weight_banks.cost("write") == pytest.approx(4096 * 10e-12, rel=1e-12, abs=0)
    assert chip.encoder.static_power() == pytest.approx(64 * 64e-6 / 0.2, rel=1e-12, abs=0)


def test_a_neuron_that_emits_power_emits_the_square_of_its_amplitude() -> None:
    size = small_size()
    power = SpinOscillator(machine().nonlinearity, size)
    other = machine(nonlinearity__emits="amplitude").nonlinearity
    amplitude = SpinOscillator(other, size)
    value = torch.linspace(-1, 1, 8, dtype=torch.float64).unsqueeze(0)
    found, root = (part.activate(value, None, None, frozenset()) for part in (power, amplitude))
    np.testing.assert_allclose(found.numpy(), root.numpy() ** 2, rtol=1e-12, atol=0)


def test_training_goes_through_the_chains() -> None:
    net = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=2)
    surrogate = Surrogate(net, machine(), seed=0)
    surrogate(torch.rand((4, 6))).square().sum().backward()
    gradients = [p.grad for p in surrogate.parameters() if p.grad is not None]
    assert all(bool(torch.isfinite(g).all()) for g in gradients)
    assert sum(bool(g.any()) for g in gradients) >= 4
