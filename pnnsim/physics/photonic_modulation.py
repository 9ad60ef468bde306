"""Put values on light: a modulator for each line, a mask for each weight of a free-space bank.

Powers and fields relative to full scale; drives relative to the one that gives it. How a drive
comes about (converter, driver, correction) is not decided here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_fraction, require_positive


def interferometer_field(drive: Tensor) -> Tensor:
    """Return the field behind a push-pull interferometer biased at dark, as `drive`.

    Args:
        drive: Voltage over that of a phase of pi, in [-1, 1], any shape.

    Reference: `sin(pi V / (2 V_pi))`, the difference of two arms in opposite phase.
    """
    return torch.sin(math.pi / 2.0 * drive)


def interferometer_drive(field: Tensor) -> Tensor:
    """Return the drive that gives a field: the inverse of `interferometer_field`, as `field`.

    Args:
        field: Field relative to full scale, in [-1, 1], any shape; its slope has no end there.
    """
    return 2.0 / math.pi * torch.asin(field)


def interferometer_power(drive: Tensor) -> Tensor:
    """Return the power behind an interferometer: the square of its field, as `drive`.

    Args:
        drive: Voltage over that of a phase of pi, in [0, 1], any shape.
    """
    return interferometer_field(drive) ** 2


def interferometer_power_drive(power: Tensor) -> Tensor:
    """Return the drive that gives a power: the inverse of `interferometer_power`, as `power`.

    Args:
        power: Power relative to full scale, in [0, 1], any shape.
    """
    return interferometer_drive(torch.sqrt(power))


def ring_power(drive: Tensor, swing: float) -> Tensor:
    """Return the power behind a ring whose resonance a drive moves away from the light.

    Args:
        drive: Shift over the largest one, in [0, 1], any shape.
        swing: That largest shift, in half linewidths of the ring.

    Returns:
        Flank of a Lorentzian dip, dark at 0 and 1 at 1, as `drive`.
    """
    require_positive("ring_power", swing=swing)
    shift = (swing * drive) ** 2
    return shift / (1.0 + shift) * (1.0 + swing**2) / swing**2


def ring_power_drive(power: Tensor, swing: float) -> Tensor:
    """Return the drive that gives a power: the inverse of `ring_power`, as `power`.

    Args:
        power: Power relative to full scale, in [0, 1], any shape.
        swing: As for `ring_power`.
    """
    return torch.sqrt(power / (1.0 + swing**2 * (1.0 - power)))


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
    """Return a mask as it acts on light when every pixel spills onto its neighbors.

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
