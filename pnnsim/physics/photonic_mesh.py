"""Build the matrix of a mesh of Mach-Zehnder interferometers from its phases.

Phases, coupler errors and losses come in; how they came about (decomposition, drift, converters) is
not decided here. All functions take leading axes, so that the tiles of a bank are one call.

One interferometer acts on two neighboring modes, light entering from the right of the product:

    T = B(pi/4 + angle_out) diag(e^{i theta}, 1) B(pi/4 + angle_in) diag(e^{i phi}, 1)
    B(x) = [[cos x, i sin x], [i sin x, cos x]]

    ideal: T = i e^{i theta/2} [[e^{i phi} sin(theta/2),  cos(theta/2)],
                                [e^{i phi} cos(theta/2), -sin(theta/2)]]

A mesh is a sequence of such pairs, then one phase on each output: U = diag(e^{i output}) ... T2 T1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_positive

Arrangement = Literal["clements", "reck"]
"""Rectangular (Clements et al., Optica, 2016) or triangular (Reck et al., PRL, 1994)."""


@dataclass(frozen=True, slots=True)
class Elimination:
    """One step that nulls one element of a unitary.

    Args:
        from_right: Whether two columns are mixed (an interferometer at the input side) or two rows.
        row: Row of the element.
        column: Column of the element.
        mode: First of the two modes that are mixed.
    """

    from_right: bool
    row: int
    column: int
    mode: int


@dataclass(frozen=True, slots=True)
class MeshLayout:
    """Places of the interferometers of a mesh, in the order in which light meets them.

    Args:
        size: Number of modes N.
        modes: First mode of each interferometer.
        columns: Column of each interferometer, from 0 at the input.
        depth: Number of columns.
    """

    size: int
    modes: tuple[int, ...]
    columns: tuple[int, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class MeshPhases:
    """Phases of a mesh, in the order of its layout.

    Args:
        theta: Phase between the couplers [rad], shape `(…, n_mzi)`.
        phi: Phase before the first coupler [rad], shape `(…, n_mzi)`.
        output: Phase on each output [rad], shape `(…, n)`.
    """

    theta: Tensor
    phi: Tensor
    output: Tensor


def mzi_count(size: int) -> int:
    """Return how many interferometers a universal mesh of `size` modes has: N(N-1)/2."""
    return size * (size - 1) // 2


def mesh_depth(size: int, arrangement: Arrangement = "clements") -> int:
    """Return how many columns a mesh has: N for Clements, 2N - 3 for Reck.

    Args:
        size: Number of modes N.
        arrangement: Arrangement of the interferometers.
    """
    return mesh_layout(size, arrangement).depth


def svd_depth(size: int, arrangement: Arrangement = "clements") -> int:
    """Return how many columns light passes in two meshes and between; see `mesh_depth`."""
    return 2 * mesh_depth(size, arrangement) + 1


@lru_cache(maxsize=256)
def elimination_order(size: int, arrangement: Arrangement = "clements") -> tuple[Elimination, ...]:
    """Return the order in which the elements below the diagonal are nulled.

    Args:
        size: Number of modes N.
        arrangement: Rectangular or triangular mesh.

    Returns:
        N(N-1)/2 steps. Clements walks the anti-diagonals and alternates sides; Reck works from the
        right only, row by row from the last.

    Reference: Clements et al., Optica, 2016; Reck et al., PRL, 1994.
    """
    require(size >= 1, "elimination_order", "size", size, "1 or more")
    require(
        arrangement in ("clements", "reck"),
        "elimination_order",
        "arrangement",
        arrangement,
        "'clements' or 'reck'",
    )
    steps = []
    if arrangement == "reck":
        for row in range(size - 1, 0, -1):
            steps += [Elimination(True, row, mode, mode) for mode in range(row)]
        return tuple(steps)
    for diagonal in range(size - 1):
        for j in range(diagonal + 1):
            if diagonal % 2 == 0:
                mode = diagonal - j
                steps.append(Elimination(True, size - 1 - j, mode, mode))
            else:
                row = size + j - diagonal - 1
                steps.append(Elimination(False, row, j, row - 1))
    return tuple(steps)


@lru_cache(maxsize=256)
def mesh_layout(size: int, arrangement: Arrangement = "clements") -> MeshLayout:
    """Return where the interferometers of a mesh sit.

    Args:
        size: Number of modes N.
        arrangement: Rectangular or triangular mesh.

    Returns:
        Layout with every interferometer as close to the input as its neighbors allow.
    """
    steps = elimination_order(size, arrangement)
    right = [step.mode for step in steps if step.from_right]
    left = [step.mode for step in steps if not step.from_right]
    modes = (*right, *reversed(left))
    free = [0] * size  # first column in which a mode is still free
    columns = []
    for mode in modes:
        column = max(free[mode], free[mode + 1])
        columns.append(column)
        free[mode] = free[mode + 1] = column + 1
    return MeshLayout(size, modes, tuple(columns), max(free))


def mzi_matrix(
    theta: Tensor,
    phi: Tensor,
    angle_in: Tensor | float = 0.0,
    angle_out: Tensor | float = 0.0,
) -> Tensor:
    """Return the field matrix of one interferometer, or of many.

    Args:
        theta: Phase between the couplers [rad], shape `(…)`; 0 is cross, pi is bar.
        phi: Phase before the first coupler [rad], as `theta`.
        angle_in: Error of the first coupler's angle from pi/4 [rad].
        angle_out: Error of the second coupler's angle from pi/4 [rad].

    Returns:
        Complex matrix, shape `(…, 2, 2)`; unitary for any phases and angles.
    """
    first = torch.as_tensor(angle_in, dtype=theta.dtype, device=theta.device) + math.pi / 4.0
    second = torch.as_tensor(angle_out, dtype=theta.dtype, device=theta.device) + math.pi / 4.0
    cos_in, sin_in = torch.cos(first), torch.sin(first)
    cos_out, sin_out = torch.cos(second), torch.sin(second)
    inner, outer = _unit(theta), _unit(phi)
    top_left = (cos_out * cos_in * inner - sin_out * sin_in) * outer
    top_right = 1j * (cos_out * sin_in * inner + sin_out * cos_in)
    bottom_left = 1j * (sin_out * cos_in * inner + cos_out * sin_in) * outer
    bottom_right = cos_out * cos_in - sin_out * sin_in * inner
    # Coupler errors may carry leading axes of their own (chips); all four entries have those.
    bottom_right = bottom_right.expand_as(top_left)
    top_right = top_right.expand_as(top_left)
    top = torch.stack([top_left, top_right], dim=-1)
    bottom = torch.stack([bottom_left, bottom_right], dim=-1)
    return torch.stack([top, bottom], dim=-2)


def mesh_matrix(
    phases: MeshPhases,
    arrangement: Arrangement = "clements",
    *,
    angle_in: Tensor | float = 0.0,
    angle_out: Tensor | float = 0.0,
    column_amplitude: Tensor | float = 1.0,
) -> Tensor:
    """Return the field matrix of a mesh.

    Args:
        phases: Phases with all their errors already added.
        arrangement: Rectangular or triangular mesh, the one the phases belong to.
        angle_in: Errors of the first couplers [rad], shape `(…, n_mzi)` or `()`.
        angle_out: Errors of the second couplers, as `angle_in`.
        column_amplitude: Field transmission of one column, shape `()`, or `(…, depth, n)` where
            modes lose differently.

    Returns:
        Complex matrix, shape `(…, n, n)`, acting on column vectors of fields. Without loss it is
        unitary; equal loss scales it by `column_amplitude ** depth`.

    Reference: Clements et al., Optica, 2016.
    """
    size = phases.output.shape[-1]
    layout = mesh_layout(size, arrangement)
    for name, given in (("theta", phases.theta), ("phi", phases.phi)):
        got = tuple(given.shape)
        require(
            got[-1:] == (len(layout.modes),),
            "mesh_matrix",
            f"shape of {name}",
            got,
            f"`(…, {len(layout.modes)})` for {size} modes",
        )
    cells = mzi_matrix(phases.theta, phases.phi, angle_in, angle_out)
    device = cells.device
    acting, partner = (index.to(device) for index in _column_indices(layout))
    blank = cells.new_ones((*cells.shape[:-3], 1))
    # A mode that no interferometer touches in a column keeps its field: 1 on, 0 off the diagonal.
    stay = torch.cat([cells[..., 0, 0], cells[..., 1, 1], blank], dim=-1)[..., acting]
    swap = torch.cat([cells[..., 0, 1], cells[..., 1, 0], 0 * blank], dim=-1)[..., acting]
    stay, swap = stay * column_amplitude, swap * column_amplitude
    matrix = torch.eye(size, dtype=cells.dtype, device=device)
    for column in range(layout.depth):
        other = matrix[..., partner[column], :]
        matrix = stay[..., column, :, None] * matrix + swap[..., column, :, None] * other
    return _unit(phases.output)[..., :, None] * matrix


def attenuation_to_phase(amplitude: Tensor) -> Tensor:
    """Return the phase [rad] of an attenuator that passes a field amplitude in [0, 1]."""
    return 2.0 * torch.asin(amplitude.clamp(0.0, 1.0))


def phase_to_attenuation(phase: Tensor) -> Tensor:
    """Return the field amplitude `sin(phase / 2)` of an attenuator driven in push-pull.

    The attenuator is the bar path of an interferometer whose arms move in opposite directions, so
    that the amplitude changes and its phase does not.
    """
    return torch.sin(phase / 2.0)


def svd_matrix(left: Tensor, attenuation: Tensor, right: Tensor) -> Tensor:
    """Return the field matrix of two meshes with attenuators between them.

    Args:
        left: Mesh at the output, shape `(…, n_out, n_out)`, complex.
        attenuation: Field amplitudes, shape `(…, k)` with k = min(n_out, n_in).
        right: Mesh at the input, shape `(…, n_in, n_in)`, complex.

    Returns:
        `left @ diag(attenuation) @ right`, shape `(…, n_out, n_in)`, complex. A homodyne receiver
        reads its real part.
    """
    k = attenuation.shape[-1]
    return (left[..., :, :k] * attenuation[..., None, :]) @ right[..., :k, :]


def quantize_phase(phase: Tensor, bits: int, full_scale: float = 2.0 * math.pi) -> Tensor:
    """Return the phase that a heater takes when a converter sets its voltage.

    Heat goes with the square of the voltage, so the steps of the phase grow with the phase: near
    full scale they are `2 * full_scale * 2**-bits`.

    Args:
        phase: Wanted phase [rad], any shape; clipped to [0, full_scale].
        bits: Resolution of the converter [bit].
        full_scale: Phase at the highest voltage [rad].

    Returns:
        Phase at the nearest voltage, as `phase`. The gradient is passed inside the range.

    Reference: resistive heating, phase proportional to V².
    """
    require(bits >= 1, "quantize_phase", "bits", bits, "1 or more")
    steps: int = 2**bits - 1
    clipped = phase.clamp(0.0, full_scale)
    voltage = torch.round(torch.sqrt(clipped.detach() / full_scale) * steps) / steps
    return clipped + (full_scale * voltage**2 - clipped).detach()


def mesh_positions(
    size: int, column_pitch: float, mode_pitch: float, arrangement: Arrangement = "clements"
) -> Tensor:
    """Return where the interferometers lie on the chip, for their thermal crosstalk.

    Args:
        size: Number of modes.
        column_pitch: Distance of neighboring columns [m].
        mode_pitch: Distance of neighboring modes [m].
        arrangement: Rectangular or triangular mesh.

    Returns:
        Coordinates along and across the mesh [m], shape `(n_mzi, 2)`, float64.
    """
    require_positive("mesh_positions", column_pitch=column_pitch, mode_pitch=mode_pitch)
    layout = mesh_layout(size, arrangement)
    columns = torch.tensor(layout.columns, dtype=torch.float64) * column_pitch
    rows = (torch.tensor(layout.modes, dtype=torch.float64) + 0.5) * mode_pitch
    return torch.stack([columns, rows], dim=-1)


def _unit(angle: Tensor) -> Tensor:
    phasor: Tensor = torch.complex(torch.cos(angle), torch.sin(angle))
    return phasor


@lru_cache(maxsize=256)
def _column_indices(layout: MeshLayout) -> tuple[Tensor, Tensor]:
    """Return, for each column and mode, which cell entry acts and which mode it mixes with.

    Entries are numbered: top rows of all cells, bottom rows of all cells, then "no cell here".
    """
    count = len(layout.modes)
    acting = torch.full((layout.depth, layout.size), 2 * count)
    partner = torch.arange(layout.size).repeat(layout.depth, 1)
    for index, (mode, column) in enumerate(zip(layout.modes, layout.columns, strict=True)):
        acting[column, mode], acting[column, mode + 1] = index, count + index
        partner[column, mode], partner[column, mode + 1] = mode + 1, mode
    return acting, partner
