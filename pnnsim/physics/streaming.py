"""Symbols that follow each other on one line, as parts of limited bandwidth make them.

What carries the symbols, and where their products are collected, is not decided here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.physics._checks import require_positive


def streamed_symbols(values: Tensor, ratio: float) -> Tensor:
    """Return the mean of each symbol of a stream behind a part of one pole.

    The part starts from 0, as nothing is sent between two vectors. Each symbol begins with what the
    one before has left.

    Args:
        values: Wanted symbols, one behind the other along the last axis, shape `(…, n)`.
        ratio: Length of a symbol over the time constant.

    Returns:
        Means over each symbol, as `values`; those wanted for an infinite ratio.

    Reference: first-order step response, integrated over each symbol.
    """
    require_positive("streamed_symbols", ratio=ratio)
    if math.isinf(ratio):
        return values
    left = math.exp(-ratio)
    late = -math.expm1(-ratio) / ratio
    count = values.shape[-1]
    number = torch.arange(count, dtype=values.dtype, device=values.device)
    behind = number[:, None] - number[None, :] - 1.0
    # What stands at the start of symbol j of symbol k before it; powers of the others are not used.
    start = (1.0 - left) * left ** behind.clamp(min=0.0) * (behind >= 0.0)
    mixed = (1.0 - late) * torch.eye(count, dtype=values.dtype, device=values.device)
    return values @ (mixed + late * start).T
