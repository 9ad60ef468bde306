"""A detector's noise and unit follow the light that reaches it, term by term.

Each term stands alone here: beside a larger one, a factor of zero would pass for scatter.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.devices.base import Received
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import switched

NETWORK = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)
LASER = frozenset({"detector.laser_noise"})


def chip(machine: str, *changes: tuple[str, str]) -> Chip:
    return Chip.nominal(load_spec(machine, list(changes)), NETWORK)


def balanced(c: Chip, intensity: float) -> Received:
    """Return light that is as strong on both photodiodes, off by a relative intensity."""
    ones = torch.ones((1, 16), dtype=torch.float64)
    return Received(
        signal=0.0 * ones,
        total=(1.0 + intensity) * 9.0 * ones[:, :1],
        unit_input=c.unit_input,
        fluctuation=intensity * 9.0 * ones[:, :1],
        laser=intensity * ones[:, :1],
    )


def noise_of(c: Chip, intensity: float) -> float:
    """Return what such light adds to the signal of an output [A]."""
    drawn = c.detector.detect(balanced(c, intensity), torch.Generator().manual_seed(1), LASER)
    return float(drawn[0, 0]) * float(c.detector.unit_current(c.unit_input))


@pytest.mark.parametrize("intensity", [1e-3, -2e-3])
@pytest.mark.parametrize("decibels", [20, 40])
def test_laser_noise_that_both_photodiodes_see_is_rejected_but_not_gone(
    decibels: int, intensity: float
) -> None:
    """Rejection in power: the noise of both currents together, times its root."""
    c = chip("photonic_mrr", ("detector.common_mode_rejection", f"{decibels} dB"))
    expected = 10 ** (-decibels / 20) * intensity * 9.0 * c.unit_input * 1.0
    assert noise_of(c, intensity) == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("intensity", [1e-3, -2e-3])
@pytest.mark.parametrize("decibels", [20, 40])
def test_a_local_oscillators_noise_is_rejected_but_not_gone(
    decibels: int, intensity: float
) -> None:
    c = chip("photonic_mzi", ("detector.common_mode_rejection", f"{decibels} dB"))
    params = c.detector.params
    expected = 10 ** (-decibels / 20) * intensity * params.responsivity
    expected *= params.local_oscillator_power
    assert noise_of(c, intensity) == pytest.approx(expected, rel=1e-9, abs=0)


def test_a_detector_without_laser_noise_keeps_what_it_got() -> None:
    for machine in ("photonic_mrr", "photonic_mzi"):
        c = chip(machine)
        met = balanced(c, 0.1)
        assert torch.equal(c.detector.detect(met, None, frozenset()), met.signal)
        assert c.detector.intensity_band(frozenset()) == 0.0


def test_a_detector_expects_the_light_that_a_passive_mesh_leaves_of_a_matrix() -> None:
    """A mesh scales a matrix down to singular values of at most 1: so much less light comes."""
    c = chip("photonic_mzi")
    generator = torch.Generator().manual_seed(0)
    weight = 2.0 * torch.rand((2, 16, 16), generator=generator, dtype=torch.float64) - 1.0
    products = BankMvm(switched(c, weight, frozenset()), nominal_accesses(c.order, c.mapping))
    line = torch.ones((1, 16), dtype=torch.float64)
    for step, number in enumerate((0, 1, 0)):
        largest = np.linalg.svd(weight[number].numpy(), compute_uv=False)[0]
        assert largest > 2.0
        got = float(products.receive(line, step).unit_input)
        assert got == pytest.approx(c.unit_input / largest**2, rel=1e-9, abs=0)
