"""The signal-to-noise ratio at the detector of each shipped machine is that of its link budget.

Budgets are written out here from the descriptions' numbers and the textbook's formulas: shot noise
2 q I B, thermal noise 4 k T G B, an amplifier's i_n^2 B, a laser's RIN I^2 B, in the band pi / 2
f_3dB of a single pole. A laser's noise is one number on all outputs that its light reaches, so
budgets are covariances. Nothing is taken from the library but the descriptions and the products.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import constants, stats

from pnnsim.common.rng import stream
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.specs.resolve import available_specs
from tests.inference.evaluated import switched

Floats = NDArray[np.float64]

N = 64
WAVES = 1500
NETWORK = ReLaXNet(hidden=N, weight_sets=2, steps=2)
NOISES = ("shot_noise", "amplifier_noise", "laser_noise", "thermal_noise", "voltage_noise")


def decibels(loss: float) -> float:
    return 10.0 ** (-loss / 10.0)


def band(p: Any) -> float:
    return math.pi / 2 * float(p.bandwidth)


def rin(density: float) -> float:
    return 10.0 ** (density / 10.0)


def powers(
    spec: HardwareSpec, each: float, plus: Floats, minus: Floats, x: Floats
) -> tuple[Floats, Floats]:
    """Return signal and noise covariance [A, A^2] of a balanced pair, or of two photodiodes.

    Each line has a laser of its own, whose noise goes wherever its light goes.

    Args:
        spec: Description of the machine.
        each: Power of a line at logical 1 that would reach a photodiode through a clear cell [W].
        plus: Part of it that reaches the adding photodiode, shape `(n_out, n_in)`.
        minus: The same of the other one.
        x: What the lines carry.
    """
    d: Any = spec.detector
    encoder: Any = spec.encoder
    current = d.responsivity * each * x
    difference, both = (plus - minus) * current, (plus + minus) * current
    variance = 2 * constants.e * (both.sum(axis=1) + 2 * d.dark_current) * band(d)
    if d.kind == "photodiode":
        variance = variance + 2 * d.amplifier_noise**2 * band(d)
        relative, lit = rin(encoder.intensity_noise), difference
    else:
        variance = variance + d.amplifier_noise**2 * band(d)
        # What both photodiodes see stays by its share in amplitude.
        relative = rin(encoder.laser_rin)
        lit = difference + math.sqrt(decibels(d.common_mode_rejection)) * both
    return difference.sum(axis=1), np.diag(variance) + relative * band(d) * lit @ lit.T


def mrr(spec: HardwareSpec, w: Floats, x: Floats) -> tuple[Floats, Floats]:
    """A lossless ring drops what it does not pass; at most 0.8742 more on resonance, 98 % used."""
    b: Any = spec.weight_banks
    lost = spec.encoder.insertion_loss + spec.switch.insertion_loss + b.excess_loss
    lost += 31 * b.through_loss
    each = spec.encoder.laser_power * decibels(lost) / N
    drop = (1.0 + 0.98 * 0.874219 * w) / 2
    return powers(spec, each, drop, 1.0 - drop, x)


def pcm(spec: HardwareSpec, w: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Two cells a weight; one of them opaque."""
    b: Any = spec.weight_banks
    memory: Any = spec.memory
    lost = spec.encoder.insertion_loss + spec.switch.insertion_loss + b.excess_loss
    if memory.kind == "delay_line":
        lost += memory.loss * memory.length + memory.excess_loss
    each = spec.encoder.laser_power * decibels(lost) / (2 * N)
    clear, opaque = decibels(b.insertion_loss), decibels(b.insertion_loss + b.extinction)
    plus, minus = (opaque + (clear - opaque) * np.maximum(side * w, 0.0) for side in (1, -1))
    return powers(spec, each, plus, minus, x)


