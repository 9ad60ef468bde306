"""Tune light by heat: shifts, the power they cost, and what neighbors feel of it.

Steady states only; how a heater settles is in `dynamics`.
"""

from __future__ import annotations

import math

import torch
from scipy.fft import next_fast_len
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


def spread_heat(
    shift: Tensor, pitch: float, strength: float, reference_distance: float, decay_length: float
) -> Tensor:
    """Return what the neighbors' heaters add to each element of a square grid.

    The kernel of `crosstalk_matrix` without its diagonal, as a convolution: a matrix over all
    pairs of elements would be too large. It is cut off where it has fallen to a thousandth of its
    value at the pitch.

    Args:
        shift: Shift that each heater causes at its own element, shape `(n_out, n_in)`.
        pitch: Distance of neighboring elements along both axes [m].
        strength: Influence at the reference distance, relative to the element's own.
        reference_distance: That distance [m].
        decay_length: Length over which the influence falls by e [m].

    Returns:
        Added shift, as `shift`.

    Reference: exponential decay with distance, `K_0 exp(-(d - d_0) / l)`.
    """
    heat = _NeighborHeat(shift, pitch, strength, reference_distance, decay_length)
    return heat.spread(shift)


class _NeighborHeat:
    """Heat of the neighbors on one grid, whose kernel is transformed once for all its uses."""

    def __init__(
        self,
        like: Tensor,
        pitch: float,
        strength: float,
        reference_distance: float,
        decay_length: float,
    ) -> None:
        require_positive("spread_heat", pitch=pitch, decay_length=decay_length)
        # Nothing lies farther away than the array is long, however far heat would reach.
        reach = min(math.ceil(1.0 + math.log(1000.0) * decay_length / pitch), max(like.shape[-2:]))
        steps = torch.arange(-reach, reach + 1, dtype=like.dtype, device=like.device)
        distance = pitch * torch.sqrt(steps[:, None] ** 2 + steps[None, :] ** 2)
        kernel = strength * torch.exp(-(distance - reference_distance) / decay_length)
        kernel = kernel.clamp(max=1.0)
        kernel[reach, reach] = 0.0
        self._reach = reach
        # Long enough that what wraps around falls beside the grid.
        self._size = [next_fast_len(side + 2 * reach, real=True) for side in like.shape[-2:]]
        self._kernel = torch.fft.rfft2(kernel, s=self._size)

    def spread(self, shift: Tensor) -> Tensor:
        """Return what the neighbors' heaters add to each element."""
        rows, cols = shift.shape
        transformed = torch.fft.rfft2(shift, s=self._size) * self._kernel
        spread: Tensor = torch.fft.irfft2(transformed, s=self._size)
        return spread[self._reach : self._reach + rows, self._reach : self._reach + cols]


def calibration_residue(
    wanted: Tensor,
    rounds: int,
    *,
    pitch: float,
    strength: float,
    reference_distance: float,
    decay_length: float,
) -> Tensor:
    """Return by how much heaters miss when all are set at once, round after round.

    Each round measures every element and moves every heater by what its own element is off, while
    its neighbors move as well: `c[r+1] = c[r] + (d - K c[r])` from `c[1] = d`. What is left,
    `K c - d`, is multiplied by `1 - K` in every round.

    Args:
        wanted: Shift that each element should have, shape `(n_out, n_in)`.
        rounds: Rounds of set, settle and measure, 1 or more.
        pitch: Distance of neighboring elements [m].
        strength: Influence at the reference distance, relative to the element's own.
        reference_distance: That distance [m].
        decay_length: Length over which the influence falls by e [m].

    Returns:
        Shift beyond what is wanted, as `wanted`; grows with the rounds if an element feels more of
        its neighbors than of itself.

    Reference: Jacobi iteration of the linear system `K c = d`.
    """
    require(rounds >= 1, "calibration_residue", "rounds", rounds, "1 or more")
    heat = _NeighborHeat(wanted, pitch, strength, reference_distance, decay_length)
    sign, left = -1.0, wanted
    for _ in range(rounds):
        left = heat.spread(left)
        sign = -sign
    return sign * left


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
    # All leading axes are right-hand sides of one system, so that it is factored once.
    flat = wanted.reshape(-1, wanted.shape[-1])
    commands: Tensor = torch.linalg.solve(matrix, flat.mT).mT
    return commands.reshape(wanted.shape)


def linear_gradient(edges: Tensor, shape: tuple[int, ...], bank: tuple[int, int]) -> Tensor:
    """Return the temperature of each cell of a bank in a linear gradient, its center being at 0.

    Args:
        edges: Differences between the middles of the outermost cells, along rows and along columns
            [K], shape `(2,)`.
        shape: Cells that are used, `(n_out, n_in)`; more than a bank has lie on several alike.
        bank: Rows and columns of one bank.

    Returns:
        Temperatures [K], shape `shape`.
    """
    across = []
    for used, cells in zip(shape, bank, strict=True):
        place = torch.arange(used, dtype=edges.dtype, device=edges.device) % cells
        across.append(place / max(cells - 1, 1) - 0.5)
    down, along = across
    return edges[0] * down.unsqueeze(1) + edges[1] * along.unsqueeze(0)


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
