"""Paths of coherent light: what their phases make of a matrix of fields.

A line and a local oscillator come from one laser by different ways. What a homodyne receiver gives
of a field goes with the cosine of the phase between both. Where phases come from (fabrication,
temperature, a lock) is not decided here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.physics._checks import require


def seen_in_phase(matrix: Tensor, phase: Tensor) -> Tensor:
    """Return the part of a matrix of fields that homodyne receivers see.

    Args:
        matrix: Complex transmission from lines to outputs, shape `(…, n_out, n_in)`.
        phase: Phase of each path, the line's less that of the output's oscillator [rad], as
            `matrix` or one that broadcasts against it.

    Returns:
        `Re(M e^{i phase})`, real, as `matrix`: `M cos(phase)` of a real matrix.

    Reference: interference on a 50:50 coupler; `photonic_detection.homodyne_current`.
    """
    return matrix.real * torch.cos(phase) - matrix.imag * torch.sin(phase)


def laser_dephasing(linewidth: float, delay: float) -> float:
    """Return how far the phase of a laser wanders while its light takes a longer way.

    Args:
        linewidth: Full width at half maximum of the laser's Lorentzian line [Hz].
        delay: Time by which one way is longer than the other [s].

    Returns:
        Standard deviation `sqrt(2 pi linewidth delay)` [rad]; the mean field that interferes falls
        by `exp(-pi linewidth delay)`, the coherence of such a line.

    Reference: Henry, IEEE J. Quantum Electron. 18, 259, 1982 (phase diffusion).
    """
    require(linewidth >= 0.0, "laser_dephasing", "linewidth", linewidth, "0 Hz or more")
    return math.sqrt(2.0 * math.pi * linewidth * abs(delay))
