"""Noise of the light on the lines, drawn once for all outputs that a line reaches.

How lines are multiplied, and what a detector adds of its own, is decided elsewhere.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.devices.base import Encoder
from pnnsim.physics.photonic_detection import relative_intensity
from pnnsim.physics.photonic_paths import laser_dephasing


def draw_intensity(
    line: Tensor, encoder: Encoder[Any], band: float, generator: torch.Generator | None
) -> Tensor | None:
    """Draw by how much the light of each line is off, relative to its mean.

    Args:
        line: What the lines carry, shape `(n_sample, n_in)`.
        encoder: Part that lights them.
        band: Noise bandwidth of the detector [Hz]; 0 where it captures none of that noise.
        generator: Stream of the noise of reading; None for none.

    Returns:
        Shape `(n_sample, n_in)`, or `(n_sample, 1)` where one source feeds all lines; None where
        nothing is off.
    """
    density = encoder.intensity_noise
    if generator is None or not (band and density):
        return None
    drawn = noise_like(line[:, :1] if encoder.one_source else line, generator)
    common = encoder.common_intensity
    if common and not encoder.one_source:
        shared = noise_like(line[:, :1], generator)
        drawn = math.sqrt(common) * shared + math.sqrt(1.0 - common) * drawn
    return relative_intensity(drawn, density, band) - 1.0


def dephase(
    line: Tensor, encoder: Encoder[Any], delay: float, generator: torch.Generator | None
) -> Tensor:
    """Return the fields of the lines that are in phase with the local oscillators.

    One laser feeds all: its phase has wandered by as much on every line since the light of the
    oscillators left it. What is in quadrature is not seen; that of lines which are off in phase
    already is left out, the product of two small phases.

    Args:
        line: What the lines carry, shape `(n_sample, n_in)`.
        encoder: Part that lights them.
        delay: Time by which the lines' way is longer [s].
        generator: Stream of the noise of reading; None for none.
    """
    deviation = laser_dephasing(encoder.linewidth, delay)
    if generator is None or not deviation:
        return line
    return line * torch.cos(deviation * noise_like(line[:, :1], generator))
