"""The cut of weight matrices into tiles, and how many weight sets the banks hold at once.

Every place that needs the rows and columns of a part of a matrix takes them from here. Which matrix
lies where at which time is planned in `pnnsim.mapping.plan`; there is no physics of banks here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pnnsim.errors import MappingError


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
class Mapping:
    """The square matrices of a network on banks of one size.

    Tiles that lie side by side on as many physical banks are multiplied at once, their partial sums
    added behind the detector. Such a group is a *logical bank*. Where it does not hold a whole
    matrix, the matrix is *folded*: a step multiplies one fold after the other, each as large as a
    logical bank, and the sums of a sample are kept behind the detector until the last one.

    What a logical bank holds is numbered over all weight sets, `k * folds + fold`. Folds run
    through the inputs of some outputs before they go on to other outputs.

    Args:
        hidden: Width N of the matrices.
        weight_sets: Distinct matrices of the network, L_W.
        count: Physical banks.
        rows: Outputs of one bank.
        cols: Inputs of one bank.
        parallel_tiles: Tiles of a logical bank that share inputs, and tiles that share outputs.
    """

    hidden: int
    weight_sets: int
    count: int
    rows: int
    cols: int
    parallel_tiles: tuple[int, int]

    @property
    def grid(self) -> tuple[int, int]:
        """Return how many tiles a matrix has down its outputs and across its inputs."""
        return -(-self.hidden // self.rows), -(-self.hidden // self.cols)

    @property
    def tiles(self) -> int:
        """Return how many physical banks make up a logical bank."""
        return self.parallel_tiles[0] * self.parallel_tiles[1]

    @property
    def sequential_tiles(self) -> tuple[int, int]:
        """Return how many folds follow each other down the outputs and across the inputs."""
        (down, across), (rows, cols) = self.grid, self.parallel_tiles
        return -(-down // rows), -(-across // cols)

    @property
    def folds(self) -> int:
        """Return how many logical banks a matrix takes, one after the other; 1 where it fits."""
        return self.sequential_tiles[0] * self.sequential_tiles[1]

    @property
    def matrices(self) -> int:
        """Return how many matrices logical banks hold in turn: weight sets times folds."""
        return self.weight_sets * self.folds

    @property
    def outputs(self) -> int:
        """Return the outputs of a logical bank."""
        return min(self.hidden, self.parallel_tiles[0] * self.rows)

    @property
    def inputs(self) -> int:
        """Return the inputs of a logical bank."""
        return min(self.hidden, self.parallel_tiles[1] * self.cols)

    @property
    def logical(self) -> int:
        """Return how many matrices the machine can hold at once."""
        return self.count // self.tiles

    @property
    def used(self) -> int:
        """Return how many logical banks ever hold weights."""
        return min(self.logical, self.matrices)

    @property
    def resident(self) -> bool:
        """Return whether every matrix keeps a logical bank of its own."""
        return self.matrices <= self.logical

    def folded(self, order: Sequence[int]) -> tuple[int, ...]:
        """Return what a logical bank must hold at each product, shape `(steps * folds,)`.

        Args:
            order: Weight set of each step, k(t), shape `(steps,)`.
        """
        return tuple(k * self.folds + fold for k in order for fold in range(self.folds))

    def fold_tile(self, fold: int) -> Tile:
        """Return the part of a matrix in one fold."""
        down, across = divmod(fold, self.sequential_tiles[1])
        outputs, inputs = cut(self.hidden, self.outputs), cut(self.hidden, self.inputs)
        return Tile(outputs[down], inputs[across])

    def bank_tiles(self, fold: int) -> list[tuple[int, Tile]]:
        """Return each tile of a fold, and the place of its bank in the logical bank.

        A bank whose place is beyond the edge of the matrix holds none.
        """
        whole, across = self.fold_tile(fold), self.parallel_tiles[1]
        top, left = whole.outputs.start, whole.inputs.start

        def place(tile: Tile) -> int:
            down, right = tile.outputs.start - top, tile.inputs.start - left
            return down // self.rows * across + right // self.cols

        return [(place(tile), tile) for tile in whole.cut(self.rows, self.cols)]

    def writers(self, write_drivers: int) -> int:
        """Return how many logical banks can be written side by side."""
        return max(1, write_drivers // self.tiles)

    def write_rounds(self, write_drivers: int) -> int:
        """Return how many writes one after the other fill one logical bank."""
        return -(-self.tiles // write_drivers)

    def physical_banks(self, bank: int) -> range:
        """Return the physical banks that make up a logical bank, in the order of the tiles."""
        return range(bank * self.tiles, (bank + 1) * self.tiles)


def map_network(
    *,
    hidden: int,
    weight_sets: int,
    count: int,
    rows: int,
    cols: int,
    parallel_tiles: int | None = None,
) -> Mapping:
    """Map the weight sets of a network on the banks of a machine.

    As many tiles as are allowed lie side by side, so that a matrix takes as few folds as possible;
    of the ways to do so, that with the fewest banks, and of these the one that adds the fewest
    partial sums.

    Args:
        hidden: Width N of the square matrices.
        weight_sets: Distinct matrices, L_W.
        count: Physical banks.
        rows: Outputs of one bank.
        cols: Inputs of one bank.
        parallel_tiles: Most tiles that are multiplied at once; as many as there are banks where not
            given.

    Raises:
        MappingError: More tiles are to be multiplied at once than there are banks.
    """
    if parallel_tiles is not None and parallel_tiles > count:
        raise MappingError(
            f"control.parallel_tiles: got {parallel_tiles} with {count} banks; expected at most "
            f"{count}. Hint: lower control.parallel_tiles or raise weight_banks.count"
        )
    most = count if parallel_tiles is None else parallel_tiles

    def with_inputs(across: int) -> Mapping:
        """Return the mapping whose logical banks have some tiles that share outputs."""
        wide = Mapping(hidden, weight_sets, count, rows, cols, parallel_tiles=(1, across))
        down = wide.grid[0]
        # No taller than it takes for as few turns.
        turns = -(-down // min(down, most // across))
        return Mapping(
            hidden, weight_sets, count, rows, cols, parallel_tiles=(-(-down // turns), across)
        )

    widest = min(most, -(-hidden // cols))
    ways = [with_inputs(across) for across in range(1, widest + 1)]
    return min(ways, key=lambda way: (way.folds, way.tiles, way.sequential_tiles[1]))
