"""Cut matrices and lines into the folds that logical banks multiply, and add up what comes back.

Beyond the edge of a matrix a fold has weight 0, its lines are dark, and what its detectors see is
left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from pnnsim.mapping.tiling import Mapping


def fold_weights(weight: Tensor, mapping: Mapping) -> Tensor:
    """Return what logical banks hold in turn, shape `(n_matrix, n_out, n_in)`.

    Args:
        weight: Weight sets, shape `(n_layer, n_hidden, n_hidden)`.
        mapping: How they are cut.
    """
    if mapping.folds == 1:
        return weight
    folds = [
        pad(
            weight[:, tile.rows, tile.columns],
            (0, mapping.inputs - len(tile.inputs), 0, mapping.outputs - len(tile.outputs)),
        )
        for tile in map(mapping.fold_tile, range(mapping.folds))
    ]
    return torch.stack(folds, dim=1).reshape(mapping.matrices, mapping.outputs, mapping.inputs)


def fold_lines(line: Tensor, fold: int, mapping: Mapping) -> Tensor:
    """Return what the lines of a logical bank carry, shape `(batch, n_in)`.

    Args:
        line: The whole state on lines, shape `(batch, n_hidden)`.
        fold: Which fold is multiplied.
        mapping: How matrices are cut.
    """
    if mapping.folds == 1:
        return line
    mine = line[:, mapping.fold_tile(fold).columns]
    return pad(mine, (0, mapping.inputs - mine.shape[1]))


def unfold_product(sums: Sequence[Tensor], mapping: Mapping) -> Tensor:
    """Return the whole product, shape `(batch, n_hidden)`.

    Args:
        sums: What was captured in each fold, each of shape `(batch, n_out)`.
        mapping: How matrices are cut.
    """
    if mapping.folds == 1:
        return sums[0]
    _, across = mapping.sequential_tiles
    outputs = [
        torch.stack(list(sums[first : first + across])).sum(dim=0)
        for first in range(0, mapping.folds, across)
    ]
    return torch.cat(outputs, dim=1)[:, : mapping.hidden]
