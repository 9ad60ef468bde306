"""Layers with weights, and pools: rules on a sketch, the same for every format.

A sequence `(1, channels, length)` is a map of one row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pnnsim.networks.lowering.sketch import Sketch, Symbol, Weight
from pnnsim.networks.lowering.sketch_shapes import (
    along_axis,
    combine,
    masked,
    matmul,
    permute,
    scale,
)
from pnnsim.networks.parts import Gather, Shape

Pair = tuple[int, int]


def linear(sketch: Sketch, x: Symbol, weight: Weight, bias: Weight | None) -> Symbol:
    """Return the product of a matrix with the last axis: one vector for each place of the others.

    Args:
        sketch: What is drawn.
        x: Shape `(…, inputs)`.
        weight: Shape `(outputs, inputs)`.
        bias: Shape `(outputs,)`.
    """
    if len(weight.shape) != 2 or weight.shape[1] != x.shape[-1]:
        sketch.refuse(f"matrix {weight.shape} on {x.shape}", "as many inputs as columns")
    count = math.prod(x.shape[:-1])
    source = sketch.form(x, (x.shape[-1],) if count == 1 else (count, x.shape[-1]))
    return sketch.product(source, weight, (*x.shape[:-1], weight.shape[0]), bias=bias)


def convolution(
    sketch: Sketch,
    x: Symbol,
    weight: Weight,
    *,
    bias: Weight | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Symbol:
    """Return a convolution over one or two axes.

    Args:
        sketch: What is drawn.
        x: Shape `(1, channels, length)` or `(1, channels, high, wide)`.
        weight: Shape `(outputs, channels // groups, *kernel)`.
        bias: Shape `(outputs,)`.
        stride: One number, or one for each axis.
        padding: Zeros ahead of and behind each axis: one number, one for each axis, or one for
            each begin and then each end.
        dilation: One number, or one for each axis.
        groups: Independent groups of channels.
    """
    rank = len(weight.shape) - 2
    if rank not in (1, 2) or len(x.shape) != rank + 2 or x.shape[0] != 1:
        sketch.refuse(f"convolution {weight.shape} of {x.shape}", "one or two axes and a batch")
    if x.shape[1] != weight.shape[1] * groups:
        sketch.refuse(f"convolution {weight.shape} of {x.shape}", "as many channels")
    source = sketch.form(x, _map(x.shape))
    around = tuple(padding) if len(padding) == 2 * rank else (*_each(padding, rank),) * 2
    begins, ends = _pair(around[:rank], 0), _pair(around[rank:], 0)
    if begins != ends:
        source = pad_map(sketch, source, (begins[0], ends[0], begins[1], ends[1]))
        begins = (0, 0)
    gather = Gather(
        _pair(weight.shape[2:], 1),
        _pair(_each(stride, rank), 1),
        begins,
        _pair(_each(dilation, rank), 1),
    )
    high, wide = gather.places(*sketch.nodes[source].value.shape[1:])
    matrix = weight.derived("taps", weight.tensor.flatten(1))
    shape = (1, weight.shape[0], wide) if rank == 1 else (1, weight.shape[0], high, wide)
    return sketch.product(source, matrix, shape, bias=bias, gather=gather, groups=groups)


def pad_map(
    sketch: Sketch, source: int, amounts: tuple[int, int, int, int], value: float = 0.0
) -> int:
    """Return a node with rows and columns of a number around a map.

    Args:
        sketch: What is drawn.
        source: Node of the map.
        amounts: Top, bottom, left, right.
        value: The number.
    """
    channels, high, wide = sketch.nodes[source].value.shape
    top, bottom, left, right = amounts
    shape = (1, channels, high + top + bottom, wide + left + right)
    return sketch.digital("pad", [source], shape, amounts=amounts, value=value).node


def batch_norm(
    sketch: Sketch,
    x: Symbol,
    *,
    weight: Weight | None,
    bias: Weight | None,
    mean: Weight,
    variance: Weight,
    epsilon: float,
) -> Symbol:
    """Return gain and shift of each channel, from statistics that are known.

    Args:
        sketch: What is drawn.
        x: Shape `(1, channels, …)`.
        weight: Factor of each channel.
        bias: Sum of each channel.
        mean: Running mean.
        variance: Running variance.
        epsilon: What is added to the variance.
    """
    channels = mean.shape[0]
    if len(x.shape) < 2 or x.shape[0] != 1 or x.shape[1] != channels:
        sketch.refuse(f"batch norm of {x.shape}", f"a batch and {channels} channels")
    factor = (variance.tensor + epsilon).rsqrt()
    if weight is not None:
        factor = weight.tensor * factor
    shift = -mean.tensor * factor
    if bias is not None:
        shift = bias.tensor + shift
    form: Shape = x.shape[1:] if len(x.shape) == 2 else _map(x.shape)
    keys = [part.key for part in (weight, bias, mean, variance) if part is not None]
    owner = (weight or mean).name
    gain = Weight(factor, ("batch norm gain", *keys), owner)
    return sketch.digital(
        "affine",
        [sketch.form(x, form)],
        x.shape,
        weights=(gain, Weight(shift, ("batch norm shift", *keys), owner)),
    )


def layer_norm(
    sketch: Sketch,
    x: Symbol,
    count: int,
    *,
    weight: Weight | None,
    bias: Weight | None,
    epsilon: float,
) -> Symbol:
    """Return a symbol whose last axes are one population.

    Args:
        sketch: What is drawn.
        x: The tensor.
        count: Number of axes.
        weight: Factor of each place.
        bias: Sum of each place.
        epsilon: What is added to the variance.
    """
    size = math.prod(x.shape[len(x.shape) - count :])
    before = math.prod(x.shape) // size
    source = sketch.form(x, (size,) if before == 1 else (before, size))
    weights = _affine(sketch, weight, bias, size)
    return sketch.digital("layer_norm", [source], x.shape, weights=weights, axes=1, eps=epsilon)


def group_norm(
    sketch: Sketch,
    x: Symbol,
    groups: int,
    *,
    weight: Weight | None,
    bias: Weight | None,
    epsilon: float,
) -> Symbol:
    """Return a symbol of which each group of channels is one population.

    Args:
        sketch: What is drawn.
        x: Shape `(1, channels, …)`.
        groups: Number of groups.
        weight: Factor of each channel.
        bias: Sum of each channel.
        epsilon: What is added to the variance.
    """
    if not 2 <= len(x.shape) <= 4 or x.shape[0] != 1:
        sketch.refuse(f"group norm of {x.shape}", "a batch, channels, and up to two more axes")
    source = sketch.form(x, x.shape[1:] if len(x.shape) == 2 else _map(x.shape))
    weights = _affine(sketch, weight, bias, x.shape[1])
    return sketch.digital(
        "group_norm", [source], x.shape, weights=weights, groups=groups, eps=epsilon
    )


def pool(
    sketch: Sketch,
    operator: str,
    x: Symbol,
    *,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil: bool,
    **constants: Any,
) -> Symbol:
    """Return the greatest or the mean number of each window.

    Args:
        sketch: What is drawn.
        operator: `max_pool` or `avg_pool`.
        x: Shape `(1, channels, length)` or `(1, channels, high, wide)`.
        kernel: One number, or one for each axis.
        stride: The same; empty for that of the kernel.
        padding: One number, or one for each axis.
        ceil: Whether a window may begin where it does not end.
        constants: Further settings of the operator.
    """
    rank = _pooled_axes(sketch, x)
    sizes = _each(kernel, rank)
    made = sketch.digital(
        operator,
        [sketch.form(x, _map(x.shape))],
        None,
        kernel=_pair(sizes, 1),
        stride=_pair(_each(stride, rank) if stride else sizes, 1),
        padding=_pair(_each(padding, rank), 0),
        ceil=ceil,
        **constants,
    )
    high, wide = sketch.shape(made)[1:]
    return Symbol(made.node, (*x.shape[:2], wide) if rank == 1 else (*x.shape[:2], high, wide))


def adaptive_pool(sketch: Sketch, x: Symbol, size: Sequence[int | None]) -> Symbol:
    """Return the means of as many windows as are wanted.

    Args:
        sketch: What is drawn.
        x: Shape `(1, channels, length)` or `(1, channels, high, wide)`.
        size: Windows of each axis; None for as many as there are places.
    """
    rank = _pooled_axes(sketch, x)
    wanted = tuple(
        own if n is None else int(n)
        for n, own in zip(size if len(size) == rank else (*size,) * rank, x.shape[2:], strict=True)
    )
    return sketch.digital(
        "adaptive_avg_pool",
        [sketch.form(x, _map(x.shape))],
        (*x.shape[:2], *wanted),
        size=_pair(wanted, 1),
    )


def embedding(sketch: Sketch, x: Symbol, table: Weight) -> Symbol:
    """Return a row of a table for each number.

    Args:
        sketch: What is drawn.
        x: Whole numbers.
        table: Shape `(rows, width)`.
    """
    source = sketch.form(x, (math.prod(x.shape),))
    return sketch.digital("embedding", [source], (*x.shape, table.shape[1]), weights=(table,))


def attention(
    sketch: Sketch,
    query: Symbol,
    key: Symbol,
    value: Symbol,
    *,
    mask: Weight | None,
    factor: float | None,
) -> tuple[Symbol, Symbol]:
    """Return `softmax(factor query key^T + mask) value`, and the softmax: digital, and counted.

    Args:
        sketch: What is drawn.
        query: Shape `(…, targets, width)`.
        key: Shape `(…, sources, width)`.
        value: Shape `(…, sources, values)`.
        mask: What is added to the scores; None for nothing.
        factor: Factor of the scores; None for one over the root of the width.

    Reference: Vaswani et al., NeurIPS, 2017, eq. 1.
    """
    rank = len(key.shape)
    turned = permute(sketch, key, (*range(rank - 2), rank - 1, rank - 2))
    scores = matmul(sketch, query, turned)
    scores = scale(sketch, scores, factor=query.shape[-1] ** -0.5 if factor is None else factor)
    if mask is not None:
        scores = combine(sketch, "add", scores, masked(mask))
    shares = along_axis(sketch, "softmax", scores, rank - 1)
    return matmul(sketch, shares, value), shares


def _affine(
    sketch: Sketch, weight: Weight | None, bias: Weight | None, size: int
) -> tuple[Weight, ...]:
    """Return gains and shifts as parameters of one axis; there are no shifts without gains."""
    if weight is None and bias is not None:
        sketch.refuse("a norm has shifts and no gains", "both, gains, or none")
    return tuple(w.derived("flat", w.tensor.reshape(size)) for w in (weight, bias) if w is not None)


def _pooled_axes(sketch: Sketch, x: Symbol) -> int:
    """Return how many axes behind the channels there are."""
    if len(x.shape) not in (3, 4) or x.shape[0] != 1:
        sketch.refuse(f"pool of {x.shape}", "a batch, channels, and one or two axes")
    return len(x.shape) - 2


def _map(shape: Shape) -> tuple[int, int, int]:
    """Return the form of a map: channels, high, wide."""
    if len(shape) == 4:
        return shape[1], shape[2], shape[3]
    return shape[1], 1, math.prod(shape[2:])


def _each(sizes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Return one number for each axis."""
    return tuple(sizes) * rank if len(sizes) == 1 and rank > 1 else tuple(sizes)


def _pair(sizes: Sequence[int], other: int) -> Pair:
    """Return two numbers; that of the only row is `other` where there is one axis."""
    return (other, int(sizes[0])) if len(sizes) == 1 else (int(sizes[0]), int(sizes[1]))
