"""The slope of a machine's activation, from which the first gains of a training follow."""

from __future__ import annotations

from pnnsim.errors import MappingError
from pnnsim.inference.chip import Chip

#: Slope of f below which, and over the inverse of which, no gain keeps a state from fading.
_LEAST_SLOPE = 1e-6


def trainable_slope(chip: Chip) -> float:
    """Return the slope of the activation, from which first gains follow.

    Raises:
        MappingError: If it is so flat or so steep that no gain can make up for it.
    """
    slope = chip.nonlinearity.slope
    if not _LEAST_SLOPE <= slope <= 1.0 / _LEAST_SLOPE:
        raise MappingError(
            f"nonlinearity.{chip.nonlinearity.params.kind}: has a slope of {slope:.3g} over the "
            f"signal's range; training expects one from {_LEAST_SLOPE:g} to {1.0 / _LEAST_SLOPE:g}."
            " Hint: match its range and thresholds to the signal"
        )
    return slope