def slm(spec: HardwareSpec, w: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Two masks, and the mirrors in front of them."""
    b: Any = spec.weight_banks
    encoder: Any = spec.encoder
    lost = spec.switch.insertion_loss + b.mask_loss + b.excess_loss
    each = encoder.electrical_power * encoder.efficiency * decibels(lost) / (2 * N)
    return powers(spec, each, np.maximum(w, 0.0), np.maximum(-w, 0.0), x)


def mzi(spec: HardwareSpec, w: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Four meshes of 32 x 32; 2 x 32 columns and the attenuators between; two pairs an output."""
    b: Any = spec.weight_banks
    d: Any = spec.detector
    lost = spec.encoder.insertion_loss + spec.switch.insertion_loss + b.excess_loss
    lost += 65 * b.column_loss
    tiles = [w[i : i + 32, j : j + 32] for i in (0, 32) for j in (0, 32)]
    largest = max(np.linalg.svd(tile, compute_uv=False)[0] for tile in tiles)
    unit = math.sqrt(spec.encoder.laser_power * decibels(lost) / 2) / largest  # W^0.5
    oscillator = d.local_oscillator_power
    # Both pairs of an output are taken to share its field.
    field = unit * (w @ x) / 2
    current = 2 * d.responsivity * 2 * math.sqrt(oscillator) * field
    light = 2 * d.responsivity * (oscillator + field**2)
    variance = 2 * constants.e * (light + 2 * 2 * d.dark_current) * band(d)
    variance = variance + d.amplifier_noise**2 * band(d)
    # One laser feeds all lines and all local oscillators.
    lit = current + math.sqrt(decibels(d.common_mode_rejection)) * light
    return current, np.diag(variance) + rin(spec.encoder.laser_rin) * band(d) * np.outer(lit, lit)


def crossbar(spec: HardwareSpec, w: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Eight equal junctions each way; all 64 cells of a column hang on its amplifier."""
    b: Any = spec.weight_banks
    d: Any = spec.detector
    parallel, anti = 1.0 / b.resistance, 1.0 / (b.resistance * (1.0 + b.tmr))
    current = spec.encoder.voltage * b.devices * (parallel - anti) * (w @ x)
    column = N * 2 * b.devices * (parallel + anti) / 2
    variance = 4 * constants.k * 300.0 * column * band(d) + d.amplifier_noise**2 * band(d)
    variance += (d.voltage_noise * column) ** 2 * band(d)
    return current, variance * np.eye(N)


def phase_change(spec: HardwareSpec, w: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Two cells each way, a fifth of the span above their lowest level on the mean."""
    b: Any = spec.weight_banks
    d: Any = spec.detector
    low, high = 1.0 / b.reset_resistance, 1.0 / b.full_resistance
    current = spec.encoder.voltage * 2 * (high - low) * (w @ x)
    column = N * 2 * 2 * (low + 0.2 * (high - low))
    variance = 4 * constants.k * 300.0 * column * band(d) + d.amplifier_noise**2 * band(d)
    variance += (d.voltage_noise * column) ** 2 * band(d)
    return current, variance * np.eye(N)


BUDGETS: dict[str, Callable[[Any, Floats, Floats], tuple[Floats, Floats]]] = {
    "mrr": mrr,
    "pcm": pcm,
    "slm": slm,
    "mzi_mesh": mzi,
    "mtj_crossbar": crossbar,
    "pcm_crossbar": phase_change,
}


def weights() -> torch.Tensor:
    drawn = torch.rand((2, N, N), generator=stream(1, "weights", "train"), dtype=torch.float64)
    return 1.8 * drawn - 0.9


@pytest.mark.parametrize("level", [0.1, 1.0])
@pytest.mark.parametrize("machine", available_specs())
def test_the_signal_to_noise_ratio_is_that_of_the_link_budget(machine: str, level: float) -> None:
    spec = load_spec(machine)
    chip = Chip.nominal(spec, NETWORK)
    active = frozenset(f"detector.{name}" for name in NOISES) & chip.non_idealities
    assert len(active) >= 2
    generator = stream(2, machine, "read")
    weight, line = weights(), level * torch.linspace(0.2, 1.0, N, dtype=torch.float64)
    products = BankMvm(
        switched(chip, weight, active, generator),
        nominal_accesses(chip.order, chip.mapping),
    )
    met = products.receive(line.expand(WAVES, N), 0)
    captured = chip.detector.detect(met, generator, active).numpy()

    current, covariance = BUDGETS[spec.weight_banks.kind](spec, weight[0].numpy(), line.numpy())
    signal = weight[0].numpy() @ line.numpy()
    unit = current[0] / signal[0]  # A of logical 1
    np.testing.assert_allclose(current, unit * signal, rtol=1e-9, atol=0)
    assert float(torch.as_tensor(chip.detector.unit_current(met.unit_input)).mean()) == (
        pytest.approx(unit, rel=1e-4, abs=0)  # the ring's golden number has six digits
    )
    noise = captured - signal
    covariance = covariance / unit**2
    # Means first: 5 sigma of 64 means, and of the widest of them.
    deviation = np.sqrt(np.diag(covariance))
    assert np.abs(noise.mean(axis=0) / deviation).max() < 5 / math.sqrt(WAVES)
    found = (signal**2).sum() / noise.var(axis=0).sum()
    expected = (signal**2).sum() / (deviation**2).sum()
    # 5 sigma of a sum of variances from n samples: 5 sqrt(2 tr(C^2) / n) of tr(C).
    bound = 5 * math.sqrt(2 * (covariance**2).sum() / WAVES) / np.trace(covariance)
    assert found == pytest.approx(expected, rel=bound + 2e-4, abs=0)
    # Whitened by the budget, outputs are independent and normal.
    white = np.linalg.solve(np.linalg.cholesky(covariance), noise.T)
    assert stats.kstest(white.ravel(), stats.norm.cdf).pvalue > 5.7e-7
    left = np.cov(white) - np.eye(N)
    assert np.abs(left).max() < 6 * math.sqrt(2 / WAVES)


@pytest.mark.parametrize("machine", ["photonic_mrr", "photonic_mzi"])
def test_light_of_a_line_is_as_noisy_on_every_output_that_it_reaches(machine: str) -> None:
    """Lasers of strong noise: outputs move together as their shared light says."""
    spec = load_spec(machine, [("encoder.laser_rin", "-115 dB/Hz")])
    chip = Chip.nominal(spec, NETWORK)
    active = frozenset(f"detector.{name}" for name in NOISES) & chip.non_idealities
    weight, line = weights(), torch.linspace(0.2, 1.0, N, dtype=torch.float64)
    banks = switched(chip, weight, active, stream(3, machine, "read"))
    products = BankMvm(banks, nominal_accesses(chip.order, chip.mapping))
    met = products.receive(line.expand(WAVES, N), 0)
    captured = chip.detector.detect(met, banks.noise.generator, active).numpy()
    _, covariance = BUDGETS[spec.weight_banks.kind](spec, weight[0].numpy(), line.numpy())
    deviation = np.sqrt(np.diag(covariance))
    wanted = covariance / np.outer(deviation, deviation)
    found = np.corrcoef(captured.T)
    # 6 sigma, for 2016 pairs; correlations of fields from one laser are almost whole.
    assert np.abs(found - wanted).max() < 6 / math.sqrt(WAVES)
    apart = ~np.eye(N, dtype=bool)
    shared = np.sqrt((wanted[apart] ** 2).mean())
    assert shared > {"photonic_mrr": 0.08, "photonic_mzi": 0.5}[machine]


def test_every_shipped_bank_has_a_budget() -> None:
    assert {load_spec(name).weight_banks.kind for name in available_specs()} == set(BUDGETS)
