"""Rules of torch that arrange numbers: shapes, parts, sequences of tensors.

Arguments are those of the functions of torch, `sketch` ahead of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import EllipsisType, MappingProxyType
from typing import Any

from pnnsim.networks.lowering import sketch_shapes as shapes
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol
from pnnsim.networks.lowering.sketch_layers import pad_map
from pnnsim.networks.lowering.torch_trace import Rule

Index = int | slice | EllipsisType | None


def _reshape(sketch: Sketch, input: Symbol, *shape: Any) -> Symbol:
    return shapes.reshape(sketch, input, _flat(shape))


def _reshape_as(sketch: Sketch, input: Symbol, other: Operand) -> Symbol:
    return shapes.reshape(sketch, input, other.shape)


def _flatten(sketch: Sketch, input: Symbol, start_dim: int = 0, end_dim: int = -1) -> Symbol:
    return shapes.flatten(sketch, input, start_dim, end_dim)


def _unflatten(sketch: Sketch, input: Symbol, dim: int, sizes: Sequence[int]) -> Symbol:
    dim %= len(input.shape)
    known = math.prod(size for size in sizes if size != -1)
    found = [input.shape[dim] // known if size == -1 else size for size in sizes]
    return Symbol(input.node, (*input.shape[:dim], *found, *input.shape[dim + 1 :]))


def _squeeze(sketch: Sketch, input: Symbol, dim: int | Sequence[int] | None = None) -> Symbol:
    rank = len(input.shape)
    axes = range(rank) if dim is None else _flat((dim,))
    gone = {axis % rank for axis in axes}
    return Symbol(
        input.node,
        tuple(n for axis, n in enumerate(input.shape) if n != 1 or axis not in gone),
    )


def _unsqueeze(sketch: Sketch, input: Symbol, dim: int) -> Symbol:
    dim %= len(input.shape) + 1
    return Symbol(input.node, (*input.shape[:dim], 1, *input.shape[dim:]))


def _permute(sketch: Sketch, input: Symbol, *dims: Any) -> Symbol:
    return shapes.permute(sketch, input, _flat(dims))


def _transpose(sketch: Sketch, input: Symbol, dim0: int, dim1: int) -> Symbol:
    order = list(range(len(input.shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return shapes.permute(sketch, input, order)


def _turned(sketch: Sketch, input: Symbol) -> Symbol:
    if len(input.shape) < 2:
        return input
    return _transpose(sketch, input, -1, -2)


def _movedim(sketch: Sketch, input: Symbol, source: int, destination: int) -> Symbol:
    rank = len(input.shape)
    order = [axis for axis in range(rank) if axis != source % rank]
    order.insert(destination % rank, source % rank)
    return shapes.permute(sketch, input, order)


def _cat(sketch: Sketch, tensors: Sequence[Operand], dim: int = 0, **_: Any) -> Operand:
    return shapes.concatenate(sketch, tensors, dim)


def _stack(sketch: Sketch, tensors: Sequence[Operand], dim: int = 0) -> Operand:
    dim %= len(tensors[0].shape) + 1
    lifted = [_unsqueeze(sketch, sketch.symbol(tensor), dim) for tensor in tensors]
    return shapes.concatenate(sketch, lifted, dim)


def _chunk(sketch: Sketch, input: Symbol, chunks: int, dim: int = 0) -> list[Symbol]:
    return _split(sketch, input, -(-input.shape[dim] // chunks), dim)


def _split(
    sketch: Sketch, tensor: Symbol, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> list[Symbol]:
    total, sections = tensor.shape[dim], split_size_or_sections
    if isinstance(sections, int):
        sections = [min(sections, total - at) for at in range(0, total, sections)]
    found, at = [], 0
    for size in sections:
        found.append(shapes.slice_axis(sketch, tensor, dim, slice(at, at + size)))
        at += size
    return found


def _unbind(sketch: Sketch, input: Symbol, dim: int = 0) -> list[Symbol]:
    return [shapes.select(sketch, input, dim, index) for index in range(input.shape[dim])]


def _select(sketch: Sketch, input: Symbol, dim: int, index: int) -> Symbol:
    return shapes.select(sketch, input, dim, index)


def _narrow(sketch: Sketch, input: Symbol, dim: int, start: int, length: int) -> Symbol:
    start = start % input.shape[dim]
    return shapes.slice_axis(sketch, input, dim, slice(start, start + length))


def _expand(sketch: Sketch, input: Symbol, *sizes: Any) -> Symbol:
    wanted = _flat(sizes)
    shape = (1,) * (len(wanted) - len(input.shape)) + input.shape
    made = Symbol(input.node, shape)
    for axis, (size, own) in enumerate(zip(wanted, shape, strict=True)):
        if own == 1 and size > 1:
            made = _repeated(sketch, made, axis, size)
    return made


def _expand_as(sketch: Sketch, input: Symbol, other: Operand) -> Symbol:
    return _expand(sketch, input, *other.shape)


def _repeat(sketch: Sketch, input: Symbol, *sizes: Any) -> Symbol:
    times = _flat(sizes)
    made = Symbol(input.node, (1,) * (len(times) - len(input.shape)) + input.shape)
    for axis, count in enumerate(times):
        if count > 1:
            made = _repeated(sketch, made, axis, count)
    return made


def _repeated(sketch: Sketch, x: Symbol, axis: int, times: int) -> Symbol:
    """Return a tensor several times along an axis."""
    return sketch.symbol(shapes.concatenate(sketch, [x] * times, axis))


def _flip(sketch: Sketch, input: Symbol, *dims: Any) -> Symbol:
    made = input
    for axis in _flat(dims):
        places = _unbound(sketch, made, axis)
        made = sketch.symbol(shapes.concatenate(sketch, places[::-1], axis))
    return made


def _roll(sketch: Sketch, input: Symbol, shifts: Any, dims: Any = None) -> Symbol:
    if dims is None:
        sketch.refuse("roll over all axes", "dims")
    made = input
    for shift, axis in zip(_flat((shifts,)), _flat((dims,)), strict=True):
        size = made.shape[axis]
        cut = (size - shift) % size
        if cut:
            ends = (slice(cut, size), slice(0, cut))
            parts = [shapes.slice_axis(sketch, made, axis, end) for end in ends]
            made = sketch.symbol(shapes.concatenate(sketch, parts, axis))
    return made


def _unbound(sketch: Sketch, x: Symbol, axis: int) -> list[Symbol]:
    """Return each place of an axis, the axis kept."""
    count = x.shape[axis]
    return [shapes.slice_axis(sketch, x, axis, slice(k, k + 1)) for k in range(count)]


def _getitem(sketch: Sketch, input: Symbol, index: Any) -> Symbol:
    made, axis = input, 0
    for part in _parts(sketch, input, index):
        if part is None:
            made = _unsqueeze(sketch, made, axis)
            axis += 1
        elif isinstance(part, slice):
            made = shapes.slice_axis(sketch, made, axis, part)
            axis += 1
        elif isinstance(part, int):
            made = shapes.select(sketch, made, axis, part)
    return made


def _setitem(sketch: Sketch, input: Operand, index: Any, value: Any) -> Operand:
    """Return a tensor of which one part along one axis is another tensor."""
    parts = _parts(sketch, input, index)
    cut = [
        axis
        for axis, part in enumerate(parts)
        if part is None or not isinstance(part, slice) or part != slice(None)
    ]
    if isinstance(value, int | float) or len(cut) > 1 or any(part is None for part in parts):
        sketch.refuse("an assignment to parts of a tensor", "whole tensors along one axis")
    base = sketch.symbol(input, _without_batch(input.shape))
    if not cut:
        return _expand(sketch, sketch.symbol(value), *base.shape)
    axis, size = cut[0], base.shape[cut[0]]
    part = parts[axis]
    if isinstance(part, int):
        start = part % size
        stop, step = start + 1, 1
    else:
        assert isinstance(part, slice), "other indices were refused"
        start, stop, step = part.indices(size)
    shape = (*base.shape[:axis], stop - start, *base.shape[axis + 1 :])
    if step != 1 or math.prod(value.shape) != math.prod(shape):
        sketch.refuse("an assignment that repeats numbers", "as many as are replaced")
    pieces: list[Operand] = []
    if start:
        pieces.append(shapes.slice_axis(sketch, base, axis, slice(0, start)))
    pieces.append(Symbol(sketch.symbol(value).node, shape))
    if stop < size:
        pieces.append(shapes.slice_axis(sketch, base, axis, slice(stop, size)))
    return shapes.concatenate(sketch, pieces, axis)


def _pad(
    sketch: Sketch,
    input: Symbol,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Symbol:
    around = [*pad, 0, 0, 0, 0][:4] if len(pad) <= 4 else []
    rank = len(input.shape)
    if rank == 3 and any(around[2:]):
        around = []
    if mode != "constant" or not around or min(around) < 0 or rank not in (3, 4):
        sketch.refuse(f"pad {tuple(pad)} of {input.shape}, mode {mode}", "numbers around a map")
    left, right, top, bottom = around
    number = 0.0 if value is None else float(value)
    if rank == 3:
        source = sketch.form(input, (input.shape[1], 1, input.shape[2]))
    else:
        source = sketch.form(input, input.shape[1:])
    made = pad_map(sketch, source, (top, bottom, left, right), number)
    sizes = (input.shape[-2] + top + bottom, input.shape[-1] + left + right)
    return Symbol(made, (*input.shape[:-2], *sizes))


def _channel_shuffle(sketch: Sketch, input: Symbol, groups: int) -> Symbol:
    source = sketch.form(input, (input.shape[1], math.prod(input.shape[2:])))
    return sketch.digital("channel_shuffle", [source], input.shape, groups=groups)


def _parts(sketch: Sketch, input: Operand, index: Any) -> list[Index]:
    """Return what is taken of each axis, without an ellipsis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    for part in parts:
        known = part is None or part is Ellipsis or isinstance(part, int | slice)
        if not known or isinstance(part, bool):
            sketch.refuse("an index that is a tensor or a list", "whole numbers and slices")
    taken = sum(1 for part in parts if part is not None and part is not Ellipsis)
    rest: list[Index] = [slice(None)] * (len(input.shape) - taken)
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        return [*parts[:place], *rest, *parts[place + 1 :]]
    return [*parts, *rest]


