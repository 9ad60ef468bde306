"""What the digital operators compute, with torch: one function for each row of the table.

Every tensor has the axis of samples ahead of the shape of its value. Shapes have been checked when
the workload was made, and are not checked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from pnnsim.networks import operator_pooling as pooling
from pnnsim.networks.operator_constants import Settings
from pnnsim.networks.operators import settings_of
from pnnsim.networks.parts import Constant, Gather

#: Sources, settings, parameters, and a tensor `(batch,)` of the type of all numbers.
Function = Callable[[Sequence[Tensor], Settings, Sequence[Tensor], Tensor], Tensor]


def compute(
    operator: str,
    sources: Sequence[Tensor],
    *,
    constants: Sequence[tuple[str, Constant]] = (),
    parameters: Sequence[Tensor] = (),
    like: Tensor,
) -> Tensor:
    """Return what an operator makes of a batch.

    Args:
        operator: Name in the table.
        sources: Values, shape `(batch, *shape)` each.
        constants: Its settings.
        parameters: Its parameters.
        like: Tensor with the type, device and batch of what is made from nothing, shape `(batch,)`.
    """
    return FUNCTIONS[operator](sources, settings_of(operator, constants), parameters, like)


def activate(name: str, x: Tensor) -> Tensor:
    """Return an activation of `x` with the settings that it has by default; see `FUNCTIONS`."""
    return FUNCTIONS[name]([x], settings_of(name), (), x)


def convolve(x: Tensor, weight: Tensor, gather: Gather, groups: int) -> Tensor:
    """Return the convolution of maps with a matrix.

    Args:
        x: Maps, shape `(batch, channels, high, wide)`.
        weight: Shape `(outputs, taps)`; taps in the order channel of the group, row, column.
        gather: How vectors are taken from a map.
        groups: Independent groups of channels.
    """
    kernel = weight.reshape(weight.shape[0], x.shape[1] // groups, *gather.kernel)
    return functional.conv2d(
        x,
        kernel,
        stride=gather.stride,
        padding=gather.padding,
        dilation=gather.dilation,
        groups=groups,
    )


def product(x: Tensor, weight: Tensor, groups: int = 1) -> Tensor:
    """Return the product of a matrix with vectors.

    Args:
        x: Vectors along the last axis, shape `(…, inputs)`.
        weight: Shape `(outputs, inputs // groups)`.
        groups: Independent diagonal blocks.
    """
    if groups == 1:
        return functional.linear(x, weight)
    blocks = weight.reshape(groups, -1, weight.shape[1])
    return torch.einsum(
        "...gi,goi->...go", x.reshape(*x.shape[:-1], groups, weight.shape[1]), blocks
    ).flatten(-2)


def _of_one(function: Callable[[Tensor], Tensor]) -> Function:
    """Return the operator of a function of one tensor."""
    return lambda sources, settings, parameters, like: function(sources[0])


def _slice(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    x, axis = sources[0], _axis(sources[0], settings)
    part = slice(settings.whole("start"), settings.whole("stop"), settings.whole("step"))
    return x[(slice(None),) * axis + (part,)]


def _concatenate(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return torch.cat(list(sources), dim=_axis(sources[0], settings))


def _reshape(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return sources[0].reshape(-1, *settings.wholes("shape"))


def _transpose(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return sources[0].permute(0, *(axis + 1 for axis in settings.wholes("axes")))


def _pad(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    top, bottom, left, right = settings.wholes("amounts")
    return functional.pad(sources[0], (left, right, top, bottom), value=settings.number("value"))


def _repeat_channels(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return torch.cat([sources[0]] * settings.whole("times"), dim=1)


def _channel_shuffle(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    """Return channel 0 of each group, channel 1 of each group, …; `reverse`: last group first."""
    x = sources[0]
    groups = x.reshape(len(x), settings.whole("groups"), -1, *x.shape[2:])
    if settings.flag("reverse"):
        groups = groups.flip(1)
    return groups.transpose(1, 2).flatten(1, 2)


def _constant(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return like.new_full((len(like), *settings.wholes("shape")), settings.number("value"))


def _parameter(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return parameters[0].expand(len(like), *parameters[0].shape)


def _embedding(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return functional.embedding(sources[0], parameters[0])


def _gelu(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return functional.gelu(sources[0], approximate=settings.text("approximate"))


def _leaky_relu(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return functional.leaky_relu(sources[0], settings.number("slope"))


def _elu(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return functional.elu(sources[0], settings.number("alpha"))


def _softplus(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return functional.softplus(sources[0], settings.number("beta"))


def _hardtanh(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return sources[0].clamp(settings.number("low"), settings.number("high"))


def _add(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    first, second = _aligned(*sources)
    return first + second


def _multiply(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    first, second = _aligned(*sources)
    return first * second


def _scale(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return sources[0] * settings.number("factor") + settings.number("offset")


def _affine(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    gain, shift = parameters
    if sources[0].dim() == 4:
        gain, shift = gain[:, None, None], shift[:, None, None]
    return sources[0] * gain + shift


def _matmul(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return sources[0] @ sources[1]


def _linear(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    return _fused(functional.linear(sources[0], *parameters), settings)


def _conv(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    gather = Gather(
        settings.pair("kernel"),
        settings.pair("stride"),
        settings.pair("padding"),
        settings.pair("dilation"),
    )
    y = convolve(sources[0], parameters[0], gather, settings.whole("groups"))
    if len(parameters) > 1:
        y = y + parameters[1][:, None, None]
    return _fused(y, settings)


def _layer_norm(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    x = sources[0]
    shape = list(x.shape[x.dim() - settings.whole("axes") :])
    weight, bias = (*parameters, None, None)[:2]
    return functional.layer_norm(x, shape, weight, bias, settings.number("eps"))


def _group_norm(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    # One population of one number has no spread; torch refuses it, and the result is the shift.
    groups = sources[0].reshape(len(like), settings.whole("groups"), -1)
    spread, mean = torch.var_mean(groups, dim=2, correction=0, keepdim=True)
    y = ((groups - mean) / (spread + settings.number("eps")).sqrt()).reshape(sources[0].shape)
    for index, parameter in enumerate(parameters):
        if y.dim() == 4:
            parameter = parameter[:, None, None]
        y = y + parameter if index else y * parameter
    return y


def _mean(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    x = sources[0].mean(dim=tuple(axis + 1 for axis in settings.wholes("axes")))
    return x if x.dim() > 1 else x[:, None]


def _softmax(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    axis = _axis(sources[0], settings)
    if settings.flag("log"):
        return functional.log_softmax(sources[0], dim=axis)
    return functional.softmax(sources[0], dim=axis)


def _axis(x: Tensor, settings: Settings) -> int:
    """Return the axis of a batch for one of a value; -1 is the last of both."""
    axis = settings.whole("axis")
    return axis + 1 if axis >= 0 else x.dim() - 1


def _aligned(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return two batches with as many axes, those of 1 added behind the batch."""
    rank = max(first.dim(), second.dim())
    return _filled(first, rank), _filled(second, rank)


