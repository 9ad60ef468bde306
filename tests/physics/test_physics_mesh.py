"""Meshes of interferometers: decomposition, reconstruction, and what errors do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import unitary_group

from pnnsim.physics import photonic_decomposition as decomposition
from pnnsim.physics import photonic_mesh as mesh

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


def haar(size: int, seed: int) -> torch.Tensor:
    if size == 1:
        return torch.tensor([[1j]], dtype=torch.complex128)
    return torch.from_numpy(unitary_group.rvs(size, random_state=seed))


def normal(shape: torch.Size, sigma: float, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, sigma, shape))


def test_interferometer_matches_the_product_of_its_parts() -> None:
    rng = np.random.default_rng(0)
    theta, phi, alpha, beta = rng.normal(size=4)

    def coupler(x: float) -> np.ndarray:
        return np.array([[math.cos(x), 1j * math.sin(x)], [1j * math.sin(x), math.cos(x)]])

    product = (
        coupler(math.pi / 4 + beta)
        @ np.diag([np.exp(1j * theta), 1])
        @ coupler(math.pi / 4 + alpha)
        @ np.diag([np.exp(1j * phi), 1])
    )
    tensors = [torch.tensor(x, dtype=torch.float64) for x in (theta, phi, alpha, beta)]
    np.testing.assert_allclose(mesh.mzi_matrix(*tensors).numpy(), product, atol=1e-15, rtol=0)


@pytest.mark.parametrize(
    ("theta", "bar"), [(0.0, 0.0), (math.pi / 2, 0.5), (math.pi, 1.0)], ids=["cross", "half", "bar"]
)
def test_ideal_interferometer_splits_by_theta(theta: float, bar: float) -> None:
    phases = torch.tensor([theta, 0.7], dtype=torch.float64)
    power = mesh.mzi_matrix(phases[0], phases[1]).abs() ** 2
    expected = torch.tensor([[bar, 1 - bar], [1 - bar, bar]], dtype=torch.float64)
    torch.testing.assert_close(power, expected, atol=1e-15, rtol=0)


def test_interferometers_are_unitary_whatever_the_errors() -> None:
    draws = normal(torch.Size((4, 50)), 1.0, 1)
    t = mesh.mzi_matrix(*draws)
    torch.testing.assert_close(
        t.mH @ t, torch.eye(2, dtype=t.dtype).expand(50, 2, 2), atol=1e-14, rtol=0
    )


@pytest.mark.parametrize("arrangement", ["clements", "reck"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 16, 33, 64])
def test_random_unitaries_are_rebuilt(size: int, arrangement: mesh.Arrangement) -> None:
    unitary = haar(size, size)
    phases = decomposition.decompose(unitary, arrangement)
    assert phases.theta.shape == (size * (size - 1) // 2,)
    rebuilt = mesh.mesh_matrix(phases, arrangement)
    torch.testing.assert_close(rebuilt, unitary, atol=1e-12, rtol=0)


def decomposed_step_by_step(
    unitary: np.ndarray, arrangement: mesh.Arrangement
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Null one element after the other with whole matrices; commute one cell after the other."""
    size = len(unitary)
    work, right, left = unitary.astype(complex), [], []
    for step in mesh.elimination_order(size, arrangement):
        m, cell = step.mode, np.eye(size, dtype=complex)
        column = step.mode if step.from_right else step.column
        u0, u1 = work[step.row, m : m + 2] if step.from_right else work[m : m + 2, column]
        theta = (
            2 * np.arctan2(abs(u1), abs(u0))
            if step.from_right
            else 2 * np.arctan2(abs(u0), abs(u1))
        )
        phi = np.angle(-u0 * u1.conj()) if step.from_right else np.angle(u1 * u0.conj())
        phases = (torch.tensor(x, dtype=torch.float64) for x in (theta, phi))
        cell[m : m + 2, m : m + 2] = mesh.mzi_matrix(*phases).numpy()
        work = work @ cell.conj().T if step.from_right else cell @ work
        assert abs(work[step.row, column]) < 1e-12
        (right if step.from_right else left).append((m, theta, phi))
    output = np.angle(np.diag(work))
    for m, theta, phi in reversed(left):
        right.append((m, theta, output[m] - output[m + 1]))
        output[m : m + 2] = np.pi - theta + output[m + 1] - np.array([phi, 0.0])
    found = np.array([(theta, phi) for _, theta, phi in right]).reshape(-1, 2).T
    return found[0], found[1], output


