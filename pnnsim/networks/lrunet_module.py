"""LruNet as a torch module: the network that is trained, and a machine's reference.

A plain `nn.Module` without hardware; any torch loop can train it.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pnnsim.common.rng import stream
from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.lrunet import FILTERS, STAGES, Convolution, LruNet


def shuffle(x: Tensor) -> Tensor:
    """Return the channels with their halves swapped and then interleaved.

    Args:
        x: Maps, shape `(batch, channel, row, column)`.
    """
    first, second = x.chunk(2, dim=1)
    return torch.stack((second, first), dim=2).flatten(1, 2)


def pool(x: Tensor) -> Tensor:
    """Return the maxima over 3 x 3 pixels, of every second pixel."""
    return functional.max_pool2d(x, 3, stride=2, padding=1)


def doubled(x: Tensor) -> Tensor:
    """Return the channels twice."""
    return torch.cat((x, x), dim=1)


class LruBlock(nn.Module):
    """One stage: convolutions that are shared, batch norms that are private to a repetition.

    Where the network does not share them, each repetition has convolutions of its own, too.

        u = BN_dw(i)(depthwise 3x3, C -> 2C)        x ──▶ dw ─▶ BN ─▶ pw ─▶ BN ─▶ + ─▶ ReLU ─▶ x
        v = BN_pw(i)(pointwise 1x1, 2C -> C)          └───────────────────────────┘
        x = ReLU(v + x), shuffled but after the last repetition

    Each channel has two depthwise filters. They are two convolutions here, of one filter a channel
    each, and the pointwise convolution is the sum of what it makes of either: the same function,
    which torch computes in about two thirds of the time.
    """

    def __init__(self, depthwise: Convolution, pointwise: Convolution) -> None:
        super().__init__()
        c, repetitions = depthwise.inputs, depthwise.repetitions
        self.shared = depthwise.shared
        count = FILTERS * depthwise.copies
        self.depthwise = nn.ModuleList(
            nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False) for _ in range(count)
        )
        self.pointwise = nn.ModuleList(
            nn.Conv2d(c, c, 1, groups=pointwise.groups, bias=False) for _ in range(count)
        )
        self.norm_depthwise = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(c) for _ in range(FILTERS)) for _ in range(repetitions)
        )
        self.norm_pointwise = nn.ModuleList(nn.BatchNorm2d(c) for _ in range(repetitions))

    def forward(self, x: Tensor) -> Tensor:
        """Return the map behind all repetitions, shape as `x`."""
        last = len(self.norm_pointwise) - 1
        for index, norm in enumerate(self.norm_pointwise):
            x = functional.relu(norm(self.mixed(x, index)) + x)
            if index < last:
                x = shuffle(x)
        return x

    def mixed(self, x: Tensor, repetition: int) -> Tensor:
        """Return the map behind both convolutions of one repetition, shape as `x`.

        Args:
            x: Maps, shape `(batch, channel, row, column)`.
            repetition: Index of the repetition, which has batch norms of its own.
        """
        norms = cast(nn.ModuleList, self.norm_depthwise[repetition])
        first, second = (
            pw(norm(dw(x)))
            for dw, pw, norm in zip(*self.convolutions(repetition), norms, strict=True)
        )
        return cast(Tensor, first + second)

    def convolutions(self, repetition: int) -> tuple[list[nn.Conv2d], list[nn.Conv2d]]:
        """Return the depthwise and the pointwise convolutions of one repetition, a filter each."""
        first = 0 if self.shared else FILTERS * repetition
        depthwise, pointwise = (
            [cast(nn.Conv2d, conv) for conv in list(convs)[first : first + FILTERS]]
            for convs in (self.depthwise, self.pointwise)
        )
        return depthwise, pointwise


class LruModule(nn.Module):
    """LruNet as it was published, the ReLU behind its last convolution included.

    The mean at the end is over the whole map, 2 x 2 pixels for images of 28 or 32.

    Args:
        network: What is to be computed.
        seed: Seed of the first weights.
    """

    def __init__(self, network: LruNet, *, seed: int = 0) -> None:
        super().__init__()
        self.network = network
        stem, *stages, reduce, classify = network.convolutions()
        self.stem = _conv(stem)
        self.norm_stem = nn.BatchNorm2d(stem.outputs)
        pairs = zip(stages[::2], stages[1::2], strict=True)
        self.stages = nn.ModuleList(LruBlock(dw, pw) for dw, pw in pairs)
        self.reduce = _conv(reduce)
        self.norm_head = nn.BatchNorm2d(reduce.outputs)
        self.classify = _conv(classify)
        _initialize(self, seed)

    def forward(self, x: Tensor) -> Tensor:
        """Return a number for each class, shape `(batch, classes)`.

        Args:
            x: Images with the order channel, row, column, shape `(batch, channel * row * column)`
                or already unfolded.
        """
        network = self.network
        x = x.reshape(len(x), network.channels, network.side, network.side)
        x = functional.relu(self.norm_stem(self.stem(x)))
        if network.width == 2:
            x = doubled(x)
        for number, stage in enumerate(self.stages, start=1):
            x = stage(x)
            if number != STAGES - 1:
                x = pool(x)
            if number != STAGES:
                x = doubled(x)
        x = functional.relu(self.norm_head(self.reduce(x)))
        x = functional.dropout(x, network.dropout, self.training)
        return functional.relu(self.classify(x)).mean(dim=(2, 3))

    def trained(self) -> GivenNetwork:
        """Return the network with the numbers of the module, as machines run it.

        Batch norms become gains and shifts from their running statistics, as in evaluation mode,
        and both filters of a depthwise convolution one matrix.
        """
        # Not ahead of the class, which it reads.
        from pnnsim.networks.lrunet_folded import by_name

        dtype = self.stem.weight.dtype
        weights = {name: tensor.to(dtype) for name, tensor in by_name(self).items()}
        return GivenNetwork(self.network.workload, weights)


def _conv(conv: Convolution) -> nn.Conv2d:
    return nn.Conv2d(
        conv.inputs,
        conv.outputs,
        conv.kernel,
        stride=conv.stride,
        padding=conv.kernel // 2,
        groups=conv.groups,
        bias=conv.bias,
    )


@torch.no_grad()
def _initialize(model: nn.Module, seed: int) -> None:
    """Draw Kaiming-normal weights by fan-out; biases are 0 (He et al., ICCV, 2015).

    As in torch, the fan-out is that of all groups: the channels of the whole convolution times its
    taps. Both filters of a depthwise convolution count.
    """
    generator = stream(seed, "lrunet", "train")
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            fan_out *= FILTERS if ".depthwise." in name else 1
            module.weight.normal_(0.0, math.sqrt(2.0 / fan_out), generator=generator)
            if module.bias is not None:
                module.bias.zero_()
