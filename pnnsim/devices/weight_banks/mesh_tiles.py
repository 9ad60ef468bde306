"""Cut a matrix into the tiles of banks side by side, and join tiles to a matrix."""

from __future__ import annotations

import torch
from torch import Tensor


def cut_tiles(matrix: Tensor, tiles: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Return the tiles of a matrix, zero beyond its edges.

    Args:
        matrix: Shape `(n_out, n_in)`.
        tiles: Tiles that share inputs, and those that share outputs.
        size: Rows and columns of one tile.

    Returns:
        Shape `(*tiles, *size)`.
    """
    (down, across), (rows, cols) = tiles, size
    missing = (0, across * cols - matrix.shape[1], 0, down * rows - matrix.shape[0])
    padded = torch.nn.functional.pad(matrix, missing)
    return padded.reshape(down, rows, across, cols).transpose(1, 2)


def join_tiles(tiles: Tensor, shape: torch.Size) -> Tensor:
    """Return the matrix of which `cut_tiles` makes the tiles.

    Args:
        tiles: As returned by `cut_tiles`.
        shape: Shape of the matrix.
    """
    down, across, rows, cols = tiles.shape
    whole = tiles.transpose(1, 2).reshape(down * rows, across * cols)
    return whole[: shape[0], : shape[1]]
