"""Closed forms in time: limits, semigroup, statistics and golden numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from pnnsim.physics import dynamics as dy

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


def f64(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("bits", "constants"), [(4, 3.466), (6, 4.852), (8, 6.238), (10, 7.625)])
def test_settling_time_in_time_constants(bits: int, constants: float) -> None:
    # Hand calculation ln(2**(bits + 1)), four digits.
    assert dy.settling_time(1.0, bits) == pytest.approx(constants, abs=5e-4)


def test_settling_leaves_half_a_least_significant_bit() -> None:
    elapsed = f64(dy.settling_time(3e-6, 8))
    assert dy.residue(elapsed, 3e-6).item() == pytest.approx(2**-9, rel=1e-12, abs=0)


def test_nothing_is_left_of_a_step_once_it_is_below_the_least_normal_number() -> None:
    for dtype, last in ((torch.float64, 707.0), (torch.float32, 86.0)):
        elapsed = torch.tensor([last, last + 1.0, 1e4, math.inf], dtype=dtype, requires_grad=True)
        left = dy.residue(elapsed, 1.0)
        # An exponent of 707 has its own rounding in the result, 707 times that of a number.
        rounding = 2.0 * last * torch.finfo(dtype).eps
        assert left[0].item() == pytest.approx(math.exp(-last), rel=rounding, abs=0)
        assert left[1:].tolist() == [0.0, 0.0, 0.0]
        (slope,) = torch.autograd.grad(left.sum(), elapsed)
        assert slope[1:].tolist() == [0.0, 0.0, 0.0]


def test_rise_time_spans_ten_to_ninety_percent() -> None:
    tau = dy.time_constant_from_rise_time(3.2e-9)
    ten, ninety = -tau * math.log(0.9), -tau * math.log(0.1)
    # 2.197 for ln 9: four digits, relative error 1.0e-4.
    assert ninety - ten == pytest.approx(3.2e-9, rel=1.1e-4, abs=0)
    # Settling of a 3.2 ns switch to 8 bits: hand calculation 3.2 / 2.197 * ln 512.
    assert dy.settling_time(tau, 8) == pytest.approx(9.086317e-9, rel=1e-7, abs=0)


def test_bandwidth_and_rise_time_agree_on_the_usual_product() -> None:
    # Rise time times bandwidth is ln 9 / (2 pi) = 0.3497; Harris et al., Opt. Express 2014:
    # 130 kHz, 2.69 µs.
    tau = dy.time_constant_from_bandwidth(130e3)
    assert tau * dy.RISE_TIME_CONSTANTS == pytest.approx(2.69e-6, rel=1e-3, abs=0)


def test_settle_starts_at_the_old_state_and_ends_at_the_new() -> None:
    old, new = f64(0.2, -1.0), f64(0.9, 1.0)
    # The form is exact at the end, where banks usually are, and a rounding error off at the start.
    torch.testing.assert_close(dy.settle(old, new, f64(0.0), 1e-6), old, atol=1e-15, rtol=0)
    assert torch.equal(dy.settle(old, new, f64(1.0), 1e-6), new)


def test_two_half_steps_of_settling_equal_one() -> None:
    old, new, half = f64(0.2), f64(0.9), f64(0.4e-6)
    middle = dy.settle(old, new, half, 1e-6)
    twice = dy.settle(middle, new, half, 1e-6)
    torch.testing.assert_close(twice, dy.settle(old, new, 2 * half, 1e-6), atol=1e-15, rtol=0)


def test_a_write_before_settling_starts_from_the_present_temperature() -> None:
    # Heater to 1, and back to 0 after one time constant: it turns round at 1 - 1/e.
    reached = dy.settle(f64(0.0), f64(1.0), f64(1.0), 1.0)
    after = dy.settle(reached, f64(0.0), f64(0.5), 1.0)
    assert after.item() == pytest.approx((1 - math.exp(-1)) * math.exp(-0.5), rel=1e-14, abs=0)


def test_settle_solves_the_first_order_equation() -> None:
    solved = solve_ivp(lambda _, y: (0.7 - y) / 2.0, (0, 3), [0.1], rtol=1e-11, atol=1e-13)
    got = dy.settle(f64(0.1), f64(0.7), f64(3.0), 2.0)
    assert got.item() == pytest.approx(solved.y[0, -1], rel=1e-9, abs=0)  # integrator's tolerance


def test_a_bank_read_too_early_is_a_mix_of_old_and_new_weights() -> None:
    old, new = torch.full((2, 3), -0.5).double(), torch.full((2, 3), 0.5).double()
    elapsed = f64(0.0, 1.0, 2.0, 3.0, 5.0)[:, None, None]
    read = dy.settle(old, new, elapsed, 1.0)
    mix = (0.5 - read[:, 0, 0]).tolist()
    # Fractions of the old state at 0, 1, 2, 3 and 5 time constants: exp(-n), three digits.
    assert mix == pytest.approx([1.0, 0.3679, 0.1353, 0.0498, 0.0067], abs=5e-5)


def test_two_time_constants_join_into_one_when_equal_and_start_at_one() -> None:
    elapsed = f64(0.0, 1e-6, 1e-4)
    assert dy.two_time_constant_residue(elapsed, 1e-5, 2e-3, 0.05)[0].item() == 1.0
    same = dy.two_time_constant_residue(elapsed, 1e-5, 1e-5, 0.3)
    torch.testing.assert_close(same, dy.residue(elapsed, 1e-5), rtol=ROUNDING, atol=0)


def test_slow_tail_remains_after_the_fast_part() -> None:
    # After 62.4 µs a 10 µs heater has settled to 8 bits, yet 5 % of the substrate has not moved.
    left = dy.two_time_constant_residue(f64(62.4e-6), 10e-6, 2e-3, 0.05).item()
    assert left == pytest.approx(
        0.95 * math.exp(-6.24) + 0.05 * math.exp(-0.0312), rel=1e-12, abs=0
    )


def test_droop_of_one_percent_a_microsecond() -> None:
    rate = -math.log(0.99) / 1e-6
    assert dy.droop(f64(2.0), f64(3e-6), rate).item() == pytest.approx(
        2.0 * 0.99**3, rel=1e-14, abs=0
    )


def test_ornstein_uhlenbeck_without_time_keeps_and_with_much_time_forgets() -> None:
    start, noise = f64(3.0, -2.0), f64(0.5, -1.0)
    assert torch.equal(dy.ornstein_uhlenbeck_step(start, f64(0.0), 2.0, 1.0, noise), start)
    late = dy.ornstein_uhlenbeck_step(start, f64(1e3), 2.0, 1.0, noise)
    torch.testing.assert_close(late, 2.0 * noise, rtol=ROUNDING, atol=0)


@pytest.mark.parametrize("steps", [1, 4])
def test_ornstein_uhlenbeck_statistics_do_not_depend_on_how_often_it_is_sampled(
    steps: int,
) -> None:
    count, sigma, tau, span = 200_000, 5e-3, 10.0, 7.0
    rng = np.random.default_rng(3)
    start = torch.from_numpy(rng.normal(0, sigma, count))
    state = start
    for _ in range(steps):
        noise = torch.from_numpy(rng.normal(size=count))
        state = dy.ornstein_uhlenbeck_step(state, f64(span / steps), sigma, tau, noise)
    # 5 sigma of a standard deviation from n draws is 5 / sqrt(2 n) = 0.8 %; of a correlation at
    # most 5 / sqrt(n) = 1.1 %.
    assert state.std().item() == pytest.approx(sigma, rel=0.008, abs=0)
    correlation = (start * state).mean().item() / sigma**2
    assert correlation == pytest.approx(math.exp(-span / tau), abs=0.012)


def test_ornstein_uhlenbeck_variance_grows_linearly_at_first() -> None:
    step = dy.ornstein_uhlenbeck_step(f64(0.0), f64(1e-15), 1.0, 1.0, f64(1.0))
    assert step.item() == pytest.approx(math.sqrt(2e-15), rel=1e-12, abs=0)


def test_power_law_drift_starts_at_its_reference_time_and_is_a_power_later() -> None:
    for early in (0.0, 1e-9, 3.0, 20.0):
        assert dy.power_law_drift(f64(0.8), f64(early), 20.0, 0.05).item() == 0.8
    just_later = dy.power_law_drift(f64(1.0), f64(20.2), 20.0, 0.05).item()
    assert just_later == pytest.approx(1.01**-0.05, rel=1e-12, abs=0)
    ratio = dy.power_law_drift(f64(1.0), f64(20e6), 20.0, 0.05).item()
    assert ratio == pytest.approx(1e6**-0.05, rel=1e-12, abs=0)


def test_drift_golden_numbers() -> None:
    # Exponent 0.049 after an hour, a day and a year; hand calculation with t_0 = 20 s.
    times = f64(3600.0, 86400.0, 365.25 * 86400)
    left = dy.power_law_drift(f64(1.0), times, 20.0, 0.049)
    assert left.tolist() == pytest.approx([0.775, 0.664, 0.497], abs=6e-4)


def test_telegraph_flips_towards_equilibrium() -> None:
    chance = dy.telegraph_flip_probability(f64(0.0, 1e-9, 1.0), 300.0, 700.0)
    assert chance[0].item() == 0.0
    assert chance[1].item() == pytest.approx(300e-9, rel=1e-6, abs=0)  # rate times time, at first
    assert chance[2].item() == pytest.approx(0.3, rel=1e-12, abs=0)


def test_telegraph_chain_satisfies_chapman_kolmogorov() -> None:
    def transition(t: float) -> np.ndarray:
        up = dy.telegraph_flip_probability(f64(t), 300.0, 700.0).item()
        down = dy.telegraph_flip_probability(f64(t), 700.0, 300.0).item()
        return np.array([[1 - up, up], [down, 1 - down]])

    whole = transition(2e-3)
    np.testing.assert_allclose(transition(0.7e-3) @ transition(1.3e-3), whole, atol=1e-14, rtol=0)


def test_telegraph_step_occupies_in_proportion_to_the_rates() -> None:
    uniform = torch.from_numpy(np.random.default_rng(4).random(100_000))
    for start in (0.0, 1.0):
        state = torch.full_like(uniform, start)
        state = dy.telegraph_step(state, f64(1.0), 300.0, 700.0, uniform)
        # 5 sigma of a share of 0.3 from 1e5 draws: 0.0072.
        assert state.mean().item() == pytest.approx(0.3, abs=0.0072)
    same = dy.telegraph_step(state, f64(0.0), 300.0, 700.0, uniform)
    assert torch.equal(same, state)


def test_retention_and_read_disturb_golden_numbers() -> None:
    # 1e9 inferences of 12 readings of 10.7 ns each; mean lives for barriers of 40 and 60.
    reading = f64(1e9 * 12 * 10.7e-9)
    assert dy.flip_probability(reading, f64(60.0), 0.3).item() == pytest.approx(
        7e-8, rel=0.06, abs=0
    )
    assert dy.flip_probability(reading, f64(40.0), 0.2).item() == pytest.approx(
        1.6e-3, rel=0.04, abs=0
    )
    years = 1.0 / dy.flip_rate(f64(40.0, 60.0)) / (365.25 * 86400)
    assert years.tolist() == pytest.approx([7.5, 3.6e9], rel=0.01, abs=0)


def test_flip_probability_is_monotone_in_time_current_and_barrier() -> None:
    grid = torch.linspace(0.05, 0.95, 10, dtype=torch.float64)
    assert (dy.flip_probability(grid, f64(22.0)).diff() > 0).all()
    assert (dy.flip_probability(f64(1e-9), f64(15.0), grid).diff() > 0).all()
    assert (dy.flip_probability(f64(1.0), 30 * grid).diff() <= 0).all()
    assert dy.flip_probability(f64(0.0), f64(40.0)).item() == 0.0


def test_exposures_add() -> None:
    both = 1 - (1 - dy.flip_probability(f64(0.3), f64(20.0))) * (
        1 - dy.flip_probability(f64(0.2), f64(20.0))
    )
    torch.testing.assert_close(both, dy.flip_probability(f64(0.5), f64(20.0)), rtol=1e-12, atol=0)


def test_gradients_in_time_and_state() -> None:
    state, target = f64(0.3, -0.2).requires_grad_(), f64(0.5, 0.7).requires_grad_()
    elapsed, noise = f64(0.4, 1.3).requires_grad_(), f64(0.3, -1.1)
    assert torch.autograd.gradcheck(
        lambda a, b, t: dy.settle(a, b, t, 0.8), (state, target, elapsed)
    )
    assert torch.autograd.gradcheck(
        lambda a, t: dy.ornstein_uhlenbeck_step(a, t, 0.2, 0.8, noise), (state, elapsed)
    )
    assert torch.autograd.gradcheck(
        lambda a, t: dy.power_law_drift(a, t, 0.3, 0.05), (target, elapsed)
    )


def test_single_precision_stays_single() -> None:
    state = dy.settle(torch.zeros(2), torch.ones(2), torch.tensor(0.5), 1.0)
    assert state.dtype == torch.float32


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"slow_fraction, got 1\.5; expected a number from 0 to 1"):
        dy.two_time_constant_residue(f64(1.0), 1.0, 2.0, 1.5)
    with pytest.raises(ValueError, match="bandwidth, got 0; expected a number above 0"):
        dy.time_constant_from_bandwidth(0)
