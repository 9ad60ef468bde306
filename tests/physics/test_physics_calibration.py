"""Meshes are corrected for uneven couplers and for heaters that warm each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group, unitary_group

from pnnsim.physics import photonic_calibration as calibration
from pnnsim.physics import photonic_decomposition as decomposition
from pnnsim.physics import photonic_mesh as mesh
from pnnsim.physics import photonic_thermal as thermal


def haar(size: int, count: int = 3) -> torch.Tensor:
    return torch.from_numpy(unitary_group.rvs(size, size=count, random_state=size))


def angles(phases: mesh.MeshPhases, sigma: float, seed: int = 1) -> tuple[torch.Tensor, ...]:
    draws = np.random.default_rng(seed).normal(0.0, sigma, (2, *phases.theta.shape))
    return tuple(torch.from_numpy(draws).unbind())


def deviation(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """Return the Frobenius norm of the difference over the root of the size, on the mean."""
    squares = ((made - wanted).abs() ** 2).sum(dim=(-1, -2)) / wanted.shape[-1]
    return float(squares.sqrt().mean())


@pytest.mark.parametrize("arrangement", ["clements", "reck"])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_uneven_couplers_are_made_up_for_exactly_where_they_reach(
    size: int, arrangement: mesh.Arrangement
) -> None:
    unitary = torch.ones(1, 1, 1, dtype=torch.complex128) if size == 1 else haar(size)
    phases = decomposition.decompose(unitary, arrangement)
    first, second = angles(phases, 0.01)
    corrected = calibration.correct_couplers(phases, first, second, arrangement)
    made = mesh.mesh_matrix(corrected, arrangement, angle_in=first, angle_out=second)
    torch.testing.assert_close(made, unitary, atol=1e-12, rtol=0)
    assert float(corrected.phi.min() if size > 1 else 0.0) >= 0.0


def test_ideal_couplers_need_no_correction() -> None:
    phases = decomposition.decompose(haar(9))
    zero = torch.zeros_like(phases.theta)
    corrected = calibration.correct_couplers(phases, zero, zero)
    torch.testing.assert_close(
        mesh.mesh_matrix(corrected), mesh.mesh_matrix(phases), atol=1e-12, rtol=0
    )


def test_what_correction_leaves_is_the_square_of_the_error_times_the_size() -> None:
    """`sqrt(2/3) N sigma^2` for large N (Hamerly, Bandyopadhyay and Englund, 2022)."""
    wanted = haar(64)
    phases = decomposition.decompose(wanted)
    for sigma in (0.01, 0.02):
        first, second = angles(phases, sigma)
        corrected = calibration.correct_couplers(phases, first, second)
        made = mesh.mesh_matrix(corrected, angle_in=first, angle_out=second)
        # 10 %: three matrices of finite size; without correction it is ten times as much.
        expected = math.sqrt(2 / 3) * 64 * sigma**2
        assert deviation(made, wanted) == pytest.approx(expected, rel=0.1, abs=0)
        bare = mesh.mesh_matrix(phases, angle_in=first, angle_out=second)
        assert deviation(bare, wanted) == pytest.approx(sigma * math.sqrt(128), rel=0.1, abs=0)


def test_homodyne_does_not_see_uneven_couplers_of_a_real_matrix_to_first_order() -> None:
    wanted = torch.from_numpy(ortho_group.rvs(32, size=3, random_state=0))
    phases = decomposition.decompose(wanted)
    seen = []
    for sigma in (0.005, 0.01):
        first, second = angles(phases, sigma)
        made = mesh.mesh_matrix(phases, angle_in=first, angle_out=second)
        seen.append(deviation(made.real, wanted))
        # The reference gives 0.95 to 0.98 of it for random unitaries.
        expected = sigma * math.sqrt(64)
        assert deviation(made, wanted.to(made)) == pytest.approx(expected, rel=0.1, abs=0)
    # The same draws, twice as large: four times the error, up to the next even order.
    assert seen[1] == pytest.approx(4 * seen[0], rel=0.02, abs=0)


def test_heaters_lie_where_their_phases_act() -> None:
    positions = calibration.heater_positions(4, 10.0, 1.0)
    layout = mesh.mesh_layout(4)
    inner, outer = positions[:6], positions[6:]
    assert (inner - outer)[:, 0].tolist() == [5.0] * 6
    assert outer[:, 0].tolist() == [10.0 * c for c in layout.columns]
    assert inner[:, 1].tolist() == outer[:, 1].tolist() == [float(m) for m in layout.modes]


def test_commands_undo_crosstalk_and_no_heater_cools() -> None:
    positions = calibration.heater_positions(8, 300e-6, 100e-6)
    influence = thermal.crosstalk_matrix(positions, 0.05, 150e-6, 100e-6)
    rng = np.random.default_rng(0)
    wanted = torch.from_numpy(rng.uniform(0, 2 * math.pi, (5, 56)))
    wanted[:, ::7] = 0.0
    commands = calibration.heater_commands(wanted, torch.linalg.inv(influence))
    assert float(commands.min()) >= 0.0
    made = thermal.apply_crosstalk(commands, influence)
    turns = (made - wanted) / (2 * math.pi)
    np.testing.assert_allclose(turns, turns.round(), atol=1e-12, rtol=0)
    assert float(turns.max()) == pytest.approx(
        1.0, rel=1e-6, abs=0
    )  # the zeros had to be a turn later


def test_crosstalk_is_cancelled_for_all_leading_axes_at_once() -> None:
    positions = calibration.heater_positions(4, 3.0, 1.0)
    influence = thermal.crosstalk_matrix(positions, 0.1, 1.0, 2.0)
    wanted = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 12)))
    commands = thermal.cancel_crosstalk(wanted, influence)
    expected = np.einsum("ij,abj->abi", np.linalg.inv(influence.numpy()), wanted.numpy())
    np.testing.assert_allclose(commands.numpy(), expected, atol=1e-12, rtol=0)
