"""Phase-change cells: programming, drift, flicker."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.physics import dynamics
from pnnsim.physics import phase_change as pcm

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


def f64(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_programming_deviation_of_both_fits() -> None:
    # Sums of the coefficients, in µS, over 25 µS: hand calculation.
    got = pcm.programming_deviation(f64(0.0, 1.0)) * 25
    assert got.tolist() == pytest.approx([0.26348, 1.05538], abs=1e-9)
    joshi = pcm.programming_deviation_joshi(f64(0.0, 1.0)) * 25
    assert joshi.tolist() == pytest.approx([0.28638599, 1.06552324], abs=1e-7)


def test_mean_drift_exponent_is_clipped_at_both_ends() -> None:
    zero = torch.zeros(4, dtype=torch.float64)
    got = pcm.drift_exponent(f64(0.0, 0.001, 0.1, 1.0), zero)
    middle = 0.0244 - 0.0155 * np.log(0.1)
    assert got.tolist() == pytest.approx([0.1, 0.1, middle, 0.049], rel=1e-6, abs=0)


def test_drift_exponents_scatter_as_stated_and_never_grow_back() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=100_000))
    got = pcm.drift_exponent(torch.full_like(noise, 1.0), noise)
    # 5 sigma of a deviation from 1e5 draws: 1.1 %.
    assert got.std().item() == pytest.approx(0.008, rel=0.011, abs=0)
    assert (pcm.drift_exponent(torch.full_like(noise, 0.01), 10 * noise) >= 0).all()


def test_a_full_cell_over_a_year() -> None:
    # g = 1, exponent 0.049: 0.775 after an hour, 0.664 after a day, 0.497 after a year.
    exponent = pcm.drift_exponent(f64(1.0), f64(0.0))
    times = f64(3600.0, 86400.0, 365.25 * 86400)
    left = dynamics.power_law_drift(f64(1.0), times, pcm.DRIFT_REFERENCE_TIME, exponent)
    assert left.tolist() == pytest.approx([0.775, 0.664, 0.497], abs=6e-4)


def test_read_noise_golden_number_and_growth() -> None:
    # g = 1 after an hour: 0.0088 sqrt(ln(3600 / 500e-9)) = 4.19 %.
    assert pcm.read_deviation(f64(1.0), f64(3600.0)).item() == pytest.approx(0.0419, abs=5e-5)
    assert pcm.read_deviation(f64(1.0), f64(pcm.READ_TIME)).item() == 0.0
    growth = pcm.read_deviation(f64(0.5), torch.logspace(-6, 6, 13, dtype=torch.float64))
    assert (growth.diff() > 0).all()
    assert (growth.diff().diff() < 0).all()  # slower with every decade


def test_read_noise_of_small_cells_is_capped() -> None:
    late = f64(3600.0)
    small, smaller = pcm.read_deviation(f64(0.001), late), pcm.read_deviation(f64(0.0), late)
    torch.testing.assert_close(small, smaller, rtol=ROUNDING, atol=0)
    assert (small / pcm.read_deviation(f64(1.0), late)).item() == pytest.approx(
        0.2 / 0.0088, rel=1e-6, abs=0
    )


def test_optical_cell_spans_its_two_ends() -> None:
    got = pcm.cell_transmission(f64(0.0, 0.5, 1.0), 0.2, 0.8)
    assert got.tolist() == pytest.approx([0.2, 0.5, 0.8], rel=1e-6, abs=0)
    with pytest.raises(ValueError, match=r"range, got \(0.8, 0.2\); expected 0 <= low"):
        pcm.cell_transmission(f64(0.5), 0.8, 0.2)


def test_gradients() -> None:
    g = f64(0.2, 0.7).requires_grad_()
    assert torch.autograd.gradcheck(pcm.programming_deviation, (g,))
    assert torch.autograd.gradcheck(lambda x: pcm.read_deviation(x, f64(10.0, 10.0)), (g,))
    assert torch.autograd.gradcheck(lambda x: pcm.drift_exponent(x, f64(0.5, -0.5)), (g,))
