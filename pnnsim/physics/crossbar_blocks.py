"""Join blocks of a crossbar with resistive wires, until one block is the whole array.

A block of cells is described by what its wires see where they are cut, and by nothing inside it, so
that two blocks are joined by eliminating the wires between them. Every join is a product of dense
matrices as large as the cut, for all blocks of all arrays at once: an array of N rows and columns
takes of the order of N³ operations, where elimination row by row takes N⁴. Nothing is iterated or
neglected. What a bank makes of the conductances is not decided here.

              top: current j out, voltage v          outputs = H inputs
                        │
    left: voltage v, ───┼─── right: current j out,   inputs  (v_left, j_right, j_top, v_bottom)
          current i in  │           voltage v        outputs (i_left, v_right, v_top, i_bottom)
                        │
              bottom: voltage v, current i in

H is symmetric by reciprocity, and finite for ideal wires and open cells, which neither an
admittance nor an impedance is.

Reference: Kirchhoff's laws; nested dissection (George, SIAM J. Numer. Anal. 10, 345, 1973).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

#: Rows or columns of the smallest blocks, with which an axis of any length is nearly filled.
_SMALLEST = (3, 4, 5)
#: Cells of the arrays that are joined together: the blocks of more would not stay in the cache.
_CELLS_TOGETHER = 2**15

_Moves = Sequence[tuple[slice, slice]]
"""Ports of a block that stay ports, and where they go in the joined block."""


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Equal blocks that tile arrays.

    Args:
        hybrid: H of each block, shape `(n_array, down, across, n_port, n_port)`; ports in the order
            left (`rows`), right (`rows`), top (`cols`), bottom (`cols`).
        rows: Rows of cells in a block.
        cols: Columns of cells in a block.
    """

    hybrid: Tensor
    rows: int
    cols: int