@pytest.mark.parametrize("arrangement", ["clements", "reck"])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 21])
def test_all_meshes_together_get_the_phases_of_each_alone(
    size: int, arrangement: mesh.Arrangement
) -> None:
    stack = torch.stack([haar(size, seed) for seed in (1, 2, 3)])
    together = decomposition.decompose(stack, arrangement)
    for index, unitary in enumerate(stack):
        theta, phi, output = decomposed_step_by_step(unitary.numpy(), arrangement)
        np.testing.assert_allclose(together.theta[index].numpy(), theta, rtol=0, atol=1e-12)
        for found, expected in ((together.phi, phi), (together.output, output)):
            turned = np.exp(1j * (found[index].numpy() - expected))
            np.testing.assert_allclose(turned, np.ones_like(turned), rtol=0, atol=1e-12)


def test_rounding_sets_no_phase_that_the_matrix_leaves_free() -> None:
    # A tile that a network fills in part: modes that pass straight, and a block that mixes.
    unitary = torch.eye(16, dtype=torch.complex128)
    unitary[3:9, 3:9] = haar(6, 4)
    noise = torch.complex(*(normal(torch.Size((16, 16)), 1e-16, seed) for seed in (1, 2)))
    plain, noisy = (decomposition.decompose(u) for u in (unitary, unitary + noise))
    for one, other in ((plain.theta, noisy.theta), (plain.phi, noisy.phi)):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    torch.testing.assert_close(plain.output, noisy.output, rtol=0, atol=1e-12)
    torch.testing.assert_close(mesh.mesh_matrix(noisy), unitary, atol=1e-12, rtol=0)


@pytest.mark.slow
def test_a_mesh_of_256_modes_is_rebuilt() -> None:
    unitary = haar(256, 0)
    rebuilt = mesh.mesh_matrix(decomposition.decompose(unitary))
    torch.testing.assert_close(rebuilt, unitary, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    "unitary", [np.eye(5), np.eye(6)[::-1].copy(), np.diag([1, -1, 1, -1, 1.0])]
)
def test_unitaries_full_of_zeros_are_rebuilt(unitary: np.ndarray) -> None:
    phases = decomposition.decompose(torch.from_numpy(unitary))
    rebuilt = mesh.mesh_matrix(phases).numpy()
    np.testing.assert_allclose(rebuilt, unitary, atol=1e-12, rtol=0)


def test_a_mesh_is_the_product_of_its_cells_in_order() -> None:
    # Convention: light meets the first cell of the layout first; output phases come last.
    layout = mesh.mesh_layout(4)
    theta, phi, output = (normal(torch.Size((n,)), 1.0, s) for n, s in ((6, 1), (6, 2), (4, 3)))
    product = np.eye(4, dtype=complex)
    for index, mode in enumerate(layout.modes):
        cell = np.eye(4, dtype=complex)
        cell[mode : mode + 2, mode : mode + 2] = mesh.mzi_matrix(theta[index], phi[index]).numpy()
        product = cell @ product
    product = np.diag(np.exp(1j * output.numpy())) @ product
    got = mesh.mesh_matrix(mesh.MeshPhases(theta, phi, output)).numpy()
    np.testing.assert_allclose(got, product, atol=1e-14, rtol=0)


@pytest.mark.parametrize("size", [2, 3, 8, 64])
def test_counts_and_depths(size: int) -> None:
    assert mesh.mzi_count(size) == len(mesh.mesh_layout(size).modes) == size * (size - 1) // 2
    assert mesh.mesh_depth(size, "reck") == 2 * size - 3
    assert mesh.mesh_depth(size) == (size if size > 2 else 1)


