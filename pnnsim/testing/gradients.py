"""Check of the gradients that training with noise learns from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pnnsim.testing.trial import SIGMAS, Trial

#: Difference of two gradients in float64 that are equal but for rounding.
_ROUNDING = 1e-9


def gradient_is_that_of_the_mean(
    trial: Trial[Any],
    what: str,
    draw: Callable[[Tensor], Tensor],
    mean: Callable[[Tensor], Tensor],
    x: Tensor,
) -> None:
    """Expect the gradient through draws to be that of their mean, averaged over reads.

    Args:
        trial: Trial of the component.
        what: Name of the method.
        draw: The method with its noise, of many reads, shape `(n_read, n)`.
        mean: The method without noise, likewise.
        x: The same point in every row, shape `(n_read, n)`.
    """
    gradients = []
    for f in (draw, mean):
        at = x.clone().requires_grad_(True)
        output = f(at)
        if not trial.expect(
            output.requires_grad,
            "gradient",
            f"{what} passes no gradient while it draws noise; expected that of its mean, straight "
            "through where a draw has none, so that training with noise learns",
        ):
            return
        gradients.append(torch.autograd.grad(output.sum(), at)[0])
    drawn, wanted = gradients[0], gradients[1][0]
    error = drawn.std(dim=0) / len(x) ** 0.5
    off = (drawn.mean(dim=0) - wanted).abs()
    trial.expect(
        bool((off <= SIGMAS * error + _ROUNDING * (1.0 + wanted.abs())).all()),
        "gradient",
        f"{what}: the gradient through noise, over {len(x)} reads, is off by up to "
        f"{float(off.max()):.3g} from that of the mean; expected {SIGMAS:g} standard errors",
    )
