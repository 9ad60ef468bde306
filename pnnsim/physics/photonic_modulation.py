"""Put values on light: a modulator for each line, a mask for each weight of a free-space bank.

Intensities only, all of them relative to full scale.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_fraction


def modulated_power(value: Tensor, floor: float) -> Tensor:
    """Return the relative power behind a modulator that cannot become quite dark.

    Args:
        value: Wanted relative power, any shape; clipped to [0, 1], since power is not negative.
        floor: Power at full extinction relative to full scale, linear: 0.001 for 30 dB.

    Returns:
        `floor + (1 - floor) * value`, as `value`.
    """
    require_fraction("modulated_power", floor=floor)
    return floor + (1.0 - floor) * value.clamp(0.0, 1.0)


def signed_masks(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two non-negative masks whose difference is a matrix.

    Args:
        weight: Weights, clipped to [-1, 1], any shape.

    Returns:
        Mask that adds and mask that subtracts, each in [0, 1], as `weight`.
    """
    clipped = weight.clamp(-1.0, 1.0)
    return clipped.clamp(min=0.0), (-clipped).clamp(min=0.0)


def blurred_mask(mask: Tensor, leak: float) -> Tensor:
    """Return a mask as light sees it when every pixel spills onto its neighbors.

    Args:
        mask: Transmission of each pixel, shape `(…, n_out, n_in)`.
        leak: Part of a pixel's light that goes to its four neighbors together; what would leave
            the array stays in the pixel, so that nothing is lost.

    Returns:
        Effective transmission, as `mask`; its mean is that of `mask`.
    """
    require_fraction("blurred_mask", leak=leak)
    require(
        mask.ndim >= 2, "blurred_mask", "shape of mask", tuple(mask.shape), "`(…, n_out, n_in)`"
    )
    gained = torch.zeros_like(mask)
    for axis in (-2, -1):
        length = mask.shape[axis] - 1
        # Exchange across each border: what one side gives, the other receives.
        flow = mask.narrow(axis, 1, length) - mask.narrow(axis, 0, length)
        edge = torch.zeros_like(mask.narrow(axis, 0, 1))
        gained = gained + torch.cat([flow, edge], dim=axis) - torch.cat([edge, flow], dim=axis)
    return mask + leak / 4.0 * gained


def mask_transmission(mask: Tensor, floor: float, leak: float) -> Tensor:
    """Return the transmission of a mask with stray light and blurred pixels.

    Args:
        mask: Wanted transmission in [0, 1], shape `(…, n_out, n_in)`.
        floor: Transmission of a dark pixel relative to a bright one, linear.
        leak: Part of a pixel's light that goes to its neighbors.

    Returns:
        Effective transmission, as `mask`. Equal floors of two masks cancel in their difference.
    """
    return modulated_power(blurred_mask(mask, leak), floor)