def test_svd_mesh_of_the_reference_tile() -> None:
    # 32 by 32: 65 columns, hand calculation.
    assert mesh.svd_depth(32) == 65


def test_no_mode_is_used_twice_in_a_column() -> None:
    for arrangement in ("clements", "reck"):
        layout = mesh.mesh_layout(9, arrangement)
        used = [
            (c, m + k) for m, c in zip(layout.modes, layout.columns, strict=True) for k in (0, 1)
        ]
        assert len(used) == len(set(used))


def test_phases_lie_where_a_heater_can_hold_them() -> None:
    phases = decomposition.decompose(haar(12, 3))
    assert ((phases.theta >= 0) & (phases.theta <= math.pi)).all()
    for angle in (phases.phi, phases.output):
        assert ((angle >= 0) & (angle < 2 * math.pi)).all()


def test_leading_axes_are_tiles() -> None:
    stack = torch.stack([haar(5, s) for s in range(6)]).reshape(2, 3, 5, 5)
    phases = decomposition.decompose(stack)
    assert phases.theta.shape == (2, 3, 10)
    torch.testing.assert_close(mesh.mesh_matrix(phases), stack, atol=1e-12, rtol=0)
    one = decomposition.decompose(stack[1, 2])
    torch.testing.assert_close(one.phi, phases.phi[1, 2], rtol=ROUNDING, atol=0)


@pytest.mark.parametrize("shape", [(4, 4), (3, 6), (6, 3), (1, 1), (1, 5)])
def test_any_matrix_is_two_meshes_and_attenuators(shape: tuple[int, int]) -> None:
    matrix = normal(torch.Size((2, *shape)), 1.0, 5)
    phases = decomposition.decompose_svd(matrix)
    transfer = decomposition.svd_transfer(phases)
    torch.testing.assert_close(
        (phases.scale[:, None, None] * transfer).real, matrix, atol=1e-12, rtol=0
    )
    assert transfer.imag.abs().max().item() < 1e-12
    # Passive: light out never exceeds light in.
    assert torch.linalg.matrix_norm(transfer, 2).max().item() <= 1 + 1e-12


def test_a_zero_matrix_closes_the_attenuators() -> None:
    phases = decomposition.decompose_svd(torch.zeros(4, 4, dtype=torch.float64))
    assert phases.scale.item() == 0
    assert decomposition.svd_transfer(phases).abs().max().item() == 0


def test_attenuator_phase_inverts() -> None:
    amplitude = torch.linspace(0, 1, 11, dtype=torch.float64)
    phase = mesh.attenuation_to_phase(amplitude)
    assert phase[-1].item() == pytest.approx(math.pi, rel=1e-6, abs=0)
    torch.testing.assert_close(mesh.phase_to_attenuation(phase), amplitude, atol=1e-15, rtol=0)


@pytest.mark.parametrize("arrangement", ["clements", "reck"])
def test_equal_loss_scales_the_matrix(arrangement: mesh.Arrangement) -> None:
    unitary = haar(9, 1)
    phases = decomposition.decompose(unitary, arrangement)
    amplitude = 10 ** (-0.15 / 20)
    lossy = mesh.mesh_matrix(phases, arrangement, column_amplitude=amplitude)
    scaled = amplitude ** mesh.mesh_depth(9, arrangement) * unitary
    torch.testing.assert_close(lossy, scaled, atol=1e-12, rtol=0)


def test_unequal_loss_breaks_unitarity_and_only_loses() -> None:
    phases = decomposition.decompose(haar(6, 1))
    amplitude = torch.ones(6, 6, dtype=torch.float64)
    amplitude[2, 3] = 0.5
    values = torch.linalg.svdvals(mesh.mesh_matrix(phases, column_amplitude=amplitude))
    assert values.max().item() <= 1 + 1e-12
    assert values.min().item() == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "figure", "tolerance"), [("coupler", 0.111, 0.01), ("phase", 0.080, 0.008)]
)
def test_error_of_a_mesh_of_64(kind: str, figure: float, tolerance: float) -> None:
    # Golden, from an independent Monte-Carlo: 0.01 rad on every coupler or on every phase.
    unitary = torch.stack([haar(64, s) for s in range(4)])
    ideal = decomposition.decompose(unitary)
    first = normal(ideal.theta.shape, 0.01, 1)
    second = normal(ideal.theta.shape, 0.01, 2)
    if kind == "coupler":
        built = mesh.mesh_matrix(ideal, angle_in=first, angle_out=second)
    else:
        built = mesh.mesh_matrix(replace(ideal, theta=ideal.theta + first, phi=ideal.phi + second))
    error = torch.linalg.matrix_norm(built - unitary) / 8
    assert error.mean().item() == pytest.approx(figure, abs=tolerance)