def transfer_conductance(cells: Tensor, r_row: float, r_col: float) -> Tensor:
    """Return the current that 1 V at each row sends into each grounded column.

    Args:
        cells: Conductance of each cell [S], shape `(…, n_in, n_out)`.
        r_row: Resistance of one segment of a row [Ohm].
        r_col: Resistance of one segment of a column [Ohm].

    Returns:
        Conductance [S], as `cells`.
    """
    if cells.numel() == 0:
        return cells
    n_in, n_out = cells.shape[-2:]
    together = max(1, _CELLS_TOGETHER // (n_in * n_out))
    parts = torch.split(cells.reshape(-1, n_in, n_out), together)
    return torch.cat([_joined(part, r_row, r_col) for part in parts]).reshape(cells.shape)


def _joined(arrays: Tensor, r_row: float, r_col: float) -> Tensor:
    """Return what `transfer_conductance` does, of arrays of shape `(n_array, n_in, n_out)`."""
    n_in, n_out = arrays.shape[-2:]
    rows, down = _tiling(n_in)
    cols, across = _tiling(n_out)
    # Open cells fill the blocks up, beyond the end of the rows and the head of the columns, where
    # wires carry no current.
    full = pad(arrays, (0, cols * across - n_out, rows * down - n_in, 0))
    tiles = full.reshape(-1, down, rows, across, cols).transpose(-3, -2)
    blocks = _Blocks(_smallest(tiles, r_row, r_col), rows, cols)
    while across > 1 or down > 2:
        if across > 1 and (blocks.cols <= blocks.rows or down <= 2):
            blocks, across = _beside(blocks), across // 2
        else:
            blocks, down = _stacked(blocks), down // 2
    found = _last(blocks) if down == 2 else _only(blocks)
    return found[:, -n_in:, :n_out]


def _tiling(size: int) -> tuple[int, int]:
    """Return the size of the smallest blocks along an axis, and their number, a power of two."""
    fitting = []
    for smallest in _SMALLEST:
        number = 1 << (-(-size // smallest) - 1).bit_length()
        fitting.append((smallest * number, smallest, number))
    _, smallest, number = min(fitting)
    return smallest, number


def _smallest(cells: Tensor, r_row: float, r_col: float) -> Tensor:
    """Return H of blocks of a few cells, by eliminating the currents of all cells at once.

    The voltage across a cell is `drive @ inputs - shared @ currents`: wires drop what all currents
    of a block drop on the segments that they share with the cell.

    Args:
        cells: Conductance of each cell [S], shape `(…, n_row, n_col)`.
        r_row: Resistance of one segment of a row [Ohm].
        r_col: Resistance of one segment of a column [Ohm].
    """
    n_row, n_col = cells.shape[-2:]
    each_row, each_col, each = (_one(size, cells) for size in (n_row, n_col, n_row * n_col))
    row, col = each_row.diagonal().cumsum(0) - 1.0, each_col.diagonal().cumsum(0) - 1.0
    in_row = r_row * (torch.minimum(col[:, None], col) + 1.0)
    in_col = r_col * (n_row - torch.maximum(row[:, None], row))
    shared = torch.kron(each_row, in_row) + torch.kron(in_col, each_col)
    of_row = each_row.repeat_interleave(n_col, dim=0)
    of_col = each_col.repeat(n_row, 1)
    to_left = r_row * (col + 1.0).repeat(n_row)[:, None]
    to_bottom = r_col * (n_row - row).repeat_interleave(n_col)[:, None]
    drive = torch.cat([of_row, -to_left * of_row, to_bottom * of_col, -of_col], dim=-1)

    g = cells.reshape(*cells.shape[:-2], n_row * n_col)
    across = torch.linalg.inv(each + g[..., None] * shared)
    with_cells: Tensor = drive.mT @ ((across * g[..., None, :]) @ drive)
    return _open(n_row, n_col, r_row, r_col).to(g) + with_cells


def _open(n_row: int, n_col: int, r_row: float, r_col: float) -> Tensor:
    """Return H of a block without cells: the wires alone."""
    row = torch.tensor([[0.0, 1.0], [1.0, -r_row * n_col]], dtype=torch.float64)
    col = torch.tensor([[-r_col * n_row, 1.0], [1.0, 0.0]], dtype=torch.float64)
    wires = torch.zeros(2 * (n_row + n_col), 2 * (n_row + n_col), dtype=torch.float64)
    wires[: 2 * n_row, : 2 * n_row] = torch.kron(row, _one(n_row, row))
    wires[2 * n_row :, 2 * n_row :] = torch.kron(col, _one(n_col, col))
    return wires


def _beside(blocks: _Blocks) -> _Blocks:
    """Join blocks with their neighbors on the right."""
    p, q = blocks.rows, blocks.cols
    left, right, top, bottom = _ports(p, q)
    new_left, new_right, new_top, new_bottom = _ports(p, 2 * q)
    (top_1, top_2), (bottom_1, bottom_2) = _halves(new_top), _halves(new_bottom)
    hybrid = _join(
        blocks.hybrid[:, :, 0::2],
        blocks.hybrid[:, :, 1::2],
        (right, left),
        [(left, new_left), (top, top_1), (bottom, bottom_1)],
        [(right, new_right), (top, top_2), (bottom, bottom_2)],
    )
    return _Blocks(hybrid, p, 2 * q)


def _stacked(blocks: _Blocks) -> _Blocks:
    """Join blocks with their neighbors below."""
    p, q = blocks.rows, blocks.cols
    left, right, top, bottom = _ports(p, q)
    new_left, new_right, new_top, new_bottom = _ports(2 * p, q)
    (left_1, left_2), (right_1, right_2) = _halves(new_left), _halves(new_right)
    hybrid = _join(
        blocks.hybrid[:, 1::2],
        blocks.hybrid[:, 0::2],
        (top, bottom),
        [(left, left_2), (right, right_2), (bottom, new_bottom)],
        [(left, left_1), (right, right_1), (top, new_top)],
    )
    return _Blocks(hybrid, 2 * p, q)


def _join(
    one: Tensor, other: Tensor, cut: tuple[slice, slice], moves: _Moves, other_moves: _Moves
) -> Tensor:
    """Return H of two blocks that share the ports of a cut.

    With P and Q for H of the two at the cut, the current c into the first and its voltage u are
    `u = a + P c` and `c = b + Q u`, a and b being due to the ports that stay. So with
    `F = (1 - P Q)⁻¹` it is `c = Q F a + Fᵀ b` and `u = F a + F P b`.

    Args:
        one: H of blocks that are cut at current inputs (right or top).
        other: H of their neighbors, cut at voltage inputs (left or bottom).
        cut: Ports of the cut, of `one` and of `other`.
        moves: Ports of `one` that stay.
        other_moves: Ports of `other` that stay.
    """
    p, q = one[..., cut[0], cut[0]], other[..., cut[1], cut[1]]
    f = torch.linalg.inv(_one(p.shape[-1], p) - p @ q)
    a = torch.cat([one[..., cut[0], port] for port, _ in moves], dim=-1)
    b = torch.cat([other[..., cut[1], port] for port, _ in other_moves], dim=-1)
    first, second = a.mT @ ((q @ f) @ a), b.mT @ ((f @ p) @ b)
    mutual = a.mT @ (f.mT @ b)

    joined = one.new_empty(*one.shape[:-2], a.shape[-1] + b.shape[-1], a.shape[-1] + b.shape[-1])
    for from_1, (port_1, new_1) in zip(_places(moves), moves, strict=True):
        for from_2, (port_2, new_2) in zip(_places(moves), moves, strict=True):
            joined[..., new_1, new_2] = one[..., port_1, port_2] + first[..., from_1, from_2]
        for from_2, (_, new_2) in zip(_places(other_moves), other_moves, strict=True):
            joined[..., new_1, new_2] = mutual[..., from_1, from_2]
            joined[..., new_2, new_1] = mutual[..., from_1, from_2].mT
    for from_1, (port_1, new_1) in zip(_places(other_moves), other_moves, strict=True):
        for from_2, (port_2, new_2) in zip(_places(other_moves), other_moves, strict=True):
            joined[..., new_1, new_2] = other[..., port_1, port_2] + second[..., from_1, from_2]
    return joined


def _last(blocks: _Blocks) -> Tensor:
    """Return the transfer conductance of two blocks, one above the other, that are an array.

    The ends of rows and the heads of columns carry no current, so that only the way from the left
    to the bottom is joined.
    """
    left, _, top, bottom = _ports(blocks.rows, blocks.cols)
    upper, lower = blocks.hybrid[:, 0, 0], blocks.hybrid[:, 1, 0]
    p, q = lower[:, top, top], upper[:, bottom, bottom]
    driven = torch.cat([upper[:, bottom, left], q @ lower[:, top, left]], dim=-1)
    entering = lower[:, bottom, top] @ torch.linalg.solve(_one(blocks.cols, p) - q @ p, driven)
    above, below = entering.split(blocks.rows, dim=-1)
    return -torch.cat([above, lower[:, bottom, left] + below], dim=-1).mT


def _only(blocks: _Blocks) -> Tensor:
    """Return the transfer conductance of blocks that are an array each."""
    left, _, _, bottom = _ports(blocks.rows, blocks.cols)
    return -blocks.hybrid[:, 0, 0, bottom, left].mT


def _one(size: int, like: Tensor) -> Tensor:
    return torch.eye(size, dtype=like.dtype, device=like.device)


def _ports(rows: int, cols: int) -> tuple[slice, slice, slice, slice]:
    """Return the places of the left, right, top and bottom ports of a block in H."""
    ends = (0, rows, 2 * rows, 2 * rows + cols, 2 * rows + 2 * cols)
    left, right, top, bottom = (slice(*ends[i : i + 2]) for i in range(4))
    return left, right, top, bottom


def _halves(places: slice) -> tuple[slice, slice]:
    middle = (places.start + places.stop) // 2
    return slice(places.start, middle), slice(middle, places.stop)


def _places(moves: _Moves) -> list[slice]:
    """Return where the ports that stay lie one behind the other."""
    places, end = [], 0
    for port, _ in moves:
        places.append(slice(end, end + port.stop - port.start))
        end = places[-1].stop
    return places
