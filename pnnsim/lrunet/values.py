"""Outputs of an LruNet on a chip, tile by tile, computed by the parts of the chip.

What the offset of a map (`loaded`) adds to a sum, `offset * sum of the weights`, is known
beforehand: the digital engine takes the ideal weights for it and makes it a part of the shift that
batch norm adds. So an error of a weight also acts on the constant, and shifts a whole channel.
Where a chip measures its own batch norm (`recalibrated`), this and every other error of
a channel's mean and spread is removed: gains and shifts are digital, and each repetition has its
own.

A chip programs each tile once here: where banks are rewritten, a tile has the same error each time.
Banks and switch have settled when patches come, as the schedule waits for them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active
from pnnsim.inference.chip import Chip
from pnnsim.inference.inputs import as_inputs
from pnnsim.inference.mvm import BankProducts
from pnnsim.inference.programming import Programmed, Read
from pnnsim.lrunet.loaded import Loaded
from pnnsim.lrunet.passes import CHUNK, Pass, mean_and_spread, patches
from pnnsim.lrunet.program import Application

#: Least spread of a channel that is measured, over the largest: silent channels stay so.
_LEAST = 1e-6


def outputs(
    loaded: Loaded,
    chip: Chip,
    x: Tensor,
    *,
    without: Active = frozenset(),
    noise: bool = True,
    recalibrated: bool = False,
) -> Tensor:
    """Return the outputs of one chip with all of its non-idealities but some.

    Args:
        loaded: The network on the machine.
        chip: `loaded.machine.chip`, or a fabricated one of it.
        x: Images, shape `(batch, pixels)` or `(batch, channels, side, side)`; arrays, too.
        without: Names of non-idealities to switch off.
        noise: Whether reading is noisy, programming misses and the temperature is off; a nominal
            chip without them is what training can include.
        recalibrated: Whether the chip first measures its batch norms: mean and spread of each
            channel, on up to 64 of the training images by which ranges were fixed.

    Returns:
        A number for each class, shape `(batch, classes)`.

    Raises:
        InputError: If the images are not finite numbers of such a shape.
    """
    network = loaded.machine.program.network
    x = as_inputs(x, network.channels * network.side**2, loaded.images)
    active = chip.non_idealities - without
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
            on_chip.run(loaded.images)
            on_chip.measures = False
        return torch.cat([on_chip.run(images) for images in torch.split(x, CHUNK)])


def ideal_outputs(loaded: Loaded, x: Tensor) -> Tensor:
    """Return the outputs of a chip without any non-ideality.

    Args:
        loaded: The network on the machine.
        x: Images, as those of `outputs`.
    """
    chip = loaded.machine.chip
    return outputs(loaded, chip, x, without=chip.non_idealities, noise=False)


class _OnChip(Pass):
    """Pass whose convolutions are computed by the parts of a chip."""

    def __init__(self, loaded: Loaded, chip: Chip, read: Read) -> None:
        super().__init__(loaded.machine.program, loaded.folded)
        self.loaded = loaded
        self.chip = chip
        self.read = read
        weight = loaded.weight.to(loaded.dtype)
        self.products = BankProducts(Programmed(chip, weight, read), loaded.accesses)
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
            mean, spread = (value.double() for value in mean_and_spread(y))
            own = gain * wanted_spread / spread.clamp(min=_LEAST * float(wanted_spread.max()))
            self.measured[first] = own, shift + gain * wanted_mean - own * mean
        return self.measured.get(first) or super().norm(application, first, y)

    def convolve(self, application: Application, first: int, x: Tensor) -> Tensor:
        """Return the convolution as the banks make it, partial sums added as numbers."""
        conv, chip, read, loaded = application.conv, self.chip, self.read, self.loaded
        scaling = loaded.ranges[first]
        values = (patches(application, x) - scaling.offset) / scaling.span
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
        constant = scaling.offset * self.folded[conv.name].weight.sum(dim=(1, 2, 3))
        total = total + constant.to(total)
        side = conv.side
        return total.reshape(len(x), side, side, conv.outputs).permute(0, 3, 1, 2)

    def _after_patch(self, captured: Tensor, per_image: int) -> Tensor:
        """Mix in what the detector has left of the patch before, if there was one."""
        residue = self.chip.detector.residue(self.read.active)
        if not residue:
            return captured
        images = captured.reshape(-1, per_image, captured.shape[1])
        before = torch.cat([images[:, :1], images[:, :-1]], dim=1)
        return (images + residue * (before - images)).reshape(captured.shape)
