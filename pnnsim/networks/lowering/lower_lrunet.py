"""LruNet as a workload: each application of a convolution, and the digital steps behind it.

All repetitions of a stage use one matrix, `stage1.depthwise.weight`, or each has one of its own,
`stage1.depthwise.weight.0`; batch norm, folded into a gain and a shift for each channel, is private
to each: `stage1.depthwise.gain.0`, `….shift.0`. A convolution waits for its whole source, as a
place needs several pixels of it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.workload import Gather, Value, Workload

if TYPE_CHECKING:
    from pnnsim.networks.lrunet import Convolution, LruNet


@lru_cache(maxsize=16)
def lower_lrunet(network: LruNet) -> Workload:
    """Return the workload of an LruNet; an image is one vector, channel by channel."""
    pixels = (network.channels, network.side, network.side)
    builder = WorkloadBuilder(Value((network.channels * network.side**2,)))
    stem, *stages, reduce, classify = network.convolutions()
    value = builder.digital("reshape", 0, shape=pixels)
    value = builder.digital("relu", _normalized(builder, stem, value, 0))
    if network.width > 1:
        value = builder.digital("repeat_channels", value, times=network.width)
    last = len(stages) // 2
    for number, pair in enumerate(zip(stages[::2], stages[1::2], strict=True), start=1):
        value = _stage(builder, *pair, value)
        if number != last - 1:
            value = builder.digital("max_pool", value, kernel=(3, 3), stride=(2, 2), padding=(1, 1))
        if number != last:
            value = builder.digital("repeat_channels", value, times=2)
    value = builder.digital("relu", _normalized(builder, reduce, value, 0))
    value = _applied(builder, classify, value, 0, bias=f"{classify.name}.bias")
    value = builder.digital("relu", value)
    return builder.build(builder.digital("mean", value, axes=(1, 2)))


def _stage(
    builder: WorkloadBuilder, depthwise: Convolution, pointwise: Convolution, value: int
) -> int:
    """Add all repetitions of a stage, and return the value behind them."""
    for repetition in range(depthwise.repetitions):
        mixed = _normalized(builder, depthwise, value, repetition)
        mixed = _normalized(builder, pointwise, mixed, repetition)
        value = builder.digital("relu", builder.digital("add", mixed, value))
        if repetition + 1 < depthwise.repetitions:
            value = builder.digital("channel_shuffle", value, groups=2, reverse=True)
    return value


def _normalized(builder: WorkloadBuilder, conv: Convolution, value: int, repetition: int) -> int:
    """Add one application of a convolution and the batch norm behind it."""
    gain, shift = (
        builder.parameter(f"{conv.name}.{part}.{repetition}", (conv.outputs,))
        for part in ("gain", "shift")
    )
    applied = _applied(builder, conv, value, repetition)
    return builder.digital("affine", applied, parameters=(gain, shift))


def _applied(
    builder: WorkloadBuilder,
    conv: Convolution,
    value: int,
    repetition: int,
    *,
    bias: str | None = None,
) -> int:
    """Add one application of a convolution."""
    kernel, pad = conv.kernel, conv.kernel // 2
    matrix = builder.matrix(
        conv.matrix(repetition), conv.outputs, conv.inputs * kernel**2, groups=conv.groups
    )
    gather = Gather((kernel, kernel), (conv.stride, conv.stride), (pad, pad))
    return builder.mvm(matrix, value, gather=gather, bias=bias, barrier=True)
