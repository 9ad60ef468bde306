"""Weights, gains and shifts of a trained LruNet, by the names that they have in its workload.

In evaluation mode a batch norm is a gain and a shift for each channel. They are private to a
repetition; the weights are not, unless the network has copies of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from pnnsim.networks.lrunet_module import LruBlock, LruModule

#: Batch norms that stand side by side behind one convolution.
_Norms = Sequence[nn.Module]


@torch.no_grad()
def by_name(module: LruModule) -> dict[str, Tensor]:
    """Return the numbers of a module under the names that they have in the workload, in float64.

    Both filters of a depthwise convolution stand side by side, as in a convolution with groups:
    output `2 c + f` is filter f of channel c.
    """
    stem, *stages, reduce, classify = module.network.convolutions()
    found = {stem.matrix(0): _matrix(module.stem.weight)}
    found |= _normed(stem.name, 0, [module.norm_stem])
    pairs = zip(stages[::2], stages[1::2], module.stages, strict=True)
    for depthwise, pointwise, stage in pairs:
        block = cast(LruBlock, stage)
        for repetition in range(depthwise.repetitions):
            dw, pw = block.convolutions(repetition)
            found[depthwise.matrix(repetition)] = _matrix(
                _interleaved([conv.weight for conv in dw], dim=0)
            )
            norms = list(cast(nn.ModuleList, block.norm_depthwise[repetition]))
            found |= _normed(depthwise.name, repetition, norms)
            found[pointwise.matrix(repetition)] = _matrix(
                _interleaved([conv.weight for conv in pw], dim=1)
            )
            found |= _normed(pointwise.name, repetition, [block.norm_pointwise[repetition]])
    found[reduce.matrix(0)] = _matrix(module.reduce.weight)
    found |= _normed(reduce.name, 0, [module.norm_head])
    found[classify.matrix(0)] = _matrix(module.classify.weight)
    assert module.classify.bias is not None, "the last convolution has a bias"
    found[f"{classify.name}.bias"] = module.classify.bias.detach().double()
    return found


def _matrix(weight: Tensor) -> Tensor:
    """Return the kernel of a convolution as a matrix, shape `(outputs, fan_in)`."""
    return weight.detach().double().flatten(1)


def _normed(name: str, repetition: int, norms: _Norms) -> Mapping[str, Tensor]:
    """Return gain and shift of a convolution in one repetition, by their names."""
    pairs = [_gain_and_shift(cast(nn.BatchNorm2d, norm)) for norm in norms]
    return {
        f"{name}.gain.{repetition}": _interleaved([gain for gain, _ in pairs], dim=0),
        f"{name}.shift.{repetition}": _interleaved([shift for _, shift in pairs], dim=0),
    }


def _gain_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return gain, norm.bias.double() - norm.running_mean.double() * gain


def _interleaved(parts: Sequence[Tensor], dim: int) -> Tensor:
    """Return entry 0 of each part, then entry 1 of each part, and so on."""
    return torch.stack(list(parts), dim + 1).flatten(dim, dim + 1)
