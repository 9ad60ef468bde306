"""Arrays of conductances with resistive wires."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.physics import crossbar

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


def cells(n_in: int, n_out: int, seed: int, resistance: float = 1e6) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    states = rng.random((n_in, n_out)) < 0.5
    return torch.from_numpy(np.where(states, 1.0, 1 / 2.2) / resistance)


def currents_by_kirchhoff(
    g: np.ndarray, voltage: np.ndarray, r_row: float, r_col: float
) -> np.ndarray:
    """Write Kirchhoff's equations node by node into a dense matrix and solve them."""
    n_in, n_out = g.shape
    size = n_in * n_out
    matrix, known = np.zeros((2 * size, 2 * size)), np.zeros(2 * size)
    for i in range(n_in):
        for j in range(n_out):
            row, col = i * n_out + j, size + i * n_out + j
            for node, other in ((row, col), (col, row)):
                matrix[node, node] += g[i, j]
                matrix[node, other] -= g[i, j]
            matrix[row, row] += 1 / r_row
            if j == 0:
                known[row] += voltage[i] / r_row
            else:
                matrix[row, row - 1] -= 1 / r_row
            if j < n_out - 1:
                matrix[row, row] += 1 / r_row
                matrix[row, row + 1] -= 1 / r_row
            matrix[col, col] += 1 / r_col
            if i < n_in - 1:
                matrix[col, col + n_out] -= 1 / r_col
            if i > 0:
                matrix[col, col] += 1 / r_col
                matrix[col, col - n_out] -= 1 / r_col
    solved = np.linalg.solve(matrix, known)
    return np.asarray(solved[2 * size - n_out :] / r_col)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 1), (4, 6), (7, 3)])
