"""Cut matrices and lines into the folds that logical banks multiply, and add up what comes back.

Rows that a bank repeats are averaged behind the detector, where partial sums are added.

Beyond the edge of a matrix a fold has weight 0, its lines are dark, and what its detectors see is
left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from pnnsim.mapping.folding import Fold
from pnnsim.mapping.tiling import Mapping


def bank_targets(weights: Tensor | Sequence[Tensor], mapping: Mapping) -> Tensor | Sequence[Tensor]:
    """Return what logical banks hold in turn, each of shape `(n_out, n_in)`.

    Args:
        weights: Weights of each matrix, shape `(n_output, n_input / groups)`.
        mapping: How they are cut.
    """
    if mapping.uniform and mapping.folds == 1 and not mapping.repeated:
        return weights
    return [
        _bank_target(weights[content.matrix], content.fold, mapping) for content in mapping.contents
    ]


def _bank_target(weight: Tensor, fold: Fold, mapping: Mapping) -> Tensor:
    """Return a fold of a matrix on a logical bank, shape `(n_out, n_in)`."""
    rows, fan_in = weight[fold.tile.rows], weight.shape[1]
    if fold.blocks > 1:
        held = torch.block_diag(*rows.chunk(fold.blocks))  # type: ignore[no-untyped-call]
    else:
        # The columns of a group are numbered over all groups, its weights from 0.
        first = fold.tile.inputs.start % fan_in
        held = rows[:, first : first + len(fold.tile.inputs)]
    held = held.repeat(mapping.copies(fold), 1)
    return pad(held, (0, mapping.inputs - held.shape[1], 0, mapping.outputs - held.shape[0]))


def fold_lines(line: Tensor, fold: Fold, mapping: Mapping) -> Tensor:
    """Return what the lines of a logical bank carry, shape `(..., n_in)`.

    Args:
        line: The whole vector on lines, shape `(..., n_input)`.
        fold: Which fold is multiplied.
        mapping: How matrices are cut.
    """
    if line.shape[-1] == mapping.inputs and len(fold.tile.inputs) == mapping.inputs:
        return line
    mine = line[..., fold.tile.columns]
    return pad(mine, (0, mapping.inputs - mine.shape[-1]))


def averaged(captured: Tensor, fold: Fold, mapping: Mapping) -> Tensor:
    """Return what was captured of a fold with the mean of each row that is repeated.

    Args:
        captured: Shape `(..., n_out)`.
        fold: The fold.
        mapping: How matrices are cut.
    """
    copies, rows = mapping.copies(fold), len(fold.tile.outputs)
    if copies == 1:
        return captured
    split = captured[..., : copies * rows].reshape(*captured.shape[:-1], copies, rows)
    return split.mean(dim=-2)


def unfold_product(sums: Sequence[Tensor], folds: Sequence[Fold], outputs: int) -> Tensor:
    """Return the whole product, shape `(..., n_output)`.

    Args:
        sums: What was captured in each fold, each of shape `(..., n_out)`.
        folds: The folds.
        outputs: Rows of the matrix.
    """
    if len(folds) == 1:
        return sums[0][..., :outputs]
    parts: dict[range, list[Tensor]] = {}
    for captured, fold in zip(sums, folds, strict=True):
        rows = fold.tile.outputs
        parts.setdefault(rows, []).append(captured[..., : len(rows)])
    return torch.cat([torch.stack(each).sum(dim=0) for each in parts.values()], dim=-1)
