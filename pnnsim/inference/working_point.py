"""Working point of a machine's activation, from which the first numbers of a training follow."""

from __future__ import annotations

import torch

from pnnsim.devices.base import Active
from pnnsim.errors import MappingError
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet_parameters import WorkingPoint

#: Slope of f below which, and over the inverse of which, no gain keeps a state from fading.
_LEAST_SLOPE = 1e-6

#: Standard deviation of pre-activations about the working point, in the units of training.
_SWING = 0.3

#: Share of the best straightness with which a place nearer to 0 is taken.
_STRAIGHT = 0.99

#: Share of the steepest slope below which no working point is looked for.
_STEEP = 0.5

#: Distances from pre-activation 0 at which a straight piece of f is looked for, in swings.
_DISTANCES = [0.05 * number for number in range(61)]


def working_point(
    chip: Chip,
    *,
    active: Active = frozenset(),
    residual: float = 0.0,
    state_scale: float = 1.0,
) -> WorkingPoint:
    """Return the pre-activation about which first states are spread, in the units of training.

    It is the one nearest to 0 about which f is about as straight as anywhere: a random network
    of gain `g` keeps the variance of its states if `g**2 * N / 3 * Var f = swing**2`, and that
    of its gradients if `g**2 * N / 3 * E f'**2 = 1`, so that both hold where f keeps to its
    slope (Poole et al., NIPS, 2016; Schoenholz et al., ICLR, 2017). Where a residual carries
    the state past f, the point is 0 and the slope the steepest.

    Args:
        chip: Chip whose activation is meant.
        active: Non-idealities that training accounts for.
        residual: Factor of the state that is carried past f.
        state_scale: State on the machine over that in the units of training.

    Raises:
        MappingError: If f is so flat or so steep that no gain can make up for it.
    """
    steepest = chip.nonlinearity.slope
    if not _LEAST_SLOPE <= steepest <= 1.0 / _LEAST_SLOPE:
        raise MappingError(
            f"nonlinearity.{chip.nonlinearity.params.kind}: has a slope of {steepest:.3g} over the "
            f"signal's range; training expects one from {_LEAST_SLOPE:g} to {1.0 / _LEAST_SLOPE:g}."
            " Hint: match its range and thresholds to the signal"
        )
    end = 1.0 / state_scale
    at_zero = WorkingPoint(0.0, steepest, _about(chip, active, 0.0, 0.0)[0] / state_scale, end)
    if residual:
        return at_zero
    swing = _SWING * state_scale
    found: list[tuple[float, WorkingPoint]] = []
    for place in (sign * distance * swing for distance in _DISTANCES for sign in (1, -1)):
        mean, deviation, slope = _about(chip, active, place, swing)
        # Where f is nearly flat a line describes it as well, but carries nothing.
        if slope >= _STEEP * steepest:
            point = WorkingPoint(place / state_scale, deviation / swing, mean / state_scale, end)
            found.append((deviation / (swing * slope), point))
    if not found:
        return at_zero
    best = max(straight for straight, _ in found)
    return next(point for straight, point in found if straight >= _STRAIGHT * best)


def _about(chip: Chip, active: Active, place: float, swing: float) -> tuple[float, float, float]:
    """Return mean and deviation of f, and its rms slope, for normal pre-activations.

    Args:
        chip: Chip whose activation is meant.
        active: As for `working_point`; what has not settled comes from the mean.
        place: Their mean.
        swing: Their standard deviation.
    """
    with torch.inference_mode(False), torch.enable_grad():
        normal = torch.linspace(-5.0, 5.0, 501, dtype=torch.float64)
        share = torch.softmax(-0.5 * normal.square(), dim=0)
        value = (place + swing * normal).requires_grad_()
        settled = chip.nonlinearity.activate(value, None, None, frozenset()).detach()
        before = (share * settled).sum().expand(value.shape)
        output = chip.nonlinearity.activate(value, before, None, active)
        (gradient,) = torch.autograd.grad(output.sum(), value)
    output = output.detach()
    mean = (share * output).sum()
    deviation = (share * (output - mean).square()).sum().sqrt()
    return float(mean), float(deviation), float((share * gradient.square()).sum().sqrt())
