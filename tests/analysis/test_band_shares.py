"""Variance is shared out as the analytic cases say, from few draws."""

from __future__ import annotations

import numpy as np
import pytest

from pnnsim.analysis.bands.shares import LEAST_DRAWS, variance_shares

#: First-order shares of Ishigami's function with 7 and 0.1, from its closed form.
ISHIGAMI = (0.3139, 0.4424, 0.0)


def hypercube(draws: int, variables: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    places = np.argsort(generator.random((draws, variables)), axis=0)
    return (places + generator.random((draws, variables))) / draws


def ishigami(places: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * places - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.parametrize("seed", range(5))
def test_the_function_of_ishigami(seed):
    places = hypercube(256, 3, seed)
    found = variance_shares(places, ishigami(places))
    # Over 20 seeds the shares scatter by 0.016, 0.028 and 0.005.
    assert found.share == pytest.approx(ISHIGAMI, rel=0, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_a_sum_of_prices_among_many_others_is_met_from_64_draws(seed):
    """Variances of the terms stand as 16 to 4 to 1, by hand; 57 variables have no effect."""
    places = hypercube(64, 60, seed)
    figure = 1e-9 * (100 + 4 * places[:, 10] - 2 * places[:, 20] + places[:, 30])
    found = variance_shares(places, figure)
    exact = np.zeros(60)
    exact[[10, 20, 30]] = np.array([16, 4, 1]) / 21
    assert found.share == pytest.approx(exact, rel=0, abs=1e-6)
    assert found.unexplained == pytest.approx(0, rel=0, abs=1e-9)
    assert found.high - found.low == pytest.approx(np.zeros(60), rel=0, abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_a_product_leaves_a_part_to_both_together(seed):
    """Power times time, of (1 + a z)(1 + b z') with uniform z: shares follow from a and b."""
    places = hypercube(64, 30, seed)
    z = np.sqrt(3) * (2 * places - 1)  # variance 1
    a, b = 0.6, 0.3
    figure = (1 + a * z[:, 3]) * (1 + b * z[:, 4])
    found = variance_shares(places, figure)
    total = a**2 + b**2 + a**2 * b**2
    assert found.share[[3, 4]] == pytest.approx([a**2 / total, b**2 / total], rel=0, abs=1e-6)
    assert found.joint == pytest.approx(a**2 * b**2 / total, rel=0, abs=1e-6)
    assert np.delete(found.share, [3, 4]).max() < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_prices_over_decades_are_met(seed):
    """The exact share of a price that is log-uniform over two decades, and of a uniform one."""
    places = hypercube(64, 20, seed)
    figure = np.exp(np.log(100) * places[:, 0]) + 40 * places[:, 1]
    found = variance_shares(places, figure)
    mean = 99 / np.log(100)
    first, second = (100**2 - 1) / (2 * np.log(100)) - mean**2, 40**2 / 12
    exact = np.array([first, second]) / (first + second)
    assert found.share[:2] == pytest.approx(exact, rel=0, abs=0.01)


def test_intervals_hold_the_exact_share_about_as_often_as_they_say():
    """90 % intervals over 60 sets of draws with noise that no variable explains: 5 sigma below."""
    held = 0
    for seed in range(60):
        places = hypercube(64, 8, seed)
        noise = np.random.default_rng(1000 + seed).standard_normal(64)
        figure = np.sqrt(12) * places[:, 0] + noise  # half of the variance each
        found = variance_shares(places, figure)
        held += bool(found.low[0] <= 0.5 <= found.high[0])
    # A binomial of 60 and 0.9 has mean 54 and deviation 2.3.
    assert held >= 54 - 5 * 2.3


def test_noise_that_nothing_explains_is_left_over():
    places = hypercube(64, 20, 0)
    found = variance_shares(places, np.random.default_rng(7).standard_normal(64))
    assert found.share.sum() < 0.35
    assert found.share.sum() + found.joint + found.unexplained == pytest.approx(1, rel=1e-9, abs=0)


def test_what_does_not_vary_and_too_few_draws_have_no_shares():
    places = hypercube(64, 3, 0)
    assert variance_shares(places, np.full(64, 1e-15)) is None
    assert variance_shares(places, 1.0 + 1e-13 * places[:, 0]) is None
    few = hypercube(LEAST_DRAWS - 1, 3, 0)
    assert variance_shares(few, few[:, 0]) is None


def test_the_unit_of_a_figure_does_not_matter():
    places = hypercube(64, 5, 0)
    figure = places[:, 0] + places[:, 1] ** 3
    one, other = (variance_shares(places, scale * figure + 2 * scale) for scale in (1.0, 1e-15))
    assert one.share == pytest.approx(other.share, rel=1e-6, abs=1e-9)


@pytest.mark.slow
def test_shares_agree_with_rbd_fast_of_salib():
    """S. Tarantola, D. Gatelli and T. Mara, Reliab. Eng. Syst. Saf. 91, 717, 2006."""
    from SALib.analyze import rbd_fast

    places = hypercube(1024, 3, 0)
    figure = ishigami(places)
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0.0, 1.0]] * 3}
    theirs = rbd_fast.analyze(problem, places, figure, seed=1, print_to_console=False)["S1"]
    assert variance_shares(places, figure).share == pytest.approx(theirs, rel=0, abs=0.06)
