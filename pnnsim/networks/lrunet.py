"""LruNet, a convolutional network whose four stages are each applied many times.

Köpüklü, Babaee, Hörmann and Rigoll, "Convolutional Neural Networks with Layer Reuse", ICIP 2019,
arXiv:1901.09615. The stages share their weights over all repetitions; batch norm alone is private
to each. Nothing here imports torch or depends on hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pnnsim.networks.layer_settings import LayeredNetwork
from pnnsim.networks.layers import with_layers
from pnnsim.networks.lowering.lower_lrunet import lower_lrunet
from pnnsim.networks.workload import Workload

if TYPE_CHECKING:
    from torch import Tensor

#: Stages, each with twice the channels of the one before.
STAGES = 4

#: Filters of a depthwise convolution for each channel.
FILTERS = 2

#: Groups of the pointwise convolutions and of the first one of the head.
GROUPS = 8


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution, with the number of its applications to an image.

    Args:
        name: `stem`, `stage1.depthwise`, `stage1.pointwise`, …, `head.reduce`, `head.classify`.
        inputs: Channels that it reads.
        outputs: Channels that it writes.
        kernel: Side of its kernel, 3 or 1; a map is padded by half of it.
        stride: Step from one patch to the next.
        groups: Independent groups of channels.
        side: Side of the map that it writes.
        repetitions: Times that it is applied, N within a stage and 1 elsewhere.
        bias: Whether a bias is added.
        shared: Whether all its applications have the same weights.
    """

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    groups: int
    side: int
    repetitions: int
    bias: bool = False
    shared: bool = True

    @property
    def patches(self) -> int:
        """Return the positions at which one application evaluates its kernel."""
        return self.side**2

    @property
    def fan_in(self) -> int:
        """Return the values that one output depends on."""
        return self.inputs // self.groups * self.kernel**2

    @property
    def copies(self) -> int:
        """Return how many sets of weights there are: one, or one for each application."""
        return 1 if self.shared else self.repetitions

    @property
    def weights(self) -> int:
        """Return the weights of all copies."""
        return self.copies * self.outputs * self.fan_in

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates of all its applications to one image."""
        return self.repetitions * self.patches * self.outputs * self.fan_in

    def matrix(self, repetition: int) -> str:
        """Return the name of the weights that one application uses, as in the workload."""
        weight = f"{self.name}.weight"
        return weight if self.shared else f"{weight}.{repetition}"


class LruNet(LayeredNetwork):
    """LruNet for square images."""

    kind: Literal["lrunet"] = "lrunet"
    """Name of this kind of network."""
    channels: Annotated[int, Field(ge=1, le=64)] = 3
    """Channels of an image: 1 for grey, 3 for colour."""
    side: Annotated[int, Field(ge=2, le=256)] = 32
    """Side of an image in pixels."""
    classes: Annotated[int, Field(ge=2, le=10_000)] = 10
    """Classes to tell apart."""
    stem: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    """Channels behind the first convolution; the publication has 64, tests take fewer."""
    width: Literal[1, 2] = 1
    """Factor on the channels of all stages and of the head, not of the stem."""
    repetitions: Annotated[int, Field(ge=1, le=1000)] = 1
    """Times N that each stage is applied."""
    shared: bool = True
    """Whether the repetitions of a stage share their weights. If not, each has weights of its own,
    as a network without layer reuse: the same work with N times as many weights."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the values between the convolutions of the head that training drops."""

    def stage_channels(self) -> tuple[int, ...]:
        """Return the channels of each stage, shape `(4,)`."""
        return tuple(self.stem * self.width * 2**stage for stage in range(STAGES))

    def stage_sides(self) -> tuple[int, ...]:
        """Return the side of the map in each stage, shape `(4,)`.

        The first convolution has stride 2; a pool of 3 x 3 with stride 2 and padding 1 follows on
        stages 1, 2 and 4. Each rounds up.
        """
        first = halved(self.side)
        second = halved(first)
        third = halved(second)
        return first, second, third, third

    @property
    def head_channels(self) -> int:
        """Return the channels between both convolutions of the head."""
        return 4 * self.stem * self.width

    @property
    def head_side(self) -> int:
        """Return the side of the map in the head."""
        return halved(self.stage_sides()[-1])

    def convolutions(self) -> tuple[Convolution, ...]:
        """Return every convolution once, in the order of an image's way through them."""
        channels, sides = self.stage_channels(), self.stage_sides()
        found = [Convolution("stem", self.channels, self.stem, 3, 2, 1, sides[0], 1)]
        for number, (c, side) in enumerate(zip(channels, sides, strict=True), start=1):
            repeated = partial(
                Convolution, side=side, repetitions=self.repetitions, shared=self.shared
            )
            stage, double = f"stage{number}", FILTERS * c
            found.append(repeated(f"{stage}.depthwise", c, double, 3, 1, c))
            found.append(repeated(f"{stage}.pointwise", double, c, 1, 1, GROUPS))
        last, reduced, side = channels[-1], self.head_channels, self.head_side
        found.append(Convolution("head.reduce", last, reduced, 1, 1, GROUPS, side, 1))
        found.append(
            Convolution("head.classify", reduced, self.classes, 1, 1, 1, side, 1, bias=True)
        )
        return tuple(found)

    @property
    def workload(self) -> Workload:
        """Return the steps of an image, as data."""
        return with_layers(lower_lrunet(self), self.layers)

    def initial_parameters(self, seed: int = 0) -> dict[str, Tensor]:
        """Return the numbers of a module that has not been trained, by name.

        Args:
            seed: Seed of the draws.
        """
        # Not ahead of the class: a description is checked without torch.
        from pnnsim.networks.lrunet_folded import by_name
        from pnnsim.networks.lrunet_module import LruModule

        return by_name(LruModule(self, seed=seed))

    def parameter_counts(self) -> dict[str, int]:
        """Return how many parameters are trained, by place.

        `shared` are the convolutions and the bias of the last one, independent of N where
        repetitions share their weights; `batch_norm` are the gains and shifts, two a channel,
        behind the stem, in the head, and for each repetition behind both convolutions of each
        stage.
        """
        shared = sum(conv.weights for conv in self.convolutions()) + self.classes
        per_repetition = 2 * (FILTERS + 1) * sum(self.stage_channels())
        batch_norm = 2 * self.stem + 2 * self.head_channels + self.repetitions * per_repetition
        return {"shared": shared, "batch_norm": batch_norm, "total": shared + batch_norm}

    def macs_per_inference(self) -> dict[str, int]:
        """Return the multiply-accumulates of one image, by place."""
        macs = {"stem": 0, "stages": 0, "head": 0}
        for conv in self.convolutions():
            place = conv.name.partition(".")[0]
            macs["stages" if place.startswith("stage") else place] += conv.macs
        return {**macs, "total": sum(macs.values())}


def halved(side: int) -> int:
    """Return the side of a map behind stride 2 with padding: half, rounded up."""
    return -(-side // 2)
