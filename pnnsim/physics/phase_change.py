"""Model phase-change cells: what is written, how it drifts, how it flickers.

Values are relative, g = G / G_max in [0, 1] (or transmission between its two ends): optical cells
use the same laws with their own, mostly zero, coefficients. The statistics are those of electrical
cells with G_max = 25 µS.

Reference, throughout: Nandakumar et al., ICECS 2019, unless a function says otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_positive

FULL_CONDUCTANCE_US = 25.0
"""Conductance to which the statistics refer, in µS, the unit of their coefficients."""

DRIFT_REFERENCE_TIME = 20.0
"""Time after programming at which the programmed value holds [s]."""

READ_TIME = 250e-9
"""Length of one reading [s], the short end of the 1/f spectrum."""


def programming_deviation(g: Tensor) -> Tensor:
    """Return the standard deviation of a programmed value, relative to full conductance.

    Args:
        g: Wanted relative conductance in [0, 1], any shape.

    Returns:
        `(0.26348 + 1.9650 g - 1.1731 g²) / 25`, as `g`.
    """
    return (0.26348 + 1.9650 * g - 1.1731 * g**2) / FULL_CONDUCTANCE_US


def programming_deviation_joshi(g: Tensor) -> Tensor:
    """Return the standard deviation 27 s after iterative programming, relative to full conductance.

    Args:
        g: Wanted relative conductance in [0, 1], any shape.

    Returns:
        `(-0.00178767 G² + 0.07585724 G + 0.28638599) / 25` with G = 25 g, as `g`.

    Reference: Joshi et al., Nat. Commun. 11, 2473, 2020.
    """
    conductance = FULL_CONDUCTANCE_US * g
    deviation = -0.00178767 * conductance**2 + 0.07585724 * conductance + 0.28638599
    return deviation / FULL_CONDUCTANCE_US


def drift_exponent(g: Tensor, noise: Tensor) -> Tensor:
    """Return the drift exponents of cells, drawn once for each write.

    Args:
        g: Programmed relative conductance in [0, 1], any shape.
        noise: Independent standard normal draws, as `g`; zeros give the mean.

    Returns:
        Exponents for `dynamics.power_law_drift`, as `g`, never negative: mean
        `clip(0.0244 - 0.0155 ln g, 0.049, 0.1)`, standard deviation
        `clip(-0.0059 - 0.0125 ln g, 0.008, 0.045)`.
    """
    log_g = torch.log(g.clamp(min=torch.finfo(g.dtype).tiny))
    mean = (0.0244 - 0.0155 * log_g).clamp(0.049, 0.1)
    deviation = (-0.0059 - 0.0125 * log_g).clamp(0.008, 0.045)
    return (mean + deviation * noise).clamp(min=0.0)


def read_deviation(g: Tensor, elapsed: Tensor, read_time: float = READ_TIME) -> Tensor:
    """Return the standard deviation of a reading by 1/f noise, relative to the value itself.

    Args:
        g: Programmed relative conductance in [0, 1], any shape.
        elapsed: Time since programming [s], at least `read_time`.
        read_time: Length of the reading [s].

    Returns:
        `min(0.0088 / g**0.65, 0.2) * sqrt(ln((t + t_r) / (2 t_r)))`, as `g`.
    """
    strength = (0.0088 / g.clamp(min=torch.finfo(g.dtype).tiny) ** 0.65).clamp(max=0.2)
    return flicker_deviation(strength, elapsed, read_time)


def flicker_deviation(strength: Tensor | float, elapsed: Tensor, read_time: float) -> Tensor:
    """Return the standard deviation of a reading by 1/f noise since a write.

    Args:
        strength: Deviation relative to the value, for each root of e-folds of time.
        elapsed: Time since programming [s].
        read_time: Length of the reading [s], the short end of the spectrum.

    Returns:
        `strength * sqrt(ln((t + t_r) / (2 t_r)))`, none before `read_time`.
    """
    require_positive("flicker_deviation", read_time=read_time)
    folds = torch.log((elapsed + read_time) / (2.0 * read_time)).clamp(min=0.0)
    return strength * torch.sqrt(folds)


def cell_transmission(fraction: Tensor, low: float, high: float) -> Tensor:
    """Return the optical transmission of a cell.

    Args:
        fraction: Amorphous fraction in [0, 1], any shape; 1 is the most transparent.
        low: Transmission when crystalline.
        high: Transmission when amorphous.

    Returns:
        Power transmission, as `fraction`.
    """
    require(0 <= low < high <= 1, "cell_transmission", "range", (low, high), "0 <= low < high <= 1")
    return low + (high - low) * fraction
