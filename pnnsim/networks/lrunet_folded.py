"""Weights, gains and shifts of a trained LruNet: what banks hold, and what is digital.

In evaluation mode a batch norm is a gain and a shift for each channel. They are private to a
repetition; the weights are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from pnnsim.networks.lrunet_module import LruBlock, LruModule


@dataclass(frozen=True, slots=True)
class Folded:
    """Numbers of one convolution and of the batch norms behind it.

    Args:
        weight: Shared weights, shape `(outputs, inputs / groups, kernel, kernel)`.
        gain: Gain of each channel in each repetition, shape `(repetition, outputs)`.
        shift: What is added behind the gain, as `gain`.
    """

    weight: Tensor
    gain: Tensor
    shift: Tensor


@torch.no_grad()
def fold(module: LruModule) -> dict[str, Folded]:
    """Return the numbers of every convolution, by its name, in float64.

    Both filters of a depthwise convolution stand side by side, as in a convolution with groups:
    output `2 c + f` is filter f of channel c.
    """
    found = {"stem": _folded(module.stem.weight, [[module.norm_stem]])}
    for number, stage in enumerate(module.stages, start=1):
        block = cast(LruBlock, stage)
        depthwise = _interleaved([cast(nn.Conv2d, conv).weight for conv in block.depthwise], dim=0)
        pointwise = _interleaved([cast(nn.Conv2d, conv).weight for conv in block.pointwise], dim=1)
        norms = [list(cast(nn.ModuleList, pair)) for pair in block.norm_depthwise]
        found[f"stage{number}.depthwise"] = _folded(depthwise, norms)
        norms = [[norm] for norm in block.norm_pointwise]
        found[f"stage{number}.pointwise"] = _folded(pointwise, norms)
    found["head.reduce"] = _folded(module.reduce.weight, [[module.norm_head]])
    bias = module.classify.bias
    assert bias is not None, "the last convolution has a bias"
    weight = module.classify.weight.detach().double()
    shift = bias.detach().double()[None]
    found["head.classify"] = Folded(weight, torch.ones_like(shift), shift)
    return found


def by_name(module: LruModule) -> dict[str, Tensor]:
    """Return the numbers of a module under the names that they have in the workload."""
    found = {}
    for name, numbers in fold(module).items():
        found[f"{name}.weight"] = numbers.weight.flatten(1)
        if name == "head.classify":
            found[f"{name}.bias"] = numbers.shift[0]
            continue
        for repetition, (gain, shift) in enumerate(zip(numbers.gain, numbers.shift, strict=True)):
            found[f"{name}.gain.{repetition}"] = gain
            found[f"{name}.shift.{repetition}"] = shift
    return found


def _folded(weight: Tensor, norms: Sequence[Sequence[nn.Module]]) -> Folded:
    """Return weights with the batch norms of each repetition, of several layers side by side."""
    gains, shifts = [], []
    for layers in norms:
        pairs = [_gain_and_shift(cast(nn.BatchNorm2d, layer)) for layer in layers]
        gains.append(_interleaved([gain for gain, _ in pairs], dim=0))
        shifts.append(_interleaved([shift for _, shift in pairs], dim=0))
    return Folded(weight.detach().double(), torch.stack(gains), torch.stack(shifts))


def _gain_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return gain, norm.bias.double() - norm.running_mean.double() * gain


def _interleaved(parts: Sequence[Tensor], dim: int) -> Tensor:
    """Return entry 0 of each part, then entry 1 of each part, and so on."""
    return torch.stack(list(parts), dim + 1).flatten(dim, dim + 1)
