"""Pass of images through an LruNet, one application of a convolution after the other.

How a convolution is computed is left to subclasses: exactly, to fix ranges, or on a chip.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pnnsim.lrunet.program import Application, Program
from pnnsim.networks.lrunet import STAGES
from pnnsim.networks.lrunet_folded import Folded
from pnnsim.networks.lrunet_module import doubled, pool, shuffle

#: Images that are evaluated at once.
CHUNK = 64


class Pass(ABC):
    """Pass of images through all applications.

    Args:
        program: Order of the applications.
        folded: Numbers of each convolution, by its name.
    """

    def __init__(self, program: Program, folded: Mapping[str, Folded]) -> None:
        self.program = program
        self.folded = folded

    @abstractmethod
    def convolve(self, application: Application, first: int, x: Tensor) -> Tensor:
        """Return the convolution of maps, shape `(batch, outputs, side, side)`.

        Args:
            application: The convolution and its tiles.
            first: Number of its first access.
            x: Maps, shape `(batch, inputs, side, side)`.
        """

    def norm(self, application: Application, first: int, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return gain and shift of each channel, shape `(outputs,)`.

        Args:
            application: The convolution and its repetition.
            first: Number of its first access.
            y: Maps behind the convolution, shape `(batch, outputs, side, side)`.
        """
        folded = self.folded[application.conv.name]
        return folded.gain[application.repetition], folded.shift[application.repetition]

    def run(self, x: Tensor) -> Tensor:
        """Return a number for each class, shape `(batch, classes)`, for a few images."""
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
    """One application: a convolution and the batch norm behind it."""

    by: Pass
    application: Application
    first: int

    def __call__(self, x: Tensor) -> Tensor:
        y = self.by.convolve(self.application, self.first, x)
        gain, shift = self.by.norm(self.application, self.first, y)
        return y * gain.to(y).reshape(1, -1, 1, 1) + shift.to(y).reshape(1, -1, 1, 1)


def mean_and_spread(y: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel of some maps."""
    spread, mean = torch.std_mean(y, dim=(0, 2, 3), correction=0)
    return mean, spread


def patches(application: Application, x: Tensor) -> Tensor:
    """Return the patches that a convolution reads, shape `(batch * patch, value)`.

    Args:
        application: The convolution.
        x: Maps, shape `(batch, inputs, side, side)`.
    """
    conv = application.conv
    unfolded = functional.unfold(x, conv.kernel, padding=conv.kernel // 2, stride=conv.stride)
    return unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1])
