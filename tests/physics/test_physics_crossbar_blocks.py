"""Arrays that are solved by joining blocks, beside solvers that know no blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from pnnsim.physics.crossbar import effective_conductance

#: What joined blocks may differ from other solvers: rounding, of each element.
AGREEMENT = 1e-10
#: Wires of a real array, of a bad one, of one that hardly conducts; and each wire ideal.
WIRES = [(2.12, 6.36), (1e3, 1e4), (1e6, 1e6), (0.0, 6.36), (2.12, 0.0)]
#: One cell, lines, less than a block, blocks that are full and that are not, long and wide arrays.
SHAPES = [(1, 1), (1, 13), (13, 1), (2, 3), (4, 4), (5, 6), (16, 16), (17, 9), (9, 40), (40, 9)]


def cells(*shape: int, resistance: float = 1e5) -> torch.Tensor:
    rng = np.random.default_rng(shape)
    return torch.from_numpy(rng.uniform(0.4, 1.0, shape) / resistance)


def row_by_row(g: torch.Tensor, r_row: float, r_col: float) -> torch.Tensor:
    """Eliminate one row of the array after the other by dense solves of everything above it."""
    n_out = g.shape[1]
    one = torch.eye(n_out, dtype=torch.float64)
    above, sources = torch.zeros_like(one), one[:, :0]
    for row in g:
        path = 2.0 * one - torch.diag(one[0, 0].expand(n_out - 1), 1)
        path -= torch.diag(one[0, 0].expand(n_out - 1), -1)
        path[-1, -1] = 1.0
        follow = torch.linalg.solve(path + r_row * torch.diag(row), torch.diag(row))
        injected = follow[0]
        admittance = torch.diag(row) - r_row * row[:, None] * follow
        if r_row == 0.0:
            admittance, injected = torch.diag(row), row
        passed = torch.linalg.solve(one + r_col * above, torch.cat([above, sources], dim=1))
        above = passed[:, :n_out] + admittance
        sources = torch.cat([passed[:, n_out:], injected[:, None]], dim=1)
    return torch.linalg.solve(one + r_col * above, sources).T


def by_sparse_nodes(g: NDArray[np.float64], r_row: float, r_col: float) -> NDArray[np.float64]:
    """Solve Kirchhoff's current law at every node, one source at a time, with SciPy."""
    n_in, n_out = g.shape
    size = n_in * n_out
    matrix = sparse.lil_matrix((2 * size, 2 * size))
    known = np.zeros((2 * size, n_in))

    def wire(node: int, other: int | None, conductance: float) -> None:
        matrix[node, node] += conductance
        if other is not None:
            matrix[other, other] += conductance
            matrix[node, other] -= conductance
            matrix[other, node] -= conductance

    for i in range(n_in):
        for j in range(n_out):
            row, col = i * n_out + j, size + i * n_out + j
            wire(row, col, g[i, j])
            wire(row, row - 1 if j else None, 1 / r_row)
            wire(col, col + n_out if i < n_in - 1 else None, 1 / r_col)
        known[i * n_out, i] = 1 / r_row
    solved = spsolve(matrix.tocsc(), known).reshape(2 * size, n_in)
    return np.asarray(solved[2 * size - n_out :].T / r_col)


@pytest.mark.parametrize(("r_row", "r_col"), WIRES)
@pytest.mark.parametrize("shape", SHAPES)
def test_joined_blocks_give_what_elimination_row_by_row_gives(
    shape: tuple[int, int], r_row: float, r_col: float
) -> None:
    g = cells(*shape)
    torch.testing.assert_close(
        effective_conductance(g, r_row, r_col), row_by_row(g, r_row, r_col), rtol=AGREEMENT, atol=0
    )


@pytest.mark.parametrize(("r_row", "r_col"), [(2.12, 6.36), (1e3, 2e2)])
@pytest.mark.parametrize("shape", [(6, 5), (24, 17)])
def test_joined_blocks_solve_the_law_of_currents_at_every_node(
    shape: tuple[int, int], r_row: float, r_col: float
) -> None:
    g = cells(*shape)
    expected = by_sparse_nodes(g.numpy(), r_row, r_col)
    found = effective_conductance(g, r_row, r_col).numpy()
    np.testing.assert_allclose(found, expected, rtol=AGREEMENT, atol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_ideal_wires_leave_every_cell_as_it_is(shape: tuple[int, int]) -> None:
    g = cells(*shape)
    assert torch.equal(effective_conductance(g, 0.0, 0.0), g)


def test_an_array_without_columns_stays_empty() -> None:
    assert effective_conductance(torch.zeros(2, 3, 0), 1.0, 1.0).shape == (2, 3, 0)


def test_open_and_shorted_cells_are_solved_like_others() -> None:
    g = cells(19, 22)
    g[3] = 0.0
    g[:, 7] = 0.0
    g[5, 5] = g[18, 21] = 1.0
    found = effective_conductance(g, 2.12, 6.36)
    assert not found[3].any()
    assert not found[:, 7].any()
    torch.testing.assert_close(found, row_by_row(g, 2.12, 6.36), rtol=AGREEMENT, atol=1e-25)


def test_every_array_of_a_large_stack_is_solved_alone() -> None:
    # More cells than are joined together.
    stack = cells(3, 7, 64, 64)
    found = effective_conductance(stack, 2.12, 6.36)
    for place in ((0, 0), (1, 3), (2, 6)):
        torch.testing.assert_close(
            found[place], row_by_row(stack[place], 2.12, 6.36), rtol=AGREEMENT, atol=0
        )


@pytest.mark.parametrize("shape", [(1, 9), (9, 7)])
def test_gradient_of_joined_blocks_is_that_of_elimination_row_by_row(
    shape: tuple[int, int],
) -> None:
    g = cells(*shape, resistance=100.0).requires_grad_()
    weight = cells(*shape, resistance=1.0).flip(0)
    found, expected = (
        torch.autograd.grad((weight * solve(g, 2.12, 6.36)).sum(), g)[0]
        for solve in (effective_conductance, row_by_row)
    )
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)
