"""Meshes beside those of the package `interferometer` (W. Clements), which shares no code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import unitary_group

from pnnsim.physics import photonic_decomposition, photonic_mesh

other = pytest.importorskip(
    "interferometer", reason="interferometer is not installed: pip install interferometer"
)

DECOMPOSE = {"clements": other.square_decomposition, "reck": other.triangle_decomposition}


@pytest.mark.parametrize("size", [2, 3, 5, 8, 16])
def test_rectangular_meshes_are_the_same_beam_splitters_in_the_same_order(size: int) -> None:
    """Powers do not depend on where an interferometer's phases are: sin²(theta/2) = cos²(t)."""
    unitary = unitary_group.rvs(size, random_state=size)
    theirs = other.square_decomposition(unitary.copy()).BS_list
    phases = photonic_decomposition.decompose(torch.from_numpy(unitary), "clements")
    layout = photonic_mesh.mesh_layout(size, "clements")
    assert [mode + 1 for mode in layout.modes] == [splitter.mode1 for splitter in theirs]
    assert all(splitter.mode2 == splitter.mode1 + 1 for splitter in theirs)
    bar = torch.sin(phases.theta / 2) ** 2
    expected = torch.tensor([np.cos(splitter.theta) ** 2 for splitter in theirs])
    torch.testing.assert_close(bar, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("arrangement", ["clements", "reck"])
@pytest.mark.parametrize("size", [2, 5, 12])
def test_both_build_the_matrix_that_was_asked_for(size: int, arrangement: str) -> None:
    unitary = unitary_group.rvs(size, random_state=10 * size)
    theirs = DECOMPOSE[arrangement](unitary.copy())
    phases = photonic_decomposition.decompose(torch.from_numpy(unitary), arrangement)
    ours = photonic_mesh.mesh_matrix(phases, arrangement).numpy()
    np.testing.assert_allclose(ours, theirs.calculate_transformation(), rtol=0, atol=1e-12)
    assert len(theirs.BS_list) == photonic_mesh.mzi_count(size)


@pytest.mark.parametrize("arrangement", ["clements", "reck"])
def test_a_mesh_of_theirs_is_one_of_ours_with_other_phases(arrangement: str) -> None:
    """T of theirs is a phase on each side of T of ours, so that matrices agree in power."""
    size, random = 6, np.random.default_rng(4)
    layout = photonic_mesh.mesh_layout(size, arrangement)
    theta, phi = random.uniform(0.1, 3.0, 15), random.uniform(0.0, 6.0, 15)
    built = other.Interferometer()
    for i, mode in enumerate(layout.modes):
        # -sin stands where i cos(theta/2) does: two phases of a quarter turn, inside and outside.
        built.add_BS(other.Beamsplitter(mode + 1, mode + 2, np.pi / 2 - theta[i] / 2, phi[i]))
        if i == 0:
            first = np.abs(built.calculate_transformation()[:2, :2]) ** 2
    cell = photonic_mesh.mzi_matrix(torch.tensor(theta[0]), torch.tensor(phi[0])).abs() ** 2
    if layout.modes[0] == 0:
        np.testing.assert_allclose(first, cell.numpy(), rtol=0, atol=1e-12)
    unitary = built.calculate_transformation()
    np.testing.assert_allclose(unitary @ unitary.conj().T, np.eye(size), rtol=0, atol=1e-12)
    phases = photonic_decomposition.decompose(torch.from_numpy(unitary), arrangement)
    # The decomposition finds the splitting ratios with which the other package was set.
    found = torch.sin(phases.theta / 2) ** 2
    expected = torch.sin(torch.tensor(theta) / 2) ** 2
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
