"""A detector's noise and unit follow the light that reaches it, term by term.

Each term stands alone here: beside a larger one, a factor of zero would pass for scatter.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.devices.base import Received
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import photonic_detection
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import switched

NETWORK = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)
LASER = frozenset({"detector.laser_noise"})


def chip(machine: str, *changes: tuple[str, str]) -> Chip:
    return Chip.nominal(load_spec(machine, list(changes)), NETWORK)


def balanced(c: Chip, samples: int) -> Received:
    """Return light that is as strong on both photodiodes of every output."""
    ones = torch.ones((samples, 16), dtype=torch.float64)
    return Received(
        signal=0.0 * ones,
        total=9.0 * ones[:, :1],
        squares=0.0 * ones,
        square_total=9.0 * ones[:, :1],
        unit_input=c.unit_input,
        intensity_noise=1e-15,
    )


@pytest.mark.parametrize("decibels", [20, 40])
def test_laser_noise_that_both_photodiodes_see_is_rejected_but_not_gone(decibels: int) -> None:
    c = chip("photonic_mrr", ("detector.common_mode_rejection", f"{decibels} dB"))
    drawn = c.detector.detect(balanced(c, 2000), torch.Generator().manual_seed(1), LASER)
    # Nine lasers of relative noise 1e-15 / Hz in the band of a single pole at 5 GHz.
    expected = 9.0 * 1e-15 * (math.pi / 2 * 5e9) * 10 ** (-decibels / 10)
    # 5 sigma of a variance from n draws: 5 sqrt(2 / n).
    bound = 5 * math.sqrt(2 / drawn.numel())
    assert float(drawn.var()) == pytest.approx(expected, rel=bound, abs=0)


@pytest.mark.parametrize("decibels", [20, 40])
def test_a_local_oscillators_noise_is_rejected_but_not_gone(decibels: int) -> None:
    c = chip("photonic_mzi", ("detector.common_mode_rejection", f"{decibels} dB"))
    params = c.detector.params
    drawn = c.detector.detect(balanced(c, 2000), torch.Generator().manual_seed(1), LASER)
    band = math.pi / 2 * params.bandwidth
    # Without a signal each photodiode of a pair gets half of the oscillator.
    mean = params.responsivity * params.local_oscillator_power / 2
    current = math.sqrt(1e-15 * band * mean**2 * 10 ** (-decibels / 10))
    expected = (current / float(c.detector.unit_current(c.unit_input))) ** 2
    bound = 5 * math.sqrt(2 / drawn.numel())
    assert float(drawn.var()) == pytest.approx(expected, rel=bound, abs=0)


def test_the_noise_of_a_pair_is_that_of_the_difference_and_the_rejected_mean() -> None:
    def variance(plus: float, minus: float, rejection: float) -> float:
        currents = (torch.tensor(each, dtype=torch.float64) for each in (plus, minus))
        return float(
            photonic_detection.balanced_intensity_noise_variance(*currents, 1e-15, rejection, 1e9)
        )

    # By hand [A^2]: 1e-15 / Hz x 1 GHz = 1e-6; a mean of 2 mA rejected by 1000; a difference of 2.
    assert variance(2e-3, 2e-3, 1e3) == pytest.approx(4e-15, rel=1e-12, abs=0)
    assert variance(1e-3, -1e-3, 1e3) == pytest.approx(4e-12, rel=1e-12, abs=0)
    assert variance(3e-3, 1e-3, 1e3) == pytest.approx(4.004e-12, rel=1e-12, abs=0)


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