def test_solution_satisfies_kirchhoff(shape: tuple[int, int]) -> None:
    g, voltage = cells(*shape, 0, 1e3), np.random.default_rng(1).normal(size=shape[0])
    effective = crossbar.effective_conductance(g, 20.0, 50.0)
    expected = currents_by_kirchhoff(g.numpy(), voltage, 20.0, 50.0)
    np.testing.assert_allclose(effective.numpy().T @ voltage, expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize(("r_row", "r_col"), [(20.0, 50.0), (0.0, 50.0), (20.0, 0.0)])
def test_rows_one_by_one_give_what_all_nodes_at_once_give(r_row: float, r_col: float) -> None:
    g = torch.stack([cells(17, 9, seed, 1e3) for seed in range(3)])
    at_once = -crossbar.port_admittance(g, r_row, r_col)[..., :17, 17:]
    one_by_one = crossbar.effective_conductance(g, r_row, r_col)
    torch.testing.assert_close(one_by_one, at_once, rtol=1e-10, atol=0)


def test_exact_conductances_have_the_gradient_of_finite_differences() -> None:
    g = cells(3, 4, 5, 1.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: crossbar.effective_conductance(x, 0.02, 0.05), (g,))


def test_one_cell_is_three_resistors_in_series() -> None:
    got = crossbar.effective_conductance(torch.tensor([[1e-3]], dtype=torch.float64), 20.0, 50.0)
    assert got.item() == pytest.approx(1 / 1070, rel=1e-6, abs=0)


def test_without_wire_resistance_it_is_the_matrix_itself() -> None:
    g = cells(6, 4, 1)
    assert torch.equal(crossbar.effective_conductance(g, 0.0, 0.0), g)
    ports = crossbar.port_admittance(g, 0.0, 0.0)
    torch.testing.assert_close(-ports[:6, 6:], g, atol=1e-18, rtol=1e-12)


@pytest.mark.parametrize(("r_row", "r_col"), [(30.0, 0.0), (0.0, 30.0)])
def test_one_ideal_wire_is_the_limit_of_a_good_one(r_row: float, r_col: float) -> None:
    g = cells(5, 6, 2, 1e3)
    ideal = crossbar.effective_conductance(g, r_row, r_col)
    nearly = crossbar.effective_conductance(g, r_row or 1e-6, r_col or 1e-6)
    torch.testing.assert_close(ideal, nearly, rtol=1e-6, atol=0)


def test_ports_are_reciprocal_and_conserve_charge() -> None:
    ports = crossbar.port_admittance(cells(6, 5, 3, 1e3), 20.0, 50.0)
    torch.testing.assert_close(ports, ports.T, rtol=1e-10, atol=1e-16)
    assert ports.sum(dim=1).abs().max().item() < 1e-12 * ports.abs().max().item()


def test_turning_the_array_round_transposes_it() -> None:
    # Rows become columns seen from their other ends.
    g = cells(4, 6, 4, 1e3)
    turned = crossbar.effective_conductance(g.flip(0, 1).T, 50.0, 20.0)
    straight = crossbar.effective_conductance(g, 20.0, 50.0)
    torch.testing.assert_close(turned.flip(0, 1).T, straight, rtol=1e-10, atol=0)


def test_loss_is_linear_in_small_wire_resistance() -> None:
    g = cells(16, 16, 5)
    small = g - crossbar.effective_conductance(g, 1e-2, 3e-2)
    double = g - crossbar.effective_conductance(g, 2e-2, 6e-2)
    torch.testing.assert_close(
        double, 2 * small, rtol=1e-3, atol=0
    )  # second order: the drop itself


def test_far_cells_lose_most() -> None:
    g = torch.full((12, 12), 1e-5, dtype=torch.float64)
    loss = 1 - crossbar.effective_conductance(g, 5.0, 5.0) / g
    # Farthest from its driver and from the virtual ground: last column, first row.
    assert loss.argmax().item() == 11
    assert loss.argmin().item() == 11 * 12


@pytest.mark.slow
def test_reference_array_of_128_rows() -> None:
    # 1 MOhm, 120 %, 2.12 and 6.36 Ohm a segment: estimate 3.37 %; an independent solver found a
    # mean of 3.42 % and a worst column of 3.94 % for one random input. One random input scatters
    # the mean by 0.06 % and the worst column by 0.1 % around what equal inputs give.
    g = cells(128, 128, 0)
    effective = crossbar.effective_conductance(g, 2.12, 6.36)
    loss = 1 - effective.sum(dim=0) / g.sum(dim=0)
    estimate = crossbar.mean_wire_error(0.727273e-6, 128, 2.12, 6.36)
    assert estimate == pytest.approx(0.0337, abs=5e-5)
    assert loss.mean().item() == pytest.approx(estimate, rel=0.1, abs=0)
    assert loss.mean().item() == pytest.approx(0.0342, abs=0.003)
    assert loss.max().item() == pytest.approx(0.0394, abs=0.005)
    voltage = torch.from_numpy(np.random.default_rng(2).random((500, 128)))
    single = (1 - (voltage @ effective) / (voltage @ g)).mean(dim=1)
    assert (single.mean() - 5 * single.std() < 0.0342 < single.mean() + 5 * single.std()).item()
    near = crossbar.first_order_conductance(g, 2.12, 6.36)
    torch.testing.assert_close(near, effective, rtol=6e-4, atol=0)


@pytest.mark.parametrize(("resistance", "loss"), [(100e3, 0.248), (6e3, 0.81)])
def test_low_resistance_arrays_lose_most_of_their_current(resistance: float, loss: float) -> None:
    # Same array; the loss depends on resistance times size squared, so 64 rows with four times the
    # wire resistance stand for 128 up to 1/N. Golden from an independent solver, 128 rows.
    g = cells(64, 64, 0, resistance)
    effective = crossbar.effective_conductance(g, 4 * 2.12, 4 * 6.36)
    got = 1 - effective.sum(dim=0) / g.sum(dim=0)
    assert got.mean().item() == pytest.approx(loss, abs=0.012)


def test_first_order_has_the_right_slope_in_both_wires() -> None:
    g = cells(9, 7, 6)
    for r_row, r_col in ((1e-2, 0.0), (0.0, 1e-2)):
        exact = (g - crossbar.effective_conductance(g, r_row, r_col)) / g
        near = (g - crossbar.first_order_conductance(g, r_row, r_col)) / g
        torch.testing.assert_close(near, exact, rtol=1e-3, atol=1e-11)


def test_wires_save_power_but_never_give_it() -> None:
    g = cells(6, 6, 8, 1e3)
    ports = crossbar.port_admittance(g, 20.0, 50.0)
    assert (torch.linalg.eigvalsh(ports) > -1e-15).all()
    ideal = crossbar.port_admittance(g, 0.0, 0.0)
    assert (torch.linalg.eigvalsh((ideal - ports)[:6, :6]) > -1e-15).all()


def test_elmore_delay_of_the_reference_column() -> None:
    # Half of 6.36 Ohm times 0.3 fF times 128²: 16 ps.
    assert crossbar.wire_delay(6.36, 0.3e-15, 128) == pytest.approx(16e-12, rel=0.03, abs=0)


def test_leading_axes_are_arrays() -> None:
    stack = torch.stack([cells(3, 4, s, 1e3) for s in range(4)]).reshape(2, 2, 3, 4)
    got = crossbar.effective_conductance(stack, 20.0, 50.0)
    torch.testing.assert_close(
        got[1, 0], crossbar.effective_conductance(stack[1, 0], 20.0, 50.0), rtol=ROUNDING, atol=0
    )


def test_first_order_gradient() -> None:
    g = torch.from_numpy(np.random.default_rng(9).uniform(0.5, 1.0, (3, 4))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: crossbar.first_order_conductance(x, 0.01, 0.02), (g,))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="effective_conductance: shape of conductance"):
        crossbar.effective_conductance(torch.zeros(3), 1.0, 1.0)
    with pytest.raises(ValueError, match=r"wire resistance, got \(-1.0, 1.0\)"):
        crossbar.port_admittance(torch.ones(2, 2), -1.0, 1.0)
