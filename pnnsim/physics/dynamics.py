"""Follow states in time by closed forms: settling, drift, random walks and random flips.

Every function takes the time that has passed since the state was last known, never a clock, and a
step of any length is exact: two half steps give the same result as one whole step.

`elapsed` is a tensor so that one call serves all timestamps of a trace; it must broadcast against
the state (shape `()` for one moment, or with trailing axes of length 1).
"""

from __future__ import annotations

import math

import torch
from scipy import constants
from torch import Tensor

from pnnsim.physics._checks import require, require_fraction, require_positive

RISE_TIME_CONSTANTS = 2.197
"""10-90 % rise time of a one-pole step in time constants: ln 9 = 2.1972, with the four digits that
device tables use, so that their settling times are reproduced to the last digit."""


def settling_time(time_constant: float, bits: int) -> float:
    """Return the time after which a one-pole step is within half a least significant bit.

    Args:
        time_constant: One-pole time constant [s].
        bits: Depth to settle to [bit].

    Returns:
        `time_constant * ln(2**(bits + 1))` [s].

    Reference: first-order step response, `exp(-t / tau) = 2**-(bits + 1)`.
    """
    require(bits >= 0, "settling_time", "bits", bits, "0 or more")
    return time_constant * (bits + 1) * math.log(2.0)


def time_constant_from_bandwidth(bandwidth: float) -> float:
    """Return the time constant [s] of one pole with a 3 dB bandwidth [Hz]: `1 / (2 pi f)`."""
    require_positive("time_constant_from_bandwidth", bandwidth=bandwidth)
    return 1.0 / (2.0 * math.pi * bandwidth)


def time_constant_from_rise_time(rise_time: float) -> float:
    """Return the time constant [s] of one pole with a 10-90 % rise time [s]."""
    return rise_time / RISE_TIME_CONSTANTS


def flight_time(length: float, group_index: float) -> float:
    """Return the time [s] that light takes for a length [m] in a medium of some group index.

    Args:
        length: Length of the way [m].
        group_index: Group index of the medium.
    """
    return length * group_index / constants.c


def residue(elapsed: Tensor, time_constant: Tensor | float) -> Tensor:
    """Return the part of a step that is not yet done.

    Args:
        elapsed: Time since the step [s].
        time_constant: One-pole time constant [s].

    Returns:
        `exp(-elapsed / time_constant)`, 1 at the step, as `elapsed`.
    """
    decay = elapsed / time_constant
    # From the least normal number on down exp takes a hundred times as long, for nothing.
    most = -math.log(torch.finfo(decay.dtype).tiny) - 1.0
    return torch.where(decay > most, 0.0, torch.exp(-decay.clamp(max=most)))


def two_time_constant_residue(
    elapsed: Tensor, time_constant: float, slow_time_constant: float, slow_fraction: float
) -> Tensor:
    """Return the part of a step that is not yet done when a slow tail follows a fast response.

    Args:
        elapsed: Time since the step [s].
        time_constant: Fast time constant, such as that of a heater [s].
        slow_time_constant: Slow time constant, such as that of its substrate [s].
        slow_fraction: Part of the response that is slow, 0 to 1.

    Returns:
        `(1 - slow_fraction) * exp(-t / fast) + slow_fraction * exp(-t / slow)`, as `elapsed`.

    Reference: two parallel first-order responses.
    """
    require_fraction("two_time_constant_residue", slow_fraction=slow_fraction)
    fast = residue(elapsed, time_constant)
    slow = residue(elapsed, slow_time_constant)
    return (1.0 - slow_fraction) * fast + slow_fraction * slow


def settle(
    previous: Tensor, target: Tensor, elapsed: Tensor, time_constant: Tensor | float
) -> Tensor:
    """Return the state of a one-pole system some time after a step.

    A step that comes before the last one has settled starts from the state reached, not from the
    old target: pass that state as `previous`.

    Args:
        previous: State at the step, any unit and shape.
        target: Commanded state, as `previous`.
        elapsed: Time since the step [s].
        time_constant: One-pole time constant [s].

    Returns:
        State at that time, as `previous`.

    Reference: first-order step response.
    """
    return target + (previous - target) * residue(elapsed, time_constant)


def droop(value: Tensor, elapsed: Tensor, rate: float) -> Tensor:
    """Return what a leaky hold still holds of `value` after some time [s].

    Args:
        value: Value held, any unit and shape.
        elapsed: Time since it was captured [s], shape `()` or as `value`.
        rate: Rate of the leak, the inverse of its time constant [1/s].

    Reference: discharge of a capacitor, `settle` towards zero.
    """
    return value * torch.exp(-rate * elapsed)


