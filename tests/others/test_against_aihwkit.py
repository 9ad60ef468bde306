"""Phase-change cells beside the noise model of aihwkit (IBM), which is torch code of its own."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from pnnsim.physics import dynamics, phase_change

noise = pytest.importorskip(
    "aihwkit.inference.noise.pcm", reason="aihwkit is not installed: pip install aihwkit"
)

G_MAX = phase_change.FULL_CONDUCTANCE_US


def model(**options: float) -> object:
    return noise.PCMLikeNoiseModel(g_max=G_MAX, **options)


def test_drift_without_noise_is_the_same() -> None:
    g = torch.linspace(0.05, 1.0, 20, dtype=torch.float64)
    exponent = torch.linspace(0.0, 0.1, 20, dtype=torch.float64)
    quiet = model(read_noise_scale=0.0)
    for elapsed in (1.0, 3600.0, 86400.0, 3.15e7):
        theirs = quiet.apply_drift_noise_to_conductance(G_MAX * g, exponent, elapsed)
        ours = dynamics.power_law_drift(
            G_MAX * g, torch.tensor(elapsed), phase_change.DRIFT_REFERENCE_TIME, exponent
        )
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)


@pytest.mark.parametrize("g", [0.03, 0.2, 1.0])
def test_spreads_are_those_of_its_draws(g: float) -> None:
    """Standard deviations of 200,000 draws, within 5 of their own (each 0.16 %)."""
    count = 200_000
    torch.manual_seed(1)  # noqa: TID251 - the other package draws from torch's own generator
    cells = torch.full((count,), g * G_MAX, dtype=torch.float64)
    at, bound = torch.tensor(g, dtype=torch.float64), 5.0 / math.sqrt(2.0 * count)
    programmed = model().apply_programming_noise_to_conductance(cells)
    if g > 0.1:  # below, conductances are cut at 0
        ours = float(phase_change.programming_deviation(at))
        assert float(programmed.std()) / G_MAX == pytest.approx(ours, rel=bound, abs=0)
    exponents = model().generate_drift_coefficients(cells)
    # Where ours are cut at 0, theirs are folded: mean and spread of a folded normal distribution.
    mean, above = phase_change.drift_exponent(at, torch.tensor([0.0, 1.0], dtype=at.dtype)).tolist()
    folded = stats.foldnorm(mean / (above - mean), scale=above - mean)
    assert float(exponents.mean()) == pytest.approx(
        folded.mean(), abs=5 * folded.std() / count**0.5
    )
    assert float(exponents.std()) == pytest.approx(folded.std(), rel=2 * bound, abs=0)
    read = model().apply_drift_noise_to_conductance(cells, torch.zeros(count), 1000.0)
    # Its clock begins t_0 before, at the start of the programming.
    ours = phase_change.read_deviation(
        at, torch.tensor(1000.0 + phase_change.DRIFT_REFERENCE_TIME, dtype=torch.float64)
    )
    assert float((read / cells).std()) == pytest.approx(float(ours), rel=2 * bound, abs=0)
