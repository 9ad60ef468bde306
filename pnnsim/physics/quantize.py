"""Round values to the levels that a converter or a weight can take.

One function with a straight-through gradient serves simulation and training alike, so that both see
the same levels. The component that converts plays no part here.

Levels are uniform and include both ends of the range. A range that is symmetric about zero has
`2**bits - 1` of them (mid-tread: an odd count puts a level on zero, so that a weight of 0 and a
change of sign are exact; a two's-complement converter leaves its most negative code unused in the
same way). Any other range has `2**bits`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pnnsim.physics._checks import require


class _StraightThrough(torch.autograd.Function):
    """Round forward; pass the gradient where the input lay inside the range.

    `x + (rounded - x).detach()` would do the same but misses the levels by a rounding error.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, levels: int, low: float, high: float) -> Tensor:
        center = (low + high) / 2
        half_span = (high - low) / 2
        steps = levels - 1
        position = x.clamp(low, high).sub_(center).div_(half_span)
        # Odd integers for an even count of levels, even ones for an odd count; exactly
        # antisymmetric about the center for an odd count, which rounding from `low` would not be.
        if levels % 2:
            code = position.mul_(steps / 2).round_().mul_(2)
        else:
            code = position.mul_(steps / 2).floor_().mul_(2).add_(1)
        # A position just under the top may round up onto it before the floor.
        return code.clamp(-steps, steps).div_(steps).mul_(half_span).add_(center)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int, float, float], output: Tensor) -> None:
        x, _, low, high = inputs
        ctx.save_for_backward((x >= low) & (x <= high))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        (inside,) = ctx.saved_tensors
        return grads[0] * inside, None, None, None


def level_count(bits: int, low: float, high: float) -> int:
    """Return how many levels a range has.

    Args:
        bits: Resolution [bit].
        low: Lower end of the range.
        high: Upper end of the range.

    Returns:
        `2**bits - 1` if the range is symmetric about zero, else `2**bits`; at least 2, so that one
        bit over [-1, 1] means the two signs.
    """
    require(bits >= 1, "level_count", "bits", bits, "1 or more")
    require(high > low, "level_count", "range", (low, high), "low below high")
    codes: int = 2**bits
    return max(2, codes - 1) if low == -high else codes


def quantize(x: Tensor, bits: int, low: float, high: float) -> Tensor:
    """Clip to a range and round to its levels, with a straight-through gradient.

    Args:
        x: Values, any shape.
        bits: Resolution [bit].
        low: Lowest level, unit of `x`.
        high: Highest level, unit of `x`.

    Returns:
        Nearest levels, as `x`. The gradient is 1 inside the closed range and 0 outside.

    Reference: Bengio, Leonard and Courville, arXiv:1308.3432, 2013 (straight-through estimator).
    """
    return quantize_levels(x, level_count(bits, low, high), low, high)


def quantize_levels(x: Tensor, levels: int, low: float, high: float) -> Tensor:
    """Clip to a range and round to a given number of uniform levels.

    Args:
        x: Values, any shape.
        levels: Count of levels, both ends included; need not be a power of two (a differential pair
            of K-fold cells has `2*K + 1`).
        low: Lowest level, unit of `x`.
        high: Highest level, unit of `x`.

    Returns:
        Nearest levels, as `x`, with the gradient of `quantize`. Halfway cases go to the level with
        the even code if `levels` is odd, and up if it is even.
    """
    require(levels >= 2, "quantize_levels", "levels", levels, "2 or more")
    require(high > low, "quantize_levels", "range", (low, high), "low below high")
    # The function of autograd costs more than the rounding of a small batch.
    if not x.requires_grad:
        return _StraightThrough.forward(x, levels, low, high)
    result: Tensor = _StraightThrough.apply(x, levels, low, high)  # type: ignore[no-untyped-call]
    return result


def quantize_nearest(x: Tensor, levels: Tensor) -> Tensor:
    """Round to the nearest of levels that need not be uniform.

    Args:
        x: Values, any shape.
        levels: Levels in ascending order, unit of `x`, shape `(n_level,)`.

    Returns:
        Nearest levels, as `x`; halfway cases go down. The gradient is 1 between the lowest and the
        highest level and 0 outside.
    """
    require(
        levels.ndim == 1 and levels.numel() >= 1,
        "quantize_nearest",
        "shape of levels",
        tuple(levels.shape),
        "`(n_level,)`",
    )
    levels = levels.to(dtype=x.dtype, device=x.device)
    middles = (levels[1:] + levels[:-1]) / 2
    nearest = levels[torch.bucketize(x.detach().contiguous(), middles)]
    # Adding an exact zero that has a gradient keeps the levels exact.
    inside = ((x >= levels[0]) & (x <= levels[-1])).detach()
    return nearest + torch.where(inside, x - x.detach(), torch.zeros_like(x))


def step_size(bits: int, low: float, high: float) -> float:
    """Return the distance of neighboring levels, in the unit of the range."""
    return (high - low) / (level_count(bits, low, high) - 1)


def rounding_variance(step: float) -> float:
    """Return the variance `step**2 / 12` of rounding to levels `step` apart.

    Reference: Bennett, Bell System Technical Journal, 1948.
    """
    return step**2 / 12