def test_coupler_error_grows_with_the_square_root_of_size() -> None:
    for size in (8, 32):
        phases = decomposition.decompose(torch.stack([haar(size, s) for s in range(8)]))
        shape = phases.theta.shape
        built = mesh.mesh_matrix(
            phases, angle_in=normal(shape, 1e-3, 1), angle_out=normal(shape, 1e-3, 2)
        )
        error = torch.linalg.matrix_norm(built - mesh.mesh_matrix(phases)) / math.sqrt(size)
        # sigma sqrt(2 N): first order, and N - 1 instead of N cells on a path.
        assert error.mean().item() == pytest.approx(1e-3 * math.sqrt(2 * size), rel=0.12, abs=0)


def test_phase_converter_is_coarsest_at_full_scale() -> None:
    # 4 pi 2**-8 = 0.049 rad at 8 bits.
    dense = torch.linspace(0, 2 * math.pi, 200_001, dtype=torch.float64)
    levels = mesh.quantize_phase(dense, 8).unique()
    assert levels.numel() == 256
    assert levels.diff()[-1].item() == pytest.approx(0.049, abs=5e-4)
    assert (levels.diff().diff() > 0).all()
    error = (mesh.quantize_phase(dense, 8) - dense).abs().max().item()
    assert error <= levels.diff()[-1].item() / 2 * 1.01  # halfway in voltage, not in phase


def test_phase_converter_passes_the_gradient_inside_its_range() -> None:
    phase = torch.tensor([-0.1, 0.0, 1.0, 7.0], dtype=torch.float64, requires_grad=True)
    mesh.quantize_phase(phase, 6).sum().backward()
    assert phase.grad is not None
    assert phase.grad.tolist() == [0, 1, 1, 0]


def test_mesh_gradient() -> None:
    theta, phi = normal(torch.Size((3,)), 1.0, 1), normal(torch.Size((3,)), 1.0, 2)
    angle, output = normal(torch.Size((3,)), 0.1, 3), normal(torch.Size((3,)), 1.0, 4)
    inputs = [x.requires_grad_() for x in (theta, phi, output, angle)]

    def power(t: torch.Tensor, p: torch.Tensor, o: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        matrix = mesh.mesh_matrix(mesh.MeshPhases(t, p, o), angle_in=a, column_amplitude=0.9)
        return torch.view_as_real(matrix)

    assert torch.autograd.gradcheck(power, inputs)


def test_positions_follow_the_layout() -> None:
    positions = mesh.mesh_positions(4, 300e-6, 100e-6)
    assert positions.shape == (6, 2)
    assert positions[0].tolist() == pytest.approx([0.0, 50e-6], rel=1e-6, abs=0)
    assert positions.unique(dim=0).shape == (6, 2)


def test_single_precision_phases_give_a_single_precision_matrix() -> None:
    phases = decomposition.decompose(haar(4, 0))
    single = mesh.MeshPhases(phases.theta.float(), phases.phi.float(), phases.output.float())
    assert mesh.mesh_matrix(single).dtype == torch.complex64


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"decompose: distance from unitary, got .*; expected below"
    ):
        decomposition.decompose(2 * torch.eye(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="shape of unitary"):
        decomposition.decompose(torch.zeros(3, 2))
    phases = mesh.MeshPhases(torch.zeros(2), torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match=r"mesh_matrix: shape of theta, got \(2,\); expected"):
        mesh.mesh_matrix(phases)
