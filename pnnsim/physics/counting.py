"""Single events that are counted: photons, clicks of a detector, flips of a magnet.

A count is drawn by the caller, whose stream decides; functions here give the chances of events, and
the gradient of what was drawn. A draw has no derivative. Its mean has one, and training needs it:
`straight_through`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.physics._checks import require


def straight_through(drawn: Tensor, mean: Tensor) -> Tensor:
    """Return values that were drawn, with the gradient of their mean.

    For a function f of a count n with mean m the true slope is `d E[f(n)] / dm = E[f(n+1) - f(n)]`
    (Poisson); this one is `E[f'(n)]`, the same where f is straight and off by about `f'' / 2`, the
    curvature within one count, where it is not.

    Args:
        drawn: Draws, any shape.
        mean: Mean of each draw, as `drawn`.

    Returns:
        The values of `drawn`, to the last bit, with the gradient of `mean`.

    Reference: Bengio, Leonard and Courville, arXiv:1308.3432, 2013 (straight-through estimator).
    """
    if not mean.requires_grad:
        return drawn
    # Adding an exact zero that has a gradient keeps whole counts whole.
    return drawn.detach() + (mean - mean.detach())


def click_probability(mean: Tensor) -> Tensor:
    """Return the chance that at least one of a Poisson number of events happens.

    Args:
        mean: Mean number of events, any shape, not negative.

    Returns:
        `1 - exp(-mean)`, as `mean`: what a detector registers that distinguishes none from some.

    Reference: Hadfield, Nat. Photonics 3, 696, 2009 (single-photon detectors).
    """
    return -torch.expm1(-mean)


def telegraph_average_variance(probability: Tensor, reads: int, persistence: float) -> Tensor:
    """Return the variance of the mean of readings of a two-state system with a slow memory.

    Args:
        probability: Chance of state 1, any shape.
        reads: Readings that are averaged.
        persistence: Correlation of a reading with the one before, 0 to below 1.

    Returns:
        `p (1 - p) / R * (1 + 2 sum_{k=1}^{R-1} (1 - k/R) c^k)`, as `probability`.

    Reference: variance of the mean of a first-order Markov chain (Priestley, Spectral Analysis and
    Time Series, 1981, section 5.3).
    """
    require(reads >= 1, "telegraph_average_variance", "reads", reads, "1 or more")
    require(
        0.0 <= persistence < 1.0, "telegraph_average_variance", "persistence", persistence, "[0, 1)"
    )
    c, n = persistence, reads
    together = c / (1.0 - c) - c * (1.0 - c**n) / (n * (1.0 - c) ** 2)
    return probability * (1.0 - probability) / n * (1.0 + 2.0 * together)
