"""Spin diodes: microwave power to a voltage whose sign is that of the detuning.

A chain of diodes in series adds their voltages. How a resonance is tuned is not decided here.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rectified(detuning: Tensor) -> Tensor:
    """Return the voltage of a spin diode over its largest.

    Args:
        detuning: Frequency less the resonance, over half of the full width at half maximum.

    Returns:
        `2 d / (1 + d^2)`, an anti-symmetric Lorentzian between -1 and 1, as `detuning`.

    Reference: Tulapurkar et al., Nature 438, 339, 2005 (spin-torque diode); Leroux et al.,
    Neuromorph. Comput. Eng. 1, 011001, 2021 (weights by detuning).
    """
    return 2.0 * detuning / (1.0 + detuning**2)


def detuning_of(weight: Tensor) -> Tensor:
    """Return the detuning at which a spin diode gives a weight, on the steep side of its curve.

    Args:
        weight: Weight in [-1, 1]; what is beyond is clipped.

    Returns:
        `w / (1 + sqrt(1 - w^2))`, in [-1, 1] half widths, as `weight`.
    """
    weight = weight.clamp(-1.0, 1.0)
    return weight / (1.0 + (1.0 - weight**2).sqrt())


def chain_weights(detuning: Tensor, spacing: float) -> Tensor:
    """Return what chains of diodes make of each frequency, all diodes of a chain included.

    Frequencies are evenly spaced, and each diode rectifies all of them.

    Args:
        detuning: Detuning of each diode from its own frequency, shape `(n_out, n_in)`.
        spacing: Distance of neighboring frequencies, in half widths as `detuning`.

    Returns:
        Voltage of each chain over the largest of one diode, for each frequency, as `detuning`.
    """
    count = detuning.shape[-1]
    number = torch.arange(count, dtype=detuning.dtype, device=detuning.device)
    apart = spacing * (number[:, None] - number[None, :])
    return rectified(detuning[..., None, :] + apart).sum(dim=-1)
