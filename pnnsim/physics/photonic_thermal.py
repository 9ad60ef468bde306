"""Tune light by heat: shifts, the power they cost, and what neighbors feel of it.

Steady states only; how a heater settles is in `dynamics`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_positive, require_square


def shifter_power(phase: Tensor, switching_energy: float, time_constant: float) -> Tensor:
    """Return the power that holds a thermo-optic phase.

    Slow heaters are economical: the heat for a phase of pi is fixed by the waveguide, and only how
    fast it leaks away is a choice.

    Args:
        phase: Phase [rad], any shape.
        switching_energy: Power for pi times the time constant [J]; 15 to 35 nJ in silicon.
        time_constant: Thermal time constant [s].

    Returns:
        `phase / pi * switching_energy / time_constant` [W], as `phase`.

    Reference: heat balance; Harris et al., Opt. Express 22, 10487, 2014 (24.77 mW, 1.22 µs).
    """
    require_positive("shifter_power", time_constant=time_constant)
    return phase / math.pi * (switching_energy / time_constant)


def crosstalk_matrix(
    positions: Tensor, strength: float, reference_distance: float, decay_length: float
) -> Tensor:
    """Return how much each heater warms each element, relative to its own.

    Args:
        positions: Coordinates of the elements [m], shape `(n, dimensions)`.
        strength: Influence at the reference distance, relative to the element's own.
        reference_distance: That distance, usually of nearest neighbors [m].
        decay_length: Length over which the influence falls by e [m].

    Returns:
        Symmetric matrix with ones on the diagonal, shape `(n, n)`; never above 1.

    Reference: exponential decay with distance, `K_0 exp(-(d - d_0) / l)`.
    """
    require(
        positions.ndim == 2,
        "crosstalk_matrix",
        "shape of positions",
        tuple(positions.shape),
        "`(n, dimensions)`",
    )
    require_positive("crosstalk_matrix", decay_length=decay_length)
    difference = positions[:, None, :] - positions[None, :, :]
    distance = torch.sqrt((difference**2).sum(dim=-1))
    kernel = strength * torch.exp(-(distance - reference_distance) / decay_length)
    own = torch.eye(positions.shape[0], dtype=torch.bool, device=positions.device)
    return torch.where(own, torch.ones_like(kernel), kernel.clamp(max=1.0))


def apply_crosstalk(commanded: Tensor, matrix: Tensor) -> Tensor:
    """Return the shifts that heaters cause together.

    Args:
        commanded: Shift that each heater alone would cause at its element, shape `(…, n)`.
        matrix: Influence of heater j on element i, shape `(n, n)`, ones on the diagonal.

    Returns:
        `matrix @ commanded`, as `commanded`.
    """
    require_square("apply_crosstalk", matrix=matrix)
    return commanded @ matrix.mT


def cancel_crosstalk(wanted: Tensor, matrix: Tensor) -> Tensor:
    """Return the commands that cause wanted shifts in spite of crosstalk: its exact inverse.

    Args:
        wanted: Shift of each element, shape `(…, n)`.
        matrix: Influence of heater j on element i, shape `(n, n)`.

    Returns:
        Commands, as `wanted`; some may be negative, which a heater cannot do.
    """
    require_square("cancel_crosstalk", matrix=matrix)
    commands: Tensor = torch.linalg.solve(matrix, wanted.unsqueeze(-1)).squeeze(-1)
    return commands


def weight_error(linewidth: float, shift: float) -> float:
    """Return the error of a ring's weight around zero for a small shift of its resonance.

    Args:
        linewidth: Full width at half maximum [m].
        shift: Shift of the resonance [m], small against the linewidth.

    Returns:
        `2 * shift / linewidth`: the slope of a lossless symmetric ring at weight 0.
    """
    require_positive("weight_error", linewidth=linewidth)
    return 2.0 * shift / linewidth
