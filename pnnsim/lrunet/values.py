"""Compute what an LruNet answers on a chip, tile by tile, with the parts that the chip has.

A line carries a number between 0 and 1 (or between -1 and 1, where it is a field or a voltage), so
a map is scaled to its range, which is fixed once on training images: `line = (x - offset) / span`.
What the offset adds to a sum, `offset * sum of the weights`, is known beforehand: the digital
engine takes the ideal weights for it and makes it a part of the shift that batch norm adds. So an
error of a weight also acts on the constant, and shifts a whole channel. Where a chip is asked to
measure its own batch norm (`recalibrated`), this and every other error of a channel's mean and
spread is removed: gains and shifts are digital, and each repetition has its own.

A tile holds weights in [-1, 1], scaled by its largest. Ahead of the converter stands one electronic
gain for each application of a convolution, set so that training images just fill the converter.

A chip programs each tile once here: where banks are rewritten, a tile has the same error each time.
Banks and switch have settled when patches come, as the schedule waits for them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pnnsim.chip import Chip
from pnnsim.components.base import Active
from pnnsim.errors import ParameterError
from pnnsim.lrunet.folded import fold
from pnnsim.lrunet.machine import Machine
from pnnsim.lrunet.module import LruModule, doubled, pool, shuffle
from pnnsim.lrunet.network import STAGES
from pnnsim.lrunet.program import Application
from pnnsim.lrunet.tiling import tile_weights
from pnnsim.products import BankProducts
from pnnsim.programmed import Programmed, Read
from pnnsim.rng import stream
from pnnsim.visits import NO_SYMBOL, UNWRITTEN, Visits

#: Images that are evaluated at once.
_CHUNK = 64

#: Least spread of a channel that is measured, over the largest: silent channels stay so.
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Range:
    """Scale one application of a convolution to what lines and converter can carry.

    Args:
        offset: Value of the map at dark.
        span: Value at full scale, less `offset`.
        gain: Electronic gain ahead of the converter.
    """

    offset: float
    span: float
    gain: float


class Loaded:
    """Hold a trained LruNet as a machine's banks and digital engine hold it.

    Args:
        machine: Machine.
        module: Trained network; its running statistics count, as in evaluation mode.
        x: Training images by which ranges are fixed, shape `(batch, pixels)`.
        dtype: Type in which the machine is evaluated.

    Raises:
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
        # A field can be negative and an intensity cannot: ask what becomes of -1.
        minus = torch.tensor([[-1.0]], dtype=torch.float64)
        lowest = machine.chip.encoder.encode(minus, converted=False, active=frozenset())
        self.signed = float(lowest) < 0.0
        calibration = _Calibration(self)
        with torch.no_grad():
            for images in torch.split(x.double(), _CHUNK):
                calibration.run(images)
        self.ranges = calibration.ranges()
        #: Mean and spread of each channel of each application, over the first of those images.
        self.statistics = calibration.statistics
        self.images = x[:_CHUNK]

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
    def visits(self) -> Visits:
        """Return what every patch meets in each visit, once everything has settled."""
        machine = self.machine
        planned, used = machine.visits, machine.chip.mapping.used
        steps = len(planned)
        bank = np.array([[visit.bank for visit in planned]], np.int64)
        tile = np.array([[visit.weight_set for visit in planned]], np.int64)
        contents = np.full((1, steps, used), UNWRITTEN, np.int64)
        held = np.array(machine.held_before(), np.int64)
        for step, visit in enumerate(planned):
            held[visit.bank] = visit.weight_set
            contents[0, step] = held
        settled = np.full((1, steps), np.inf)
        return Visits(
            bank=bank,
            contents=contents,
            replaced=tile,
            previous_bank=bank,
            # Programmings with an error of their own, beyond those of the set-up.
            write=used + tile,
            since_write_s=settled,
            dwell_s=settled,
            held_s=np.zeros((1, steps)),
            time_s=np.zeros((1, steps)),
            symbol_offset=np.zeros((1, steps), np.int64),
            symbol_back=np.full((1, steps), NO_SYMBOL, np.int64),
        )