def _without_batch(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(size for size in shape if size != 1)
    return sizes or (1,)


def _flat(sizes: Sequence[Any]) -> tuple[int, ...]:
    """Return sizes that are given one by one or as one sequence."""
    if len(sizes) == 1 and isinstance(sizes[0], Sequence):
        sizes = sizes[0]
    return tuple(int(size) for size in sizes)


INDEXING: Mapping[str, Rule] = MappingProxyType(
    {
        "reshape": _reshape,
        "view": _reshape,
        "_unsafe_view": _reshape,
        "reshape_as": _reshape_as,
        "view_as": _reshape_as,
        "flatten": _flatten,
        "ravel": _flatten,
        "unflatten": _unflatten,
        "squeeze": _squeeze,
        "unsqueeze": _unsqueeze,
        "permute": _permute,
        "transpose": _transpose,
        "swapaxes": _transpose,
        "swapdims": _transpose,
        "movedim": _movedim,
        "moveaxis": _movedim,
        "t": _turned,
        "T": _turned,
        "mT": _turned,
        "cat": _cat,
        "concat": _cat,
        "concatenate": _cat,
        "stack": _stack,
        "chunk": _chunk,
        "split": _split,
        "unbind": _unbind,
        "__iter__": _unbind,
        "select": _select,
        "narrow": _narrow,
        "expand": _expand,
        "expand_as": _expand_as,
        "repeat": _repeat,
        "tile": _repeat,
        "flip": _flip,
        "roll": _roll,
        "__getitem__": _getitem,
        "__setitem__": _setitem,
        "pad": _pad,
        "channel_shuffle": _channel_shuffle,
        "native_channel_shuffle": _channel_shuffle,
    }
)
