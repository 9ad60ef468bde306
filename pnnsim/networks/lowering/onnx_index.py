"""Rules of ONNX that arrange numbers: shapes, parts, tables.

Reference: Open Neural Network Exchange, operators of domain `ai.onnx`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch

from pnnsim.networks.lowering import sketch_layers as layers
from pnnsim.networks.lowering import sketch_shapes as shapes
from pnnsim.networks.lowering.onnx_file import Call
from pnnsim.networks.lowering.onnx_operands import Given, Rule, maybe, symbol, weight, wholes
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight


def _same(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    return [symbol(sketch, given[0])]


def _flatten(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    axis = int(call.attributes.get("axis", 1))
    axis = axis % len(x.shape) if axis < len(x.shape) else axis
    shape = (math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))
    return [Symbol(x.node, shape)]


def _reshape(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    wanted = wholes(sketch, call, given, 1, "shape") or []
    if not call.attributes.get("allowzero", 0):
        wanted = [
            x.shape[axis] if size == 0 and axis < len(x.shape) else size
            for axis, size in enumerate(wanted)
        ]
    return [shapes.reshape(sketch, x, wanted)]


def _squeeze(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    axes = wholes(sketch, call, given, 1, "axes")
    if axes is None:
        axes = [axis for axis, size in enumerate(x.shape) if size == 1]
    gone = {axis % len(x.shape) for axis in axes}
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in gone)
    return [shapes.reshape(sketch, x, shape)]


def _unsqueeze(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    axes = wholes(sketch, call, given, 1, "axes") or []
    rank = len(x.shape) + len(axes)
    shape = list(x.shape)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    return [Symbol(x.node, tuple(shape))]


def _transpose(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    order = list(call.attributes.get("perm", reversed(range(len(x.shape)))))
    return [shapes.permute(sketch, x, order)]


def _concat(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    operands = [operand for operand in given if operand is not None]
    return [shapes.concatenate(sketch, operands, int(call.attributes["axis"]))]


def _split(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    axis = int(call.attributes.get("axis", 0))
    count, total = len(call.outputs), x.shape[axis]
    sizes = wholes(sketch, call, given, 1, "split")
    if sizes is None:
        each = -(-total // count)
        sizes = [min(each, total - at) for at in range(0, total, each)]
    if sum(sizes) != total or len(sizes) != count:
        sketch.refuse(f"parts of {sizes} of an axis of {total}", "parts that fill it")
    ends = [sum(sizes[: index + 1]) for index in range(count)]
    return [
        shapes.slice_axis(sketch, x, axis, slice(end - size, end))
        for size, end in zip(sizes, ends, strict=True)
    ]


def _slice(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    starts = wholes(sketch, call, given, 1, "starts") or []
    ends = wholes(sketch, call, given, 2, "ends") or []
    axes = wholes(sketch, call, given, 3, "axes") or list(range(len(starts)))
    steps = wholes(sketch, call, given, 4, "steps") or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            sketch.refuse("a slice backward", "one forward")
        x = shapes.slice_axis(sketch, x, axis, slice(start, end, step))
    return [x]


def _gather(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    data, index = given[0], given[1]
    axis = int(call.attributes.get("axis", 0))
    if isinstance(data, Weight) and isinstance(index, Symbol) and axis == 0:
        return [layers.embedding(sketch, index, data)]
    places = weight(sketch, index, "the places")
    if places.tensor.numel() != 1 or places.tensor.dim() > 1:
        sketch.refuse(f"Gather of {places.tensor.numel()} places", "one, or rows of a table")
    x = shapes.select(sketch, symbol(sketch, data), axis, int(places.tensor.item()))
    if places.tensor.dim():
        axis %= len(x.shape) + 1
        x = Symbol(x.node, (*x.shape[:axis], 1, *x.shape[axis:]))
    return [x]


def _pad(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x, rank = symbol(sketch, given[0]), len(symbol(sketch, given[0]).shape)
    pads = wholes(sketch, call, given, 1, "pads") or []
    value = maybe(sketch, given, 2, "the number")
    own = call.attributes.get("mode", "constant") == "constant" and rank in (3, 4)
    if not own or len(pads) != 2 * rank or any(pads[:2] + pads[rank : rank + 2]) or min(pads) < 0:
        sketch.refuse(f"pads {pads} of {x.shape}", "numbers around a map, mode constant")
    begins, ends = pads[2:rank], pads[rank + 2 :]
    amounts = (0, 0, begins[-1], ends[-1])
    if rank == 4:
        amounts = (begins[0], ends[0], begins[1], ends[1])
    source = sketch.form(x, x.shape[1:] if rank == 4 else (x.shape[1], 1, x.shape[2]))
    number = 0.0 if value is None else float(value.tensor.item())
    made = layers.pad_map(sketch, source, amounts, number)
    sizes = [n + b + e for n, b, e in zip(x.shape[2:], begins, ends, strict=True)]
    return [Symbol(made, (*x.shape[:2], *sizes))]


def _shape(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    sizes = torch.tensor(x.shape, dtype=torch.int64)
    return [Weight(sizes, ("shape", x.shape), learned=False)]


INDEXING: Mapping[str, Rule] = MappingProxyType(
    {
        "Cast": _same,
        "Concat": _concat,
        "Dropout": _same,
        "Flatten": _flatten,
        "Gather": _gather,
        "Identity": _same,
        "Pad": _pad,
        "Reshape": _reshape,
        "Shape": _shape,
        "Slice": _slice,
        "Split": _split,
        "Squeeze": _squeeze,
        "Transpose": _transpose,
        "Unsqueeze": _unsqueeze,
    }
)