def outputs(
    loaded: Loaded,
    chip: Chip,
    x: Tensor,
    *,
    without: Active = frozenset(),
    noise: bool = True,
    recalibrated: bool = False,
) -> Tensor:
    """Return what one chip answers with all of its imperfections but some.

    Args:
        loaded: The network on the machine.
        chip: `loaded.machine.chip`, or a fabricated one of it.
        x: Images, shape `(batch, pixels)`.
        without: Names of imperfections to switch off.
        noise: Whether reading is noisy, programming misses and the temperature is off; a nominal
            chip without them is what training can know.
        recalibrated: Whether the chip first measures its batch norms: mean and spread of each
            channel, on up to 64 of the training images by which ranges were fixed.

    Returns:
        A number for each class, shape `(batch, classes)`.
    """
    active = chip.imperfections - without
    if noise:
        generator = stream(chip.seed, f"{chip.name}.detector", "read")
        banks = chip.weight_banks
        environment = tuple(
            banks.environment(
                None, 0.0, stream(chip.seed, f"{chip.name}.weight_banks.{bank}.environment", "read")
            )
            for bank in range(chip.mapping.used)
        )
        read = Read(active, generator, environment, programmed=True)
    else:
        read = Read(active & chip.deterministic)
    on_chip = _OnChip(loaded, chip, read)
    with torch.no_grad():
        if recalibrated:
            on_chip.measures = True
            on_chip.run(loaded.images.to(loaded.dtype))
            on_chip.measures = False
        return torch.cat(
            [on_chip.run(images.to(loaded.dtype)) for images in torch.split(x, _CHUNK)]
        )


def ideal_outputs(loaded: Loaded, x: Tensor) -> Tensor:
    """Return what a chip without any imperfection answers."""
    chip = loaded.machine.chip
    return outputs(loaded, chip, x, without=chip.imperfections, noise=False)


class _Pass(ABC):
    """Carry images through all applications; how a convolution is computed is left open."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.program = loaded.machine.program

    @abstractmethod
    def convolve(self, application: Application, first: int, x: Tensor) -> Tensor:
        """Return the convolution of maps, `first` being the number of its first visit."""

    def norm(self, application: Application, first: int, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return gain and shift of each channel behind a convolution that gave `y`."""
        folded = self.loaded.folded[application.conv.name]
        return folded.gain[application.repetition], folded.shift[application.repetition]

    def run(self, x: Tensor) -> Tensor:
        """Return a number for each class for a few images."""
        network = self.program.network
        applied = self._applied()
        x = x.reshape(len(x), network.channels, network.side, network.side)
        x = functional.relu(next(applied)(x))
        if network.width == 2:
            x = doubled(x)
        for stage in range(1, STAGES + 1):
            for repetition in range(network.repetitions):
                mixed = next(applied)(x)
                x = functional.relu(next(applied)(mixed) + x)
                if repetition + 1 < network.repetitions:
                    x = shuffle(x)
            if stage != STAGES - 1:
                x = pool(x)
            if stage != STAGES:
                x = doubled(x)
        x = functional.relu(next(applied)(x))
        return functional.relu(next(applied)(x)).mean(dim=(2, 3))

    def _applied(self) -> Iterator[_Applied]:
        """Yield each application as a function of maps: convolution, gain and shift."""
        first = 0
        for application in self.program.applications:
            yield _Applied(self, application, first)
            first += len(application.tiles)


@dataclass(frozen=True, slots=True)
class _Applied:
    """Be one application: a convolution and the batch norm behind it."""

    by: _Pass
    application: Application
    first: int

    def __call__(self, x: Tensor) -> Tensor:
        y = self.by.convolve(self.application, self.first, x)
        gain, shift = self.by.norm(self.application, self.first, y)
        return y * gain.to(y).reshape(1, -1, 1, 1) + shift.to(y).reshape(1, -1, 1, 1)


