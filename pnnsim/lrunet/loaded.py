"""Trained LruNet on a machine: weights of tiles, digital numbers, and ranges of lines.

A line carries a number between 0 and 1 (or between -1 and 1, where it is a field or a voltage), so
a map is scaled to its range, which is fixed once on training images: `line = (x - offset) / span`.
A tile holds weights in [-1, 1], scaled by its largest. Ahead of the converter stands one electronic
gain for each application of a convolution, set so that training images just fill the converter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pnnsim.errors import ParameterError
from pnnsim.inference.accesses import NO_SYMBOL, UNWRITTEN, AccessTable
from pnnsim.inference.inputs import as_inputs
from pnnsim.lrunet.machine import Machine
from pnnsim.lrunet.passes import CHUNK, Pass, mean_and_spread, patches
from pnnsim.lrunet.program import Application
from pnnsim.lrunet.tiling import tile_weights
from pnnsim.networks.lrunet_folded import fold
from pnnsim.networks.lrunet_module import LruModule


@dataclass(frozen=True, slots=True)
class Range:
    """Scaling of one application of a convolution to the ranges of lines and converter.

    Args:
        offset: Value of the map at dark.
        span: Value at full scale, less `offset`.
        gain: Electronic gain ahead of the converter.
    """

    offset: float
    span: float
    gain: float


class Loaded:
    """Trained LruNet as the banks and the digital engine of a machine store it.

    Args:
        machine: Machine.
        module: Trained network; its running statistics count, as in evaluation mode.
        x: Training images by which ranges are fixed, shape `(batch, pixels)` or
            `(batch, channels, side, side)`.
        dtype: Type in which the machine is evaluated.

    Raises:
        InputError: If the images are not finite numbers of such a shape.
        ParameterError: If the module is of another network than the machine was made for.
    """

    def __init__(
        self,
        machine: Machine,
        module: LruModule,
        x: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if module.network != machine.program.network:
            raise ParameterError(
                f"the module is of {module.network}; the machine was made for "
                f"{machine.program.network}"
            )
        self.machine = machine
        self.dtype = dtype
        self.folded = fold(module)
        self.scales: dict[int, float] = {}
        self.weight = self._tiles()
        self.full_scale = float(machine.chip.nonlinearity.range[1])
        # A field can be negative and an intensity cannot: -1 marks the difference.
        minus = torch.tensor([[-1.0]], dtype=torch.float64)
        lowest = machine.chip.encoder.encode(minus, converted=False, active=frozenset())
        self.signed = float(lowest) < 0.0
        pixels = machine.program.network.channels * machine.program.network.side**2
        calibration = _Calibration(self)
        with torch.no_grad():
            for images in torch.split(x.double(), CHUNK):
                calibration.run(as_inputs(images, pixels, images))
        self.ranges = calibration.ranges()
        #: Mean and spread of each channel of each application, over the first of those images.
        self.statistics = calibration.statistics
        self.images = as_inputs(x[:CHUNK], pixels, torch.empty(0, dtype=dtype))

    def _tiles(self) -> Tensor:
        """Return the weights of every tile as a bank holds them, shape `(n_tile, rows, cols)`."""
        program = self.machine.program
        stack = np.zeros((program.tile_count, program.rows, program.cols))
        for application in program.applications:
            tiles = program.tiles_of[application.conv.name]
            weight = self.folded[application.conv.name].weight.numpy()
            for number, tile in zip(application.tiles, tiles, strict=True):
                values = tile_weights(tile, application.conv, weight)
                scale = float(np.abs(values).max()) or 1.0
                stack[number, : values.shape[0], : values.shape[1]] = values / scale
                self.scales[number] = scale
        return torch.from_numpy(stack)

    @cached_property
    def accesses(self) -> AccessTable:
        """Return the state of bank and switch at each access, once everything has settled."""
        machine = self.machine
        planned, used = machine.accesses, machine.chip.mapping.used
        steps = len(planned)
        bank = np.array([[access.bank for access in planned]], np.int64)
        tile = np.array([[access.weight_set for access in planned]], np.int64)
        contents = np.full((1, steps, used), UNWRITTEN, np.int64)
        held = np.array(machine.held_before(), np.int64)
        for step, access in enumerate(planned):
            held[access.bank] = access.weight_set
            contents[0, step] = held
        settled = np.full((1, steps), np.inf)
        return AccessTable(
            bank=bank,
            contents=contents,
            replaced=tile,
            previous_bank=bank,
            # Programmings with errors of their own, beyond those of the set-up.
            write=used + tile,
            since_write_s=settled,
            dwell_s=settled,
            held_s=np.zeros((1, steps)),
            time_fs=np.zeros((1, steps), np.int64),
            begun_fs=np.zeros((1, steps), np.int64),
            symbol_offset=np.zeros((1, steps), np.int64),
            symbol_back=np.full((1, steps), NO_SYMBOL, np.int64),
        )


class _Calibration(Pass):
    """Exact pass that records the range of maps and of the sums of each tile."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded.machine.program, loaded.folded)
        self._loaded = loaded
        self._maps: dict[int, tuple[float, float]] = {}
        self._sums: dict[int, tuple[Tensor, Tensor]] = {}
        self.statistics: dict[int, tuple[Tensor, Tensor]] = {}

    def convolve(self, application: Application, first: int, x: Tensor) -> Tensor:
        """Return the exact convolution."""
        conv, loaded = application.conv, self._loaded
        # A padded map holds zeros, so that 0 is always within the range.
        low, high = self._maps.get(first, (0.0, 0.0))
        self._maps[first] = min(low, float(x.min())), max(high, float(x.max()))
        values = patches(application, x)
        tiles = self.program.tiles_of[conv.name]
        for step, (number, tile) in enumerate(
            zip(application.tiles, tiles, strict=True), start=first
        ):
            weight = loaded.weight[number, : len(tile.outputs), : len(tile.inputs)]
            sums = values[:, torch.from_numpy(tile.inputs)] @ weight.T
            least, most = sums.amin(dim=0), sums.amax(dim=0)
            if step in self._sums:
                least = torch.minimum(least, self._sums[step][0])
                most = torch.maximum(most, self._sums[step][1])
            self._sums[step] = least, most
        weight = self.folded[conv.name].weight
        y = functional.conv2d(
            x, weight, stride=conv.stride, padding=conv.kernel // 2, groups=conv.groups
        )
        self.statistics.setdefault(first, mean_and_spread(y))
        return y

    def ranges(self) -> dict[int, Range]:
        """Return the range of each application, by the number of its first access."""
        found = {}
        first = 0
        for application in self.program.applications:
            low, high = self._maps[first]
            if self._loaded.signed:
                offset, span = 0.0, max(-low, high)
            else:
                offset, span = low, high - low
            span = span or 1.0
            reach = 0.0
            for step, number in enumerate(application.tiles, start=first):
                least, most = self._sums[step]
                constant = offset * self._loaded.weight[number, : len(least)].sum(dim=1)
                reach = max(reach, float((most - constant).max()), float((constant - least).max()))
            gain = self._loaded.full_scale * span / reach if reach else 1.0
            found[first] = Range(offset, span, gain)
            first += len(application.tiles)
        return found
