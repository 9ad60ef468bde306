"""The cut of weight matrices into tiles, and into the folds that banks multiply one by one.

Every place that needs the rows and columns of a part of a matrix takes them from here. There are no
banks here, only the sizes of them: which part lies where is in `pnnsim.mapping.tiling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


def cut(length: int, size: int, *, start: int = 0) -> list[range]:
    """Return a length in pieces of one size, the last of which may be shorter.

    Args:
        length: End of the last piece.
        size: Size of a piece.
        start: Begin of the first piece.
    """
    return [range(at, min(at + size, length)) for at in range(start, length, size)]


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a matrix.

    Args:
        outputs: Its rows.
        inputs: Its columns.
    """

    outputs: range
    inputs: range

    @property
    def rows(self) -> slice:
        """Return its rows as an index."""
        return slice(self.outputs.start, self.outputs.stop)

    @property
    def columns(self) -> slice:
        """Return its columns as an index."""
        return slice(self.inputs.start, self.inputs.stop)

    def cut(self, rows: int, cols: int) -> list[Tile]:
        """Return the tiles of a size that make up this one, one row of them after the other.

        Args:
            rows: Outputs of each but the last.
            cols: Inputs of each but the last.
        """
        return [
            Tile(outputs, inputs)
            for outputs in cut(self.outputs.stop, rows, start=self.outputs.start)
            for inputs in cut(self.inputs.stop, cols, start=self.inputs.start)
        ]


@dataclass(frozen=True, slots=True)
class MatrixShape:
    """Shape of a stationary matrix.

    Args:
        outputs: Rows of the whole matrix.
        inputs: Columns of the whole matrix, over all groups.
        groups: Independent diagonal blocks; 1 for a dense matrix.
    """

    outputs: int
    inputs: int
    groups: int = 1

    @property
    def block(self) -> tuple[int, int]:
        """Return outputs and inputs of one group."""
        return self.outputs // self.groups, self.inputs // self.groups


@dataclass(frozen=True, slots=True)
class Fold:
    """The part of a matrix that a logical bank holds at a time.

    Args:
        tile: Its rows and columns, neighbors of each other in the whole matrix.
        blocks: Diagonal blocks that lie there; 1 where all of its cells may differ from 0.
    """

    tile: Tile
    blocks: int = 1


@lru_cache(maxsize=4096)
def folds_of(shape: MatrixShape, rows: int, cols: int) -> tuple[Fold, ...]:
    """Return the folds of a matrix on logical banks of a size.

    Folds run through the inputs of some outputs before they go on to other outputs. As many whole
    groups as fit lie on the diagonal of one fold; a group that is larger than a bank is cut.

    Args:
        shape: Shape of the matrix.
        rows: Outputs of a logical bank.
        cols: Inputs of a logical bank.
    """
    outputs, inputs = shape.block
    packed = min(rows // outputs, cols // inputs, shape.groups)
    if shape.groups == 1 or not packed:
        return tuple(
            Fold(tile)
            for group in range(shape.groups)
            for tile in Tile(
                range(group * outputs, (group + 1) * outputs),
                range(group * inputs, (group + 1) * inputs),
            ).cut(rows, cols)
        )
    return tuple(
        Fold(
            Tile(
                range(groups.start * outputs, groups.stop * outputs),
                range(groups.start * inputs, groups.stop * inputs),
            ),
            len(groups),
        )
        for groups in cut(shape.groups, packed)
    )
