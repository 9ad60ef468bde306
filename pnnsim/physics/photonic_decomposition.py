"""Find the phases of a mesh that make a wanted matrix.

The arithmetic is NumPy in double precision and has no gradient: a matrix is decomposed when a bank
is written, not while it computes. `photonic_mesh` goes the other way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    mesh_matrix,
    phase_to_attenuation,
    svd_matrix,
)

_Complex = NDArray[np.complex128]
_Real = NDArray[np.float64]
_TURN = 2.0 * math.pi


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

    right: list[tuple[_Real, _Real]] = []
    left: list[tuple[int, _Real, _Real]] = []
    for step in elimination_order(size, arrangement):
        m = step.mode
        if step.from_right:
            u0, u1 = work[..., step.row, m], work[..., step.row, m + 1]
            theta = 2.0 * np.arctan2(np.abs(u1), np.abs(u0))
            phi = np.angle(-u0 * np.conj(u1))
            cell = np.conj(_cell(theta, phi))  # columns mix with T†: (U T†)_ra = sum U_rb T_ab*
            work[..., :, m : m + 2] = np.einsum("...rb,...ab->...ra", work[..., :, m : m + 2], cell)
            right.append((theta, phi))
        else:
            u0, u1 = work[..., m, step.column], work[..., m + 1, step.column]
            theta = 2.0 * np.arctan2(np.abs(u0), np.abs(u1))
            phi = np.angle(u1 * np.conj(u0))
            work[..., m : m + 2, :] = _cell(theta, phi) @ work[..., m : m + 2, :]
            left.append((m, theta, phi))

    diagonal = np.angle(np.diagonal(work, axis1=-2, axis2=-1))
    ordered = right
    for m, theta, phi in reversed(left):
        d0, d1 = diagonal[..., m].copy(), diagonal[..., m + 1].copy()
        ordered.append((theta, d0 - d1))
        diagonal[..., m] = math.pi - theta - phi + d1
        diagonal[..., m + 1] = math.pi - theta + d1
    lead = work.shape[:-2]
    thetas = np.stack([t for t, _ in ordered], axis=-1) if ordered else np.zeros((*lead, 0))
    phis = np.stack([p for _, p in ordered], axis=-1) if ordered else np.zeros((*lead, 0))
    device = unitary.device
    return MeshPhases(
        theta=torch.from_numpy(thetas).to(device),
        phi=_wrapped(phis).to(device),
        output=_wrapped(diagonal).to(device),
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
    return SvdPhases(
        scale=torch.from_numpy(np.array(scale)).to(device),
        left=decompose(torch.from_numpy(left).to(device), arrangement),
        attenuator=attenuation_to_phase(torch.from_numpy(passive)).to(device),
        right=decompose(torch.from_numpy(right).to(device), arrangement),
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


def _cell(theta: _Real, phi: _Real) -> _Complex:
    """Return ideal interferometers, shape `(…, 2, 2)`; the convention of `photonic_mesh`."""
    front = 1j * np.exp(0.5j * theta)
    s, c = np.sin(theta / 2.0), np.cos(theta / 2.0)
    turn = np.exp(1j * phi)
    top = np.stack([front * turn * s, front * c], axis=-1)
    bottom = np.stack([front * turn * c, -front * s], axis=-1)
    return np.stack([top, bottom], axis=-2)


def _wrapped(angle: _Real) -> Tensor:
    return torch.from_numpy(np.mod(angle, _TURN))
