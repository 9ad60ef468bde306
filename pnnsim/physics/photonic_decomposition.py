"""Find the phases of a mesh that make a wanted matrix.

The arithmetic is NumPy in double precision and has no gradient: a matrix is decomposed when a bank
is written, not while it computes. `photonic_mesh` goes the other way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pnnsim.physics._checks import require, require_square
from pnnsim.physics.photonic_mesh import (
    Arrangement,
    MeshPhases,
    attenuation_to_phase,
    elimination_order,
    mesh_layout,
    mesh_matrix,
    phase_to_attenuation,
    svd_matrix,
)

_Complex = NDArray[np.complex128]
_Real = NDArray[np.float64]
_TURN = 2.0 * math.pi

#: Magnitude of an element, and of an angle [rad], that rounding alone may have made.
_NOTHING = 1e-13


@dataclass(frozen=True, slots=True)
class SvdPhases:
    """Phases of two meshes and of the attenuators between them.

    Args:
        scale: Largest singular value, made up for in electronics, shape `(…)`.
        left: Mesh at the output.
        attenuator: Phases of the attenuators [rad], shape `(…, k)`.
        right: Mesh at the input.
    """

    scale: Tensor
    left: MeshPhases
    attenuator: Tensor
    right: MeshPhases


def decompose(unitary: Tensor, arrangement: Arrangement = "clements") -> MeshPhases:
    """Return the phases with which an ideal mesh is a unitary matrix.

    Args:
        unitary: Unitary matrix, shape `(…, n, n)`, real or complex.
        arrangement: Rectangular or triangular mesh.

    Returns:
        Phases in float64, theta in [0, pi] and the others in [0, 2 pi), since a heater only adds.
        Those that the matrix leaves free are 0.

    Reference: Clements et al., Optica, 2016; Reck et al., PRL, 1994. Elements are nulled by
    interferometers at the input (columns) and at the output (rows); those at the output are then
    commuted through the diagonal, `T†(theta, phi) D = D' T(theta, phi')`.
    """
    require_square("decompose", unitary=unitary)
    work = np.array(unitary.detach().cpu().numpy(), dtype=np.complex128)
    size = work.shape[-1]
    gram = work @ np.conj(np.swapaxes(work, -1, -2))
    error = float(np.abs(gram - np.eye(size)).max(initial=0.0))
    require(error < 1e-6, "decompose", "distance from unitary", error, "below 1e-6")

    lead = work.shape[:-2]
    matrices = work.reshape(-1, size, size)
    theta, phi = _nulled(matrices, arrangement)
    phases = np.angle(np.diagonal(matrices, axis1=-2, axis2=-1))
    phi, phases = _commuted(theta, phi, phases, arrangement)
    device = unitary.device
    return MeshPhases(
        theta=torch.from_numpy(theta.reshape(*lead, theta.shape[-1])).to(device),
        phi=_wrapped(phi.reshape(*lead, phi.shape[-1])).to(device),
        output=_wrapped(phases.reshape(*lead, size)).to(device),
    )


def decompose_svd(matrix: Tensor, arrangement: Arrangement = "clements") -> SvdPhases:
    """Return the phases with which two ideal meshes and attenuators are a matrix, up to a scale.

    Args:
        matrix: Any matrix, shape `(…, n_out, n_in)`, real or complex.
        arrangement: Rectangular or triangular meshes.

    Returns:
        Phases in float64; `svd_transfer` of them times `scale` is the matrix. A zero matrix has
        scale 0 and closed attenuators.

    Reference: `W = s U diag(sigma) V†` with sigma of at most 1, since a mesh is passive (Miller,
    Photon. Res. 1, 1, 2013).
    """
    require(
        matrix.ndim >= 2,
        "decompose_svd",
        "shape of matrix",
        tuple(matrix.shape),
        "`(…, n_out, n_in)`",
    )
    values = np.asarray(matrix.detach().cpu().numpy())
    wide = np.complex128 if np.iscomplexobj(values) else np.float64
    left, sigma, right = np.linalg.svd(values.astype(wide), full_matrices=True)
    scale = sigma[..., 0]
    passive = sigma / np.where(scale > 0, scale, 1.0)[..., None]
    device = matrix.device
    at_output, at_input = _both(left, right, arrangement, device)
    return SvdPhases(
        scale=torch.from_numpy(np.array(scale)).to(device),
        left=at_output,
        attenuator=attenuation_to_phase(torch.from_numpy(passive)).to(device),
        right=at_input,
    )


def svd_transfer(phases: SvdPhases, arrangement: Arrangement = "clements") -> Tensor:
    """Return the field matrix of ideal meshes with these phases, singular values of at most 1.

    Args:
        phases: Phases of both meshes and of the attenuators.
        arrangement: Rectangular or triangular meshes.

    Returns:
        Complex matrix, shape `(…, n_out, n_in)`; multiply by `scale` for the wanted matrix.
    """
    return svd_matrix(
        mesh_matrix(phases.left, arrangement),
        phase_to_attenuation(phases.attenuator),
        mesh_matrix(phases.right, arrangement),
    )


def _both(
    left: NDArray[Any], right: NDArray[Any], arrangement: Arrangement, device: torch.device
) -> tuple[MeshPhases, MeshPhases]:
    """Return the phases of two meshes, found together where they are of one size."""
    first, second = torch.from_numpy(left).to(device), torch.from_numpy(right).to(device)
    if first.shape != second.shape:
        return decompose(first, arrangement), decompose(second, arrangement)
    both = decompose(torch.stack([first, second]), arrangement)
    one, other = (MeshPhases(both.theta[i], both.phi[i], both.output[i]) for i in range(2))
    return one, other


def _nulled(work: _Complex, arrangement: Arrangement) -> tuple[_Real, _Real]:
    """Null the elements of matrices below or above their diagonals, in place.

    Each step depends on the one before, so that all matrices take it together.

    Args:
        work: Unitary matrices, shape `(n_matrix, n, n)`; diagonal afterwards.
        arrangement: Rectangular or triangular mesh.

    Returns:
        Phases theta and phi in the order of the mesh, shape `(n_matrix, n_mzi)`.
    """
    order = elimination_order(work.shape[-1], arrangement)
    half, phi = angles = np.empty((2, len(order), len(work)))
    cell = _Cells(len(work))
    first, last = 0, len(order)
    for step in order:
        m = step.mode
        if step.from_right:
            at, first = first, first + 1
            pair = work[:, step.row, m : m + 2].T
            product = -pair[0] * pair[1].conj()
            size = np.abs(pair)[::-1]
        else:
            at = last = last - 1
            pair = work[:, m : m + 2, step.column].T
            product = pair[1] * pair[0].conj()
            size = np.abs(pair)
        np.arctan2(size[0], size[1], out=half[at])
        np.arctan2(product.imag, product.real, out=phi[at])
        # Rounding must not set what no light decides: such heaters stay cold.
        half[at][size.max(axis=0) < _NOTHING] = 0.0
        phi[at][size.min(axis=0) < _NOTHING] = 0.0
        cell.turn(angles[:, at])
        if step.from_right:  # columns mix with T†; below the row they are nulled already
            columns = work[:, : step.row + 1, m : m + 2]
            columns[...] = columns @ cell.adjoint
        else:  # rows mix with T; before the column they are nulled already
            rows = work[:, m : m + 2, step.column :]
            rows[...] = cell.matrix @ rows
    return 2.0 * half.T, phi.T


def _commuted(
    theta: _Real, phi: _Real, phases: _Real, arrangement: Arrangement
) -> tuple[_Real, _Real]:
    """Carry the interferometers at the output side through the phases that are left.

    Those of one column of the mesh act on modes of their own and are carried together.

    Args:
        theta: Phases of the interferometers [rad], shape `(n_matrix, n_mzi)`.
        phi: Phases before their first couplers [rad], as `theta`.
        phases: Phases of the diagonal [rad], shape `(n_matrix, n)`.
        arrangement: Rectangular or triangular mesh.

    Returns:
        Phases phi and those on the outputs.
    """
    size = phases.shape[-1]
    layout = mesh_layout(size, arrangement)
    from_left = np.array([not step.from_right for step in elimination_order(size, arrangement)])
    modes, columns = np.array(layout.modes, dtype=int), np.array(layout.columns, dtype=int)
    places = np.arange(len(modes)) >= len(modes) - np.count_nonzero(from_left)
    phi, phases = phi.copy(), phases.copy()
    for column in range(layout.depth):
        here = np.flatnonzero(places & (columns == column))
        upper, lower = modes[here], modes[here] + 1
        behind = phases[:, lower]
        turned = math.pi - theta[:, here] + behind
        before = phi[:, here]
        phi[:, here] = phases[:, upper] - behind
        phases[:, upper], phases[:, lower] = turned - before, turned
    return phi, phases


@final
class _Cells:
    """Ideal interferometers, one for each matrix; the convention of `photonic_mesh`.

    Args:
        count: Number of matrices.
    """

    def __init__(self, count: int) -> None:
        self.matrix = np.empty((count, 2, 2), dtype=np.complex128)
        self.adjoint = np.empty((count, 2, 2), dtype=np.complex128)
        self._transposed = self.adjoint.swapaxes(-1, -2)
        self._entries = [self.matrix[:, row, column] for row in (0, 1) for column in (0, 1)]

    def turn(self, angles: _Real) -> None:
        """Set half of the inner phases and the outer phases [rad], shape `(2, n_matrix)`."""
        inner, outer = np.exp(1j * angles)
        cosine, sine = inner.real, inner.imag
        inner = 1j * inner
        outer *= inner
        from_upper, to_upper, to_lower, from_lower = self._entries
        np.multiply(outer, sine, out=from_upper)
        np.multiply(inner, cosine, out=to_upper)
        np.multiply(outer, cosine, out=to_lower)
        np.multiply(inner, -sine, out=from_lower)
        np.conjugate(self.matrix, out=self._transposed)


def _wrapped(angle: _Real) -> Tensor:
    """Return angles in [0, 2 pi), of which rounding makes none a whole turn."""
    wrapped = np.mod(angle, _TURN)
    return torch.from_numpy(np.where(wrapped > _TURN - _NOTHING, 0.0, wrapped))
