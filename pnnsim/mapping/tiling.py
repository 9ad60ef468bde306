"""How many matrices the banks of a machine hold at once, and how they are cut to fit.

Which matrix lies where at which time is planned in `pnnsim.mapping.plan`; there is no physics of
banks here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pnnsim.errors import MappingError
from pnnsim.mapping.folding import Fold, MatrixShape, Tile, folds_of


@dataclass(frozen=True, slots=True)
class Content:
    """What one logical bank holds at a time: a whole matrix, or a fold of one.

    Args:
        matrix: Number of the matrix.
        number: Number of the fold among those of its matrix.
        fold: The part of the matrix.
    """

    matrix: int
    number: int
    fold: Fold


@dataclass(frozen=True)
class Mapping:
    """Matrices of a network on banks of one size.

    Tiles that lie side by side on as many physical banks are multiplied at once, their partial sums
    added behind the detector. Such a group is a *logical bank*. Where it does not hold a whole
    matrix, the matrix is *folded*: a step multiplies one fold after the other, each as large as a
    logical bank, and the sums of a sample are kept behind the detector until the last one.

    What a logical bank holds is numbered over all matrices, fold by fold: its *content*.

    Args:
        shapes: Shape of each matrix.
        count: Physical banks.
        rows: Outputs of one bank.
        cols: Inputs of one bank.
        parallel_tiles: Tiles of a logical bank that share inputs, and tiles that share outputs.
        repeated: Whether rows of a bank that would be spare repeat the outputs of the others.
    """

    shapes: tuple[MatrixShape, ...]
    count: int
    rows: int
    cols: int
    parallel_tiles: tuple[int, int]
    repeated: bool = False

    @cached_property
    def uniform(self) -> bool:
        """Return whether all matrices are dense and of one shape."""
        return self.shapes[0].groups == 1 and len(set(self.shapes)) == 1

    @property
    def weight_sets(self) -> int:
        """Return how many matrices there are."""
        return len(self.shapes)

    @property
    def grid(self) -> tuple[int, int]:
        """Return how many tiles the first matrix has down its outputs and across its inputs."""
        first = self.shapes[0]
        return -(-first.outputs // self.rows), -(-first.inputs // self.cols)

    @cached_property
    def most_tiles(self) -> int:
        """Return the tiles of the matrix that has most of them."""
        found = [0] * len(self.shapes)
        for content in self.contents:
            found[content.matrix] += len(content.fold.tile.cut(self.rows, self.cols))
        return max(found)

    @property
    def tiles(self) -> int:
        """Return how many physical banks make up a logical bank."""
        return self.parallel_tiles[0] * self.parallel_tiles[1]

    @property
    def sequential_tiles(self) -> tuple[int, int]:
        """Return how many folds of the first matrix follow each other down and across."""
        (down, across), (rows, cols) = self.grid, self.parallel_tiles
        return -(-down // rows), -(-across // cols)

    @cached_property
    def contents(self) -> tuple[Content, ...]:
        """Return what logical banks hold in turn, by number."""
        return tuple(
            Content(matrix, number, fold)
            for matrix in range(len(self.shapes))
            for number, fold in enumerate(self.folds_of(matrix))
        )

    @cached_property
    def first_contents(self) -> tuple[int, ...]:
        """Return the number of the first content of each matrix."""
        return tuple(n for n, content in enumerate(self.contents) if not content.number)

    @property
    def _bank(self) -> tuple[int, int]:
        """Return outputs and inputs for which a logical bank has cells."""
        return self.parallel_tiles[0] * self.rows, self.parallel_tiles[1] * self.cols

    def folds_of(self, matrix: int) -> tuple[Fold, ...]:
        """Return the folds of a matrix."""
        return folds_of(self.shapes[matrix], *self._bank)

    @cached_property
    def folds(self) -> int:
        """Return how many logical banks a matrix takes at most; 1 where each fits."""
        return 1 + max(content.number for content in self.contents)

    @cached_property
    def matrices(self) -> int:
        """Return how many contents logical banks hold in turn: all folds of all matrices."""
        return len(self.contents)

    def copies(self, fold: Fold) -> int:
        """Return how often a logical bank holds the rows of a fold: once, or as often as they fit.

        Rows are repeated within one physical bank.
        """
        return max(1, self.rows // len(fold.tile.outputs)) if self.repeated else 1

    @cached_property
    def outputs(self) -> int:
        """Return the outputs of a logical bank, repeated ones included."""
        if self.repeated:
            folds = (content.fold for content in self.contents)
            return max(self.copies(fold) * len(fold.tile.outputs) for fold in folds)
        return min(max(shape.outputs for shape in self.shapes), self._bank[0])

    @cached_property
    def inputs(self) -> int:
        """Return the inputs of a logical bank."""
        return min(max(shape.inputs for shape in self.shapes), self._bank[1])

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
        """Return what a logical bank must hold at each product, shape `(n_product,)`.

        Args:
            order: Matrix of each step, shape `(n_step,)`.
        """
        firsts = self.first_contents
        return tuple(firsts[k] + fold for k in order for fold in range(len(self.folds_of(k))))

    def bank_tiles(self, content: int) -> list[tuple[int, Tile]]:
        """Return each tile of a content, and the place of its bank in the logical bank.

        A bank whose place is beyond the edge of the matrix holds none.
        """
        whole, across = self.contents[content].fold.tile, self.parallel_tiles[1]
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


def map_matrices(
    shapes: Sequence[MatrixShape],
    *,
    count: int,
    rows: int,
    cols: int,
    parallel_tiles: int | None = None,
) -> Mapping:
    """Map matrices on the banks of a machine, each row once.

    Dense matrices of one shape: as many tiles as are allowed lie side by side, so that a matrix
    takes as few folds as possible; of the ways to do so, that with the fewest banks, and of these
    the one that adds the fewest partial sums.

    Others: where there is a way to keep all of them resident, the one of these with the fewest
    folds. Otherwise each tile is multiplied by itself, as a group of banks would be filled by few
    of them, unless `parallel_tiles` limits groups to so many.

    Args:
        shapes: Shape of each matrix.
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
    every = tuple(shapes)
    highest = -(-max(shape.outputs for shape in every) // rows)
    widest = -(-max(shape.inputs for shape in every) // cols)

    def with_inputs(across: int) -> Mapping:
        """Return the mapping whose logical banks have some tiles that share outputs."""
        # No taller than it takes for as few sequential tiles.
        rounds = -(-highest // min(highest, most // across))
        return Mapping(every, count, rows, cols, parallel_tiles=(-(-highest // rounds), across))

    ways = [with_inputs(across) for across in range(1, min(most, widest) + 1)]
    if ways[0].uniform:
        return min(ways, key=lambda way: (way.folds, way.tiles, way.sequential_tiles[1]))
    single = Mapping(every, count, rows, cols, parallel_tiles=(1, 1))
    lying = [way for way in (single, *ways) if way.resident]
    if not lying and parallel_tiles is None:
        return single
    return min(lying or ways, key=lambda way: (way.matrices, way.tiles, way.parallel_tiles[1]))


def map_network(
    *,
    hidden: int,
    weight_sets: int,
    count: int,
    rows: int,
    cols: int,
    parallel_tiles: int | None = None,
) -> Mapping:
    """Map square matrices of one size, as `map_matrices`.

    Args:
        hidden: Width N of the square matrices.
        weight_sets: Distinct matrices, L_W.
        count: Physical banks.
        rows: Outputs of one bank.
        cols: Inputs of one bank.
        parallel_tiles: As for `map_matrices`.
    """
    return map_matrices(
        (MatrixShape(hidden, hidden),) * weight_sets,
        count=count,
        rows=rows,
        cols=cols,
        parallel_tiles=parallel_tiles,
    )