class _Calibration(_Pass):
    """Compute exactly, and note how far maps and the sums of each tile reach."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded)
        self._maps: dict[int, tuple[float, float]] = {}
        self._sums: dict[int, tuple[Tensor, Tensor]] = {}
        self.statistics: dict[int, tuple[Tensor, Tensor]] = {}

    def convolve(self, application: Application, first: int, x: Tensor) -> Tensor:
        """Return the exact convolution."""
        conv, loaded = application.conv, self.loaded
        # A padded map holds zeros, so that 0 is always within the range.
        low, high = self._maps.get(first, (0.0, 0.0))
        self._maps[first] = min(low, float(x.min())), max(high, float(x.max()))
        patches = _patches(application, x)
        tiles = self.program.tiles_of[conv.name]
        for step, (number, tile) in enumerate(
            zip(application.tiles, tiles, strict=True), start=first
        ):
            weight = loaded.weight[number, : len(tile.outputs), : len(tile.inputs)]
            sums = patches[:, torch.from_numpy(tile.inputs)] @ weight.T
            least, most = sums.amin(dim=0), sums.amax(dim=0)
            if step in self._sums:
                least = torch.minimum(least, self._sums[step][0])
                most = torch.maximum(most, self._sums[step][1])
            self._sums[step] = least, most
        folded = loaded.folded[conv.name]
        y = functional.conv2d(
            x, folded.weight, stride=conv.stride, padding=conv.kernel // 2, groups=conv.groups
        )
        self.statistics.setdefault(first, _mean_and_spread(y))
        return y

    def ranges(self) -> dict[int, Range]:
        """Return the range of each application, by the number of its first visit."""
        found = {}
        first = 0
        for application in self.program.applications:
            low, high = self._maps[first]
            if self.loaded.signed:
                offset, span = 0.0, max(-low, high)
            else:
                offset, span = low, high - low
            span = span or 1.0
            reach = 0.0
            for step, number in enumerate(application.tiles, start=first):
                least, most = self._sums[step]
                constant = offset * self.loaded.weight[number, : len(least)].sum(dim=1)
                reach = max(reach, float((most - constant).max()), float((constant - least).max()))
            gain = self.loaded.full_scale * span / reach if reach else 1.0
            found[first] = Range(offset, span, gain)
            first += len(application.tiles)
        return found


class _OnChip(_Pass):
    """Compute with the parts of a chip."""

    def __init__(self, loaded: Loaded, chip: Chip, read: Read) -> None:
        super().__init__(loaded)
        self.chip = chip
        self.read = read
        weight = loaded.weight.to(loaded.dtype)
        self.products = BankProducts(Programmed(chip, weight, read), loaded.visits)
        #: Whether batch norms are being measured, and what was found so far.
        self.measures = False
        self.measured: dict[int, tuple[Tensor, Tensor]] = {}

    def norm(self, application: Application, first: int, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return gain and shift, those that were measured on this chip if there are any."""
        if application.conv.bias:
            return super().norm(application, first, y)  # there is no batch norm
        if self.measures:
            gain, shift = super().norm(application, first, y)
            wanted_mean, wanted_spread = self.loaded.statistics[first]
            mean, spread = (value.double() for value in _mean_and_spread(y))
            own = gain * wanted_spread / spread.clamp(min=_LEAST * float(wanted_spread.max()))
            self.measured[first] = own, shift + gain * wanted_mean - own * mean
        return self.measured.get(first) or super().norm(application, first, y)

    def convolve(self, application: Application, first: int, x: Tensor) -> Tensor:
        """Return the convolution as the banks make it, partial sums added as numbers."""
        conv, chip, read, loaded = application.conv, self.chip, self.read, self.loaded
        scaling = loaded.ranges[first]
        values = (_patches(application, x) - scaling.offset) / scaling.span
        values = chip.encoder.encode(values, converted=True, active=read.active)
        total = values.new_zeros(len(values), conv.outputs)
        tiles = self.program.tiles_of[conv.name]
        for step, (number, tile) in enumerate(
            zip(application.tiles, tiles, strict=True), start=first
        ):
            line = values.new_zeros(len(values), self.program.cols)
            line[:, : len(tile.inputs)] = values[:, torch.from_numpy(tile.inputs)]
            received = self.products.receive(line, step)
            captured = chip.detector.detect(received, read.generator, read.active)
            captured = self._after_patch(captured, conv.patches)
            number_out = chip.nonlinearity.activate(
                scaling.gain * captured, None, read.generator, read.active
            )
            scale = loaded.scales[number] * scaling.span / scaling.gain
            total[:, torch.from_numpy(tile.outputs)] += scale * number_out[:, : len(tile.outputs)]
        constant = scaling.offset * loaded.folded[conv.name].weight.sum(dim=(1, 2, 3))
        total = total + constant.to(total)
        side = conv.side
        return total.reshape(len(x), side, side, conv.outputs).permute(0, 3, 1, 2)

    def _after_patch(self, captured: Tensor, patches: int) -> Tensor:
        """Mix in what the detector has left of the patch before; the first of a visit has none."""
        residue = self.chip.detector.residue(self.read.active)
        if not residue:
            return captured
        images = captured.reshape(-1, patches, captured.shape[1])
        before = torch.cat([images[:, :1], images[:, :-1]], dim=1)
        return (images + residue * (before - images)).reshape(captured.shape)


def _mean_and_spread(y: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel of some maps."""
    spread, mean = torch.std_mean(y, dim=(0, 2, 3), correction=0)
    return mean, spread


def _patches(application: Application, x: Tensor) -> Tensor:
    """Return the patches that a convolution reads, shape `(batch * patch, value)`."""
    conv = application.conv
    unfolded = functional.unfold(x, conv.kernel, padding=conv.kernel // 2, stride=conv.stride)
    return unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1])
