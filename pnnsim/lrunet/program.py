"""Work of an LruNet on a machine of banks: which tile is accessed when, by how many patches.

Each application of a convolution is a row of accesses: all patches of the image access its first
tile, then its second, and so on; partial sums are added behind the converter. Everything between
two convolutions is digital: batch norm is a gain and a shift for each channel, and skip, ReLU,
shuffle and pooling need no weights. There are no times, no prices and no numbers of weights here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pnnsim.errors import MappingError
from pnnsim.lrunet.tiling import Tile, tiles
from pnnsim.networks.lrunet import STAGES, Convolution, LruNet, halved
from pnnsim.networks.relaxnet import ReLaXNet

#: Most accesses and tiles that a schedule can number.
_MOST = 100_000

#: Comparisons of a pool of 3 x 3.
_POOL = 9


@dataclass(frozen=True, slots=True)
class Application:
    """One application of a convolution.

    Args:
        conv: The convolution.
        repetition: Which of its N applications, from 0.
        tiles: Its tiles, as numbers over all tiles of the program.
        digital: Operations of the digital engine behind it, for one image: each counts as one
            multiply-accumulate.
        values: Numbers that the memory holds meanwhile, for one image.
    """

    conv: Convolution
    repetition: int
    tiles: range
    digital: int
    values: int


@dataclass(frozen=True)
class Program:
    """Tiles of a network, and the order in which an image accesses them.

    Args:
        network: What is computed.
        rows: Outputs of one bank.
        cols: Inputs of one bank.
        shared: Whether all repetitions use the same tiles. If not, each has a copy of its own, as a
            network without layer reuse has: the same work with N times as many weights.
    """

    network: LruNet
    rows: int
    cols: int
    shared: bool = True

    @cached_property
    def tiles_of(self) -> dict[str, tuple[Tile, ...]]:
        """Return the tiles of each convolution, by its name."""
        return {
            conv.name: tiles(conv, self.rows, self.cols) for conv in self.network.convolutions()
        }

    @cached_property
    def applications(self) -> tuple[Application, ...]:
        """Return the work in the order of an image's way through the network."""
        convolutions = {conv.name: conv for conv in self.network.convolutions()}
        first: dict[tuple[str, int], int] = {}
        number = 0
        for name, conv in convolutions.items():
            for copy in range(1 if self.shared else conv.repetitions):
                first[name, copy] = number
                number += len(self.tiles_of[name])
        found = []
        for name, repetition in _sequence(self.network):
            conv = convolutions[name]
            begin = first[name, 0 if self.shared else repetition]
            place = range(begin, begin + len(self.tiles_of[name]))
            last = repetition + 1 == conv.repetitions
            digital = self._digital(conv, last=last)
            found.append(Application(conv, repetition, place, digital, _values(conv)))
        return tuple(found)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Return the tile of each access, shape `(n_access,)`."""
        return tuple(tile for application in self.applications for tile in application.tiles)

    @property
    def tile_count(self) -> int:
        """Return how many tiles there are, copies counted."""
        return max(self.order) + 1

    @property
    def patches(self) -> int:
        """Return the samples of one image: patches, over all accesses."""
        return sum(a.conv.patches * len(a.tiles) for a in self.applications)

    def states(self, lines: int) -> int:
        """Return the samples of state that the memory must hold for one image."""
        return max(-(-application.values // lines) for application in self.applications)

    def machine_order(self) -> ReLaXNet:
        """Return the work as a ReLaX-Net, from which parts take sizes and schedules their order.

        A tile is a weight set and an access is a step; the width is that of one bank.

        Raises:
            MappingError: If banks are not square, or there is too much to number.
        """
        if self.rows != self.cols:
            raise MappingError(
                f"weight_banks: an LruNet runs on square banks, got {self.rows} x {self.cols}; "
                "expected as many rows as cols"
            )
        if len(self.order) > _MOST or self.tile_count > 4096:
            raise MappingError(
                f"network: an LruNet of {self.tile_count} tiles and {len(self.order)} accesses is "
                f"too large; expected at most 4096 and {_MOST}. Hint: larger banks or fewer "
                "repetitions"
            )
        return ReLaXNet(
            inputs=self.cols,
            hidden=self.rows,
            outputs=self.network.classes,
            weight_sets=self.tile_count,
            steps=len(self.order),
            order=self.order,
        )

    def _digital(self, conv: Convolution, *, last: bool) -> int:
        """Return the operations behind one application, for one image.

        Each row of each tile is scaled and added to its sum; each output gets a gain and a shift
        (batch norm or bias) and is scaled to what the lines carry next. Then come skip and ReLU,
        and where a stage ends its pool.
        """
        added = sum(len(tile.outputs) for tile in self.tiles_of[conv.name]) * conv.patches
        outputs = conv.outputs * conv.patches
        operations = added + 2 * outputs
        stage, _, kind = conv.name.partition(".")
        if kind != "depthwise":
            operations += outputs  # ReLU
        if kind == "pointwise":
            operations += outputs  # skip
            if last and stage != "stage3":
                operations += _POOL * conv.outputs * halved(conv.side) ** 2
        if kind == "classify":
            operations += outputs  # mean over the map
        return operations


def _sequence(network: LruNet) -> list[tuple[str, int]]:
    """Return convolution and repetition in the order of work."""
    found = [("stem", 0)]
    for number in range(1, STAGES + 1):
        for repetition in range(network.repetitions):
            found.append((f"stage{number}.depthwise", repetition))
            found.append((f"stage{number}.pointwise", repetition))
    return [*found, ("head.reduce", 0), ("head.classify", 0)]


def _values(conv: Convolution) -> int:
    """Return the numbers that are kept while a convolution runs: input, output, and the skip."""
    side_in = conv.side * conv.stride
    kept = conv.inputs * side_in**2 + conv.outputs * conv.patches
    if conv.name.endswith(".pointwise"):
        kept += conv.outputs * conv.patches
    return kept