def ornstein_uhlenbeck_step(
    value: Tensor, elapsed: Tensor, sigma: float, correlation_time: float, noise: Tensor
) -> Tensor:
    """Advance a mean-reverting random walk, exactly for a step of any length.

    Args:
        value: State now: temperature, phase or power, as a deviation from its mean.
        elapsed: Length of the step [s].
        sigma: Stationary standard deviation, unit of `value`.
        correlation_time: Correlation time [s].
        noise: Independent standard normal draws, as `value`.

    Returns:
        State after the step, as `value`.

    Reference: Uhlenbeck and Ornstein, Phys. Rev. 36, 823, 1930; exact update of its transition
    density.
    """
    # expm1 keeps the small increment of a step far shorter than the correlation time.
    spread = torch.sqrt(-torch.expm1(-2.0 * elapsed / correlation_time))
    return value * residue(elapsed, correlation_time) + sigma * spread * noise


def power_law_drift(
    value: Tensor, elapsed: Tensor, reference_time: float, exponent: Tensor | float
) -> Tensor:
    """Return a value that relaxes as a power of the time since it was written.

    Args:
        value: State at the reference time, which is what a programming aims at, any unit.
        elapsed: Time since the write [s].
        reference_time: Time after the write at which the state was defined [s].
        exponent: Drift exponent, drawn once for each write; 0 is no drift.

    Returns:
        `value * (elapsed / reference_time) ** -exponent`, as `value`; the value itself until the
        reference time, where the law has not been measured.

    Reference: Nandakumar et al., ICECS 2019 (phase-change memory).
    """
    require_positive("power_law_drift", reference_time=reference_time)
    folds = torch.log((elapsed / reference_time).clamp(min=1.0))
    return value * torch.exp(-exponent * folds)


def telegraph_flip_probability(elapsed: Tensor, rate_out: float, rate_back: float) -> Tensor:
    """Return the chance that a two-state trap is in the other state after some time.

    Args:
        elapsed: Time since the state was known [s].
        rate_out: Rate of leaving the known state [1/s].
        rate_back: Rate of coming back [1/s].

    Returns:
        Probability, 0 at once and `rate_out / (rate_out + rate_back)` in the end, as `elapsed`.

    Reference: two-state Markov process (Machlup, J. Appl. Phys. 25, 341, 1954).
    """
    total = rate_out + rate_back
    require_positive("telegraph_flip_probability", total_rate=total)
    return (rate_out / total) * -torch.expm1(-total * elapsed)


def telegraph_step(
    state: Tensor, elapsed: Tensor, rate_up: float, rate_down: float, uniform: Tensor
) -> Tensor:
    """Advance two-state traps, exactly for a step of any length.

    Args:
        state: 0 or 1 of each trap, any shape.
        elapsed: Length of the step [s].
        rate_up: Rate of going from 0 to 1 [1/s].
        rate_down: Rate of going from 1 to 0 [1/s].
        uniform: Independent uniform draws in [0, 1), as `state`.

    Returns:
        State after the step, as `state`. Not differentiable: states are drawn.

    Reference: two-state Markov process (Machlup, J. Appl. Phys. 25, 341, 1954).
    """
    up = telegraph_flip_probability(elapsed, rate_up, rate_down)
    down = telegraph_flip_probability(elapsed, rate_down, rate_up)
    flips = uniform < torch.where(state > 0.5, down, up)
    return torch.where(flips, 1.0 - state, state)


def flip_rate(barrier: Tensor, drive: Tensor | float = 0.0, attempt_time: float = 1e-9) -> Tensor:
    """Return the rate of thermally activated flips over a barrier that a current lowers.

    Args:
        barrier: Energy barrier in units of the thermal energy, Delta.
        drive: Current over critical current, below 1; 0 is rest.
        attempt_time: Inverse attempt frequency [s]; 1 ns is usual for a nanomagnet.

    Returns:
        Rate [1/s], as `barrier`.

    Reference: Neel-Brown relaxation with the barrier `Delta (1 - I/I_c0)` of spin torque (Butler et
    al., IEEE Trans. Magn., 2012).
    """
    return torch.exp(-barrier * (1.0 - drive)) / attempt_time


def flip_probability(
    elapsed: Tensor, barrier: Tensor, drive: Tensor | float = 0.0, attempt_time: float = 1e-9
) -> Tensor:
    """Return the chance that a bit has flipped at least once: retention, read disturb, slow write.

    Exposures add: the chance over a read and an idle time is that of the sum of
    `flip_rate * elapsed`.

    Args:
        elapsed: Time of exposure [s].
        barrier: Energy barrier in units of the thermal energy, Delta.
        drive: Current over critical current during the exposure, below 1; 0 is rest.
        attempt_time: Inverse attempt frequency [s].

    Returns:
        `1 - exp(-elapsed * flip_rate)`, as `elapsed` broadcast with `barrier`.

    Reference: Poisson process at the rate of `flip_rate`.
    """
    return -torch.expm1(-elapsed * flip_rate(barrier, drive, attempt_time))
