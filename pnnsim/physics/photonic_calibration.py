"""Find the phases with which a mesh as it was made does what an ideal one would.

Two corrections, each of something that was measured: couplers that do not split evenly, and heaters
that warm their neighbors. What the measurements miss is not decided here. No gradients: meshes are
corrected when they are written.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.physics._checks import require_positive
from pnnsim.physics.photonic_mesh import Arrangement, MeshPhases, mesh_layout, mzi_matrix
from pnnsim.physics.photonic_switch import mzi_switch

_TURN = 2.0 * math.pi

#: Rounds in which a heater that would have to cool gets a whole turn more; each may cool others.
_TURNS = 10


def correct_couplers(
    phases: MeshPhases,
    angle_in: Tensor,
    angle_out: Tensor,
    arrangement: Arrangement = "clements",
) -> MeshPhases:
    """Return the phases with which a mesh of uneven couplers does what ideal couplers would do.

    Each interferometer is corrected by itself: its inner phase restores the split, its outer phase
    and those that follow restore the phases. A split beyond the reach of its couplers, near the
    full cross or bar state, is met as nearly as they can.

    Args:
        phases: Phases for ideal couplers, shapes `(…, n_mzi)` and `(…, n)`.
        angle_in: Errors of the first couplers [rad], shape `(…, n_mzi)`.
        angle_out: Errors of the second couplers, as `angle_in`.
        arrangement: Rectangular or triangular mesh, the one the phases belong to.

    Returns:
        Phases in float64, theta in [0, pi] and the others in [0, 2 pi).

    Reference: Bandyopadhyay, Hamerly and Englund, Optica 8, 1247, 2021. Any 2x2 unitary is
    `diag(a, b) T(theta, phi)` if its split can be reached; the phases a and b are handed on to the
    interferometers that light meets next.
    """
    layout = mesh_layout(phases.output.shape[-1], arrangement)
    theta = phases.theta.double().clone()
    phi = phases.phi.double().clone()
    columns = torch.tensor(layout.columns)
    modes = torch.tensor(layout.modes)
    carried = torch.ones_like(phases.output, dtype=torch.complex128)
    for column in range(layout.depth):
        cells = torch.nonzero(columns == column).squeeze(-1)
        upper = modes[cells]
        lower = upper + 1
        incoming = torch.stack([carried[..., upper], carried[..., lower]], dim=-1)
        wanted = mzi_matrix(theta[..., cells], phi[..., cells]) * incoming[..., None, :]
        first, second = angle_in[..., cells], angle_out[..., cells]
        inner = _inner_phase(wanted[..., 0, 0].abs() ** 2, first, second)
        made = mzi_matrix(inner, torch.zeros_like(inner), first, second)
        # A phase that the split leaves free, at cross or bar, comes out as the angle of zero.
        overlap = wanted[..., 0] * wanted[..., 1].conj() * made[..., 0].conj() * made[..., 1]
        outer = overlap.sum(dim=-1).angle()
        made = mzi_matrix(inner, outer, first, second)
        left = (wanted * made.conj()).sum(dim=-1).angle()
        theta[..., cells], phi[..., cells] = inner, outer.remainder(_TURN)
        carried[..., upper] = torch.exp(1j * left[..., 0])
        carried[..., lower] = torch.exp(1j * left[..., 1])
    output = (phases.output.double() + carried.angle()).remainder(_TURN)
    return MeshPhases(theta=theta, phi=phi, output=output)


def _inner_phase(bar: Tensor, angle_in: Tensor, angle_out: Tensor) -> Tensor:
    """Return the phase between both couplers that passes `bar` of the power, or the nearest."""
    zero = torch.zeros_like(bar)
    least = mzi_switch(zero, angle_in, angle_out)[0]
    most = mzi_switch(zero + math.pi, angle_in, angle_out)[0]
    share = ((bar - least) / (most - least)).clamp(0.0, 1.0)
    return 2.0 * torch.asin(share.sqrt())


def heater_positions(
    size: int, column_pitch: float, mode_pitch: float, arrangement: Arrangement = "clements"
) -> Tensor:
    """Return where the heaters of a mesh lie, for their thermal crosstalk.

    Args:
        size: Number of modes.
        column_pitch: Distance of neighboring columns [m].
        mode_pitch: Distance of neighboring modes [m].
        arrangement: Rectangular or triangular mesh.

    Returns:
        Coordinates along and across the mesh [m], first of all inner phases, then of all outer
        ones, half a column before them on the upper arm; shape `(2 * n_mzi, 2)`, float64.
    """
    require_positive("heater_positions", column_pitch=column_pitch, mode_pitch=mode_pitch)
    layout = mesh_layout(size, arrangement)
    columns = torch.tensor(layout.columns, dtype=torch.float64) * column_pitch
    rows = torch.tensor(layout.modes, dtype=torch.float64) * mode_pitch
    inner = torch.stack([columns + column_pitch / 2.0, rows], dim=-1)
    return torch.cat([inner, torch.stack([columns, rows], dim=-1)])


def heater_commands(wanted: Tensor, inverse: Tensor) -> Tensor:
    """Return what heaters are set to so that wanted phases result in spite of crosstalk.

    A heater cannot cool: where the neighbors warm more than is wanted, the phase is a turn later.

    Args:
        wanted: Phases [rad], shape `(…, n)`; a whole turn more is the same.
        inverse: Inverse of the influence of heater j on element i, shape `(n, n)`.

    Returns:
        Phases that each heater alone would cause, not negative, as `wanted`.
    """
    commands = wanted @ inverse.mT
    for _ in range(_TURNS):
        cold = commands < 0.0
        if not bool(cold.any()):
            break
        wanted = torch.where(cold, wanted + _TURN, wanted)
        commands = wanted @ inverse.mT
    return commands.clamp(min=0.0)
