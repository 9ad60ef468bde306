"""Counted events: the gradient of a draw, clicks, and averages of a two-state system."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.physics import counting


def test_a_draw_keeps_its_value_to_the_last_bit_and_has_the_gradient_of_its_mean() -> None:
    mean = torch.tensor([0.1, 3.7, 1e6], dtype=torch.float64, requires_grad=True)
    drawn = torch.tensor([0.0, 5.0, 1000003.0], dtype=torch.float64)
    counted = counting.straight_through(drawn, mean)
    assert torch.equal(counted.detach(), drawn)
    (gradient,) = torch.autograd.grad((counted * torch.tensor([1.0, 2.0, 3.0])).sum(), mean)
    assert gradient.tolist() == [1.0, 2.0, 3.0]
    assert counting.straight_through(drawn, mean.detach()) is drawn


def slopes(power: int, m: float, draws: int = 400_000) -> tuple[float, float, float]:
    """Return the slope of E[n^power] by the gradient, its error, and by differences of the mean."""
    generator = torch.Generator().manual_seed(7)
    mean = torch.full((draws,), m, dtype=torch.float64, requires_grad=True)
    n = counting.straight_through(torch.poisson(mean.detach(), generator=generator), mean)
    (gradient,) = torch.autograd.grad((n**power).sum(), mean)
    # Moments of Poisson's law: m, and m + m^2.
    moment = {1: lambda x: x, 2: lambda x: x + x * x}[power]
    step = 1e-4
    difference = (moment(m + step) - moment(m - step)) / (2 * step)
    return float(gradient.mean()), float(gradient.std()) / math.sqrt(draws), difference


@pytest.mark.parametrize("m", [0.05, 0.7, 20.0])
def test_the_gradient_of_a_straight_function_of_counts_is_unbiased(m: float) -> None:
    found, error, wanted = slopes(1, m)
    assert found == pytest.approx(wanted, abs=5 * error + 1e-6)


@pytest.mark.parametrize("m", [0.05, 0.7, 20.0])
def test_the_gradient_of_a_curved_function_misses_half_its_curvature(m: float) -> None:
    """The true slope is E[f(n + 1) - f(n)]: 2 m + 1 for the square, of which 1 is missed."""
    found, error, wanted = slopes(2, m)
    assert found == pytest.approx(wanted - 1.0, abs=5 * error + 1e-6)


def test_clicks_saturate_and_start_in_proportion() -> None:
    mean = torch.tensor([0.0, 1e-9, math.log(2.0), 50.0], dtype=torch.float64)
    chance = counting.click_probability(mean)
    assert chance.tolist() == pytest.approx([0.0, 1e-9, 0.5, 1.0], rel=1e-8, abs=0)
    at = torch.tensor([0.3, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(counting.click_probability, at)


@pytest.mark.parametrize(("reads", "persistence"), [(1, 0.9), (2, 0.0), (5, 0.6), (40, 0.95)])
def test_averages_of_a_two_state_system_have_the_variance_of_its_correlations(
    reads: int, persistence: float
) -> None:
    """Written out with NumPy: the mean of all R^2 correlations c^|i - j|."""
    p = torch.tensor([0.1, 0.5], dtype=torch.float64)
    places = np.arange(reads)
    correlation = persistence ** np.abs(places[:, None] - places[None, :])
    wanted = p.numpy() * (1 - p.numpy()) * correlation.mean()
    found = counting.telegraph_average_variance(p, reads, persistence)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=0)
