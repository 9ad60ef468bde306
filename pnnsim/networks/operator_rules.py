"""Shapes of what digital operators make: rules that the table of operators refers to.

A rule returns the value that is made, or raises `WorkloadError`. Nothing here computes with numbers
of a sample, or counts operations.

Args:
    sources: Values that the operator reads.
    settings: Settings of the step, those that were left out included.
    parameters: Shapes of its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pnnsim.errors import WorkloadError
from pnnsim.networks.operator_constants import Settings
from pnnsim.networks.parts import Gather, Shape, Value

#: Sources, settings and shapes of parameters to the value that is made.
ShapeRule = Callable[[Sequence[Value], Settings, Sequence[Shape]], Value]


def same(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the shape of the only source."""
    return sources[0]


def sliced(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return what lies from `start` up to `stop` along `axis`, every `step`-th of it."""
    shape, axis = sources[0].shape, _axis(sources[0].shape, settings.whole("axis"))
    start, stop, step = settings.whole("start"), settings.whole("stop"), settings.whole("step")
    if not start < stop <= shape[axis]:
        raise WorkloadError(f"slice {start}:{stop} of an axis of {shape[axis]}; expected within it")
    return Value(_replaced(shape, axis, -(-(stop - start) // step)), sources[0].dtype)


def concatenated(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]
) -> Value:
    """Return sources one after the other along `axis`."""
    first = sources[0]
    axis = _axis(first.shape, settings.whole("axis"))
    for source in sources[1:]:
        alike = len(source.shape) == len(first.shape) and source.dtype == first.dtype
        if not alike or _replaced(source.shape, axis, 1) != _replaced(first.shape, axis, 1):
            raise WorkloadError(
                f"sources have shapes {first.shape} and {source.shape}; expected the same but "
                f"along axis {axis}"
            )
    return Value(_replaced(first.shape, axis, sum(s.shape[axis] for s in sources)), first.dtype)


def reshaped(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the same numbers in another shape."""
    shape = settings.wholes("shape")
    if math.prod(shape) != sources[0].size:
        raise WorkloadError(f"shape {shape} of {sources[0].shape}; expected as many numbers")
    return Value(shape, sources[0].dtype)


def transposed(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the axes in another order."""
    shape, axes = sources[0].shape, settings.wholes("axes")
    if sorted(axes) != list(range(len(shape))):
        raise WorkloadError(f"axes {axes} of {shape}; expected each axis once")
    return Value(tuple(shape[axis] for axis in axes), sources[0].dtype)


def flattened(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return one vector of all numbers."""
    return Value((sources[0].size,), sources[0].dtype)


def padded(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return a map with rows and columns of one number around it."""
    channels, high, wide = _map(sources[0].shape)
    amounts = settings.wholes("amounts")
    if len(amounts) != 4:
        raise WorkloadError(f"amounts are {amounts}; expected top, bottom, left, right")
    top, bottom, left, right = amounts
    return Value((channels, high + top + bottom, wide + left + right))


def filled(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the shape that is stated."""
    return Value(settings.wholes("shape"))


def stored(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the shape of the only parameter."""
    return Value(parameters[0])


def looked_up(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return a row of the table for each number of `(n,)`."""
    if len(sources[0].shape) != 1 or len(parameters[0]) != 2:
        raise WorkloadError(
            f"source {sources[0].shape} and table {parameters[0]}; expected (n,) and (rows, width)"
        )
    return Value((sources[0].shape[0], parameters[0][1]))


def repeated(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the channels several times, one whole set after the other."""
    shape = sources[0].shape
    return Value((settings.whole("times") * shape[0], *shape[1:]))


def shuffled(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return channels of all groups in turn."""
    if sources[0].shape[0] % settings.whole("groups"):
        raise WorkloadError(
            f"{settings.whole('groups')} groups of {sources[0].shape[0]} channels; expected a "
            "divisor"
        )
    return sources[0]


def broadcast(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the shape of two sources that are combined, axes of 1 repeated from the last on."""
    first, second = sources[0].shape, sources[1].shape
    rank = max(len(first), len(second))
    pairs = zip(
        (1,) * (rank - len(first)) + first, (1,) * (rank - len(second)) + second, strict=True
    )
    shape = []
    for one, other in pairs:
        if one != other and 1 not in (one, other):
            raise WorkloadError(f"sources have shapes {first} and {second}; expected alike")
        shape.append(max(one, other))
    return Value(tuple(shape))


def linear(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the product of a matrix `(outputs, inputs)` with the last axis of the source."""
    shape, weight = sources[0].shape, parameters[0]
    if len(weight) != 2 or weight[1] != shape[-1]:
        raise WorkloadError(f"weight {weight} on {shape}; expected (outputs, {shape[-1]})")
    _vector(parameters[1:], weight[0], "bias")
    return Value((*shape[:-1], weight[0]))


def convolved(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return a convolution; its weight has the shape of a `Matrix`, `(outputs, taps)`."""
    channels, high, wide = _map(sources[0].shape)
    gather, groups, weight = gathered(settings), settings.whole("groups"), parameters[0]
    taps = channels // groups * math.prod(gather.kernel)
    if channels % groups or len(weight) != 2 or weight[0] % groups or weight[1] != taps:
        raise WorkloadError(
            f"weight {weight} on {channels} channels in {groups} groups; expected (outputs, taps) "
            f"with {taps} taps, and groups that divide channels and outputs"
        )
    _vector(parameters[1:], weight[0], "bias")
    return Value((weight[0], *places(gather, high, wide)))


def gathered(settings: Settings) -> Gather:
    """Return how vectors are taken from a map, undilated where there is no such setting."""
    return Gather(
        settings.pair("kernel"),
        settings.pair("stride"),
        settings.pair("padding"),
        settings.pair("dilation") if settings.has("dilation") else (1, 1),
    )


def places(gather: Gather, high: int, wide: int) -> tuple[int, int]:
    """Return how many places a kernel has on a map, at least one.

    Args:
        gather: The kernel.
        high: Rows of the map.
        wide: Columns of the map.
    """
    down, across = gather.places(high, wide)
    if down < 1 or across < 1:
        raise WorkloadError(
            f"kernel {gather.kernel} on a map of {high} x {wide} with padding {gather.padding}; "
            "expected one that fits"
        )
    return down, across


def per_channel(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the source, which has a gain and a shift for each channel.

    Channels are the first axis of a map and the last axis of vectors.
    """
    shape = sources[0].shape
    channels = shape[0] if len(shape) == 3 else shape[-1]
    for name, found in zip(("gain", "shift"), parameters, strict=True):
        _vector((found,), channels, name)
    return sources[0]


def normalized(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the source, whose last `axes` axes are one population."""
    shape, axes = sources[0].shape, settings.whole("axes")
    if axes > len(shape):
        raise WorkloadError(f"{axes} axes of {shape}; expected at most {len(shape)}")
    for found in parameters:
        if found != shape[-axes:]:
            raise WorkloadError(f"a parameter has shape {found}; expected {shape[-axes:]}")
    return sources[0]


def grouped(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the source, of which each group of channels, the first axis, is one population."""
    shape = sources[0].shape
    if len(shape) == 2 or shape[0] % settings.whole("groups"):
        raise WorkloadError(
            f"{settings.whole('groups')} groups of {shape}; expected a map or a vector whose "
            "channels they divide"
        )
    for found in parameters:
        _vector((found,), shape[0], "a parameter")
    return sources[0]


def pooled(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return one number for each place of a window, in each channel.

    With `ceil` a last window may reach beyond the padding, as long as it starts within the map or
    the padding ahead of it.
    """
    channels, high, wide = _map(sources[0].shape)
    gather = gathered(settings)
    for pad, kernel in zip(gather.padding, gather.kernel, strict=True):
        if 2 * pad > kernel:
            raise WorkloadError(f"padding {pad} of a window of {kernel}; expected half at most")
    if not settings.flag("ceil"):
        return Value((channels, *places(gather, high, wide)))
    places(gather, high + gather.stride[0] - 1, wide + gather.stride[1] - 1)
    found = []
    for index, size in enumerate((high, wide)):
        pad, stride = gather.padding[index], gather.stride[index]
        reach = gather.dilation[index] * (gather.kernel[index] - 1) + 1
        count = -(-(size + 2 * pad - reach) // stride) + 1
        found.append(count - 1 if (count - 1) * stride >= size + pad else count)
    return Value((channels, *found))


def resized(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return a map of the stated size."""
    channels, _, _ = _map(sources[0].shape)
    return Value((channels, *settings.pair("size")))


def averaged(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the axes that are left, or `(1,)` where none is."""
    shape, axes = sources[0].shape, settings.wholes("axes")
    if not axes or len(set(axes)) != len(axes) or not set(axes) <= set(range(len(shape))):
        raise WorkloadError(f"axes {axes} of {shape}; expected some of its axes, each once")
    return Value(tuple(n for axis, n in enumerate(shape) if axis not in axes) or (1,))


def along(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the source, which has the axis that is stated."""
    _axis(sources[0].shape, settings.whole("axis"))
    return sources[0]


def multiplied(sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape]) -> Value:
    """Return the product of `(…, m, k)` and `(…, k, n)`, axes ahead of them alike."""
    first, second = sources[0].shape, sources[1].shape
    alike = len(first) == len(second) >= 2 and first[:-2] == second[:-2]
    if not alike or first[-1] != second[-2]:
        raise WorkloadError(f"sources have shapes {first} and {second}; expected (m, k) and (k, n)")
    return Value((*first[:-1], second[-1]))


def _axis(shape: Shape, axis: int) -> int:
    """Return an axis that a shape has; -1 is the last."""
    if not -1 <= axis < len(shape):
        raise WorkloadError(f"axis {axis} of {shape}; expected one of its {len(shape)}, or -1")
    return axis % len(shape)


def _map(shape: Shape) -> tuple[int, int, int]:
    """Return channels, height and width of a map."""
    if len(shape) != 3:
        raise WorkloadError(f"source has shape {shape}; expected a map (channels, high, wide)")
    return shape[0], shape[1], shape[2]


def _replaced(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _vector(found: Sequence[Shape], size: int, name: str) -> None:
    """Refuse parameters that are no vectors of one size."""
    for shape in found:
        if shape != (size,):
            raise WorkloadError(f"{name} has shape {shape}; expected {(size,)}")