def _filled(x: Tensor, rank: int) -> Tensor:
    return x.reshape(len(x), *(1,) * (rank - x.dim()), *x.shape[1:])


def _fused(y: Tensor, settings: Settings) -> Tensor:
    """Return what leaves the accumulator, through its activation if it has one."""
    name = settings.text("activation")
    return y if name == "none" else activate(name, y)


#: The function of every operator of the table.
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "slice": _slice,
        "concatenate": _concatenate,
        "reshape": _reshape,
        "transpose": _transpose,
        "flatten": _of_one(lambda x: x.flatten(1)),
        "pad": _pad,
        "repeat_channels": _repeat_channels,
        "channel_shuffle": _channel_shuffle,
        "constant": _constant,
        "parameter": _parameter,
        "embedding": _embedding,
        "relu": _of_one(functional.relu),
        "relu6": _of_one(functional.relu6),
        "gelu": _gelu,
        "silu": _of_one(functional.silu),
        "tanh": _of_one(torch.tanh),
        "sigmoid": _of_one(torch.sigmoid),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "softplus": _softplus,
        "hardtanh": _hardtanh,
        "hardswish": _of_one(functional.hardswish),
        "hardsigmoid": _of_one(functional.hardsigmoid),
        "add": _add,
        "multiply": _multiply,
        "scale": _scale,
        "affine": _affine,
        "matmul": _matmul,
        "linear_digital": _linear,
        "conv_digital": _conv,
        "layer_norm": _layer_norm,
        "group_norm": _group_norm,
        "max_pool": pooling.max_pool,
        "avg_pool": pooling.avg_pool,
        "adaptive_avg_pool": pooling.adaptive_avg_pool,
        "mean": _mean,
        "softmax": _softmax,
    }
)
