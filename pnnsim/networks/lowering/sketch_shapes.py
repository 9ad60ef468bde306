"""Operators that arrange or combine tensors: rules on a sketch, the same for every format.

Axes are those of the network, the batch included. A rule finds a form of at most three axes in
which the operator of the table does the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.parts import Shape

#: Additive masks are stored; a softmax of float64 takes e^-1e9 for 0.
_NEVER = -1e9


def axis_of(sketch: Sketch, shape: Shape, axis: int) -> int:
    """Return an axis that a shape has, counted from the first.

    Args:
        sketch: What is drawn.
        shape: The shape.
        axis: The axis; counted from the end where it is negative.
    """
    if not -len(shape) <= axis < len(shape):
        sketch.refuse(f"axis {axis} of {shape}", f"one of its {len(shape)}")
    return axis % len(shape)


def reshape(sketch: Sketch, x: Symbol, shape: Sequence[int]) -> Symbol:
    """Return a symbol in another shape; one size may be -1.

    Args:
        sketch: What is drawn.
        x: The tensor.
        shape: New shape.
    """
    sizes = [int(size) for size in shape]
    total = math.prod(x.shape)
    if sizes.count(-1) == 1:
        known = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = total // max(known, 1)
    if math.prod(sizes) != total:
        sketch.refuse(f"reshape of {x.shape} to {tuple(shape)}", "as many numbers")
    return Symbol(x.node, tuple(sizes))


def flatten(sketch: Sketch, x: Symbol, start: int, end: int) -> Symbol:
    """Return a symbol with axes from `start` to `end` as one.

    Args:
        sketch: What is drawn.
        x: The tensor.
        start: First axis.
        end: Last axis.
    """
    rank = len(x.shape)
    start, end = start % rank, end % rank
    merged = math.prod(x.shape[start : end + 1])
    return Symbol(x.node, (*x.shape[:start], merged, *x.shape[end + 1 :]))


def permute(sketch: Sketch, x: Symbol, order: Sequence[int]) -> Symbol:
    """Return a symbol with its axes in another order.

    Args:
        sketch: What is drawn.
        x: The tensor.
        order: Old axis of each new one.
    """
    rank = len(x.shape)
    order = [axis_of(sketch, x.shape, axis) for axis in order]
    if len(set(order)) != rank:
        sketch.refuse(f"axes of {x.shape} in the order {tuple(order)}", "each axis once")
    shape = tuple(x.shape[axis] for axis in order)
    sorted_axes = [axis for axis in range(rank) if x.shape[axis] != 1]
    runs: list[list[int]] = []
    for axis in (axis for axis in order if x.shape[axis] != 1):
        place = sorted_axes.index(axis)
        if runs and place and sorted_axes[place - 1] == runs[-1][-1]:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    if len(runs) <= 1:
        return Symbol(x.node, shape)
    if len(runs) > 3:
        sketch.refuse(f"axes of {x.shape} in the order {tuple(order)}", "at most three moved axes")
    before = sorted(runs)
    source = sketch.form(x, [math.prod(x.shape[axis] for axis in run) for run in before])
    axes = tuple(before.index(run) for run in runs)
    return sketch.digital("transpose", [source], shape, axes=axes)


def slice_axis(sketch: Sketch, x: Symbol, axis: int, part: slice) -> Symbol:
    """Return a part of a symbol along one axis.

    Args:
        sketch: What is drawn.
        x: The tensor.
        axis: Axis that is cut.
        part: Which part of it.
    """
    axis = axis_of(sketch, x.shape, axis)
    start, stop, step = part.indices(x.shape[axis])
    if step < 1 or stop <= start:
        sketch.refuse(f"slice {start}:{stop}:{step} of {x.shape}", "a part that is not empty")
    if (start, stop, step) == (0, x.shape[axis], 1):
        return x
    source, own = _along(sketch, x, axis)
    count = -(-(stop - start) // step)
    return sketch.digital(
        "slice",
        [source],
        _replaced(x.shape, axis, count),
        axis=own,
        start=start,
        stop=stop,
        step=step,
    )


def select(sketch: Sketch, x: Symbol, axis: int, index: int) -> Symbol:
    """Return one place of an axis, which vanishes.

    Args:
        sketch: What is drawn.
        x: The tensor.
        axis: The axis.
        index: Place; counted from the end where it is negative.
    """
    axis = axis_of(sketch, x.shape, axis)
    size = x.shape[axis]
    if not -size <= index < size:
        sketch.refuse(f"place {index} of an axis of {size}", "one that it has")
    index %= size
    part = slice_axis(sketch, x, axis, slice(index, index + 1))
    return Symbol(part.node, (*x.shape[:axis], *x.shape[axis + 1 :]))


def concatenate(sketch: Sketch, operands: Sequence[Operand], axis: int) -> Operand:
    """Return tensors one after the other along an axis.

    Args:
        sketch: What is drawn.
        operands: The tensors.
        axis: The axis.
    """
    if len(operands) == 1:
        return operands[0]
    axis = axis_of(sketch, operands[0].shape, axis)
    first = _replaced(operands[0].shape, axis, 1)
    if any(_replaced(operand.shape, axis, 1) != first for operand in operands):
        sketch.refuse(f"{[o.shape for o in operands]} one after the other", "shapes that agree")
    shape = _replaced(operands[0].shape, axis, sum(operand.shape[axis] for operand in operands))
    symbols = [sketch.symbol(operand) for operand in operands]
    found = [_own_axis(sketch, symbol, axis) for symbol in symbols]
    values = [sketch.shape(symbol) for symbol in symbols]
    own = found[0]
    alike = own is not None and all(other == own for other in found)
    if alike and own is not None and len({_replaced(value, own, 1) for value in values}) == 1:
        sources = [symbol.node for symbol in symbols]
    else:
        forms = [_compressed(symbol.shape, axis) for symbol in symbols]
        own = forms[0][1]
        sources = [sketch.form(s, form) for s, (form, _) in zip(symbols, forms, strict=True)]
    return sketch.digital("concatenate", sources, shape, axis=own)


def along_axis(sketch: Sketch, operator: str, x: Symbol, axis: int, **constants: Any) -> Symbol:
    """Return an operator along one axis, which keeps the shape.

    Args:
        sketch: What is drawn.
        operator: Name in the table, with a setting `axis`.
        x: The tensor.
        axis: The axis.
        constants: Further settings.
    """
    source, own = _along(sketch, x, axis_of(sketch, x.shape, axis))
    return sketch.digital(operator, [source], x.shape, axis=own, **constants)


def mean(sketch: Sketch, x: Symbol, axes: Sequence[int], *, keep: bool) -> Symbol:
    """Return the mean over axes.

    Args:
        sketch: What is drawn.
        x: The tensor.
        axes: Axes of the network; none for all but the batch is not known here.
        keep: Whether they stay, with size 1.
    """
    rank = len(x.shape)
    gone = {axis_of(sketch, x.shape, axis) for axis in axes}
    shape = tuple(
        1 if axis in gone else size for axis, size in enumerate(x.shape) if keep or axis not in gone
    )
    moved = [axis for axis in range(rank) if x.shape[axis] != 1]
    if not any(axis in gone for axis in moved):
        return Symbol(x.node, shape)
    if sketch.shape(x) == x.shape[1:] and x.shape[0] == 1:
        own = tuple(sorted(axis - 1 for axis in gone if axis))
        return sketch.digital("mean", [x.node], shape, axes=own)
    runs: list[list[int]] = []
    for axis in moved:
        if runs and (runs[-1][-1] in gone) == (axis in gone):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    if len(runs) > 3:
        sketch.refuse(f"mean of {x.shape} over the axes {tuple(axes)}", "neighboring axes")
    source = sketch.form(x, [math.prod(x.shape[axis] for axis in run) for run in runs])
    own = tuple(index for index, run in enumerate(runs) if run[0] in gone)
    return sketch.digital("mean", [source], shape, axes=own)


def combine(sketch: Sketch, operator: str, first: Operand, second: Operand) -> Symbol:
    """Return the sum (`add`) or the product (`multiply`) of two tensors, axes of 1 repeated.

    Args:
        sketch: What is drawn.
        operator: `add` or `multiply`.
        first: One tensor.
        second: The other; one of them at least is a symbol.
    """
    shape = _broadcast(sketch, first.shape, second.shape)
    for one, other in ((first, second), (second, first)):
        if isinstance(other, Weight) and isinstance(one, Symbol):
            number = other.number
            if number is not None and math.prod(shape) == math.prod(one.shape):
                factor, offset = (1.0, number) if operator == "add" else (number, 0.0)
                return Symbol(scale(sketch, one, factor=factor, offset=offset).node, shape)
    one, other = sketch.symbol(first), sketch.symbol(second)
    if math.prod(one.shape) == math.prod(other.shape) == math.prod(shape):
        # Of two forms, the one that a product makes is kept: the sum may go into the product.
        form = sketch.shape(one if one.node > other.node else other)
        return sketch.digital(operator, [sketch.form(one, form), sketch.form(other, form)], shape)
    forms = _aligned(sketch, one.shape, other.shape)
    sources = [sketch.form(s, form) for s, form in zip((one, other), forms, strict=True)]
    return sketch.digital(operator, sources, shape)


def scale(sketch: Sketch, x: Symbol, *, factor: float = 1.0, offset: float = 0.0) -> Symbol:
    """Return `factor * x + offset`; the symbol itself where nothing changes.

    Args:
        sketch: What is drawn.
        x: The tensor.
        factor: Factor.
        offset: What is added.
    """
    if factor == 1.0 and offset == 0.0:
        return x
    return sketch.digital("scale", [x.node], x.shape, factor=factor, offset=offset)


def matmul(sketch: Sketch, first: Symbol, second: Symbol) -> Symbol:
    """Return the product of two tensors that samples make: digital, and counted.

    Args:
        sketch: What is drawn.
        first: Shape `(…, m, k)`.
        second: Shape `(…, k, n)`.
    """
    ahead, behind = first.shape[:-2], second.shape[:-2]
    if min(len(first.shape), len(second.shape)) < 2 or math.prod(ahead) != math.prod(behind):
        sketch.refuse(
            f"product of {first.shape} and {second.shape}", "as many matrices on both sides"
        )
    count = math.prod(ahead)
    forms = [x.shape[-2:] if count == 1 else (count, *x.shape[-2:]) for x in (first, second)]
    sources = [sketch.form(x, form) for x, form in zip((first, second), forms, strict=True)]
    leading = ahead if len(ahead) >= len(behind) else behind
    return sketch.digital("matmul", sources, (*leading, first.shape[-2], second.shape[-1]))


def masked(weight: Weight) -> Weight:
    """Return an additive mask whose places of -inf are so low that a softmax gives 0 there."""
    return weight.derived("mask", weight.tensor.clamp(min=_NEVER))


def _broadcast(sketch: Sketch, first: Shape, second: Shape) -> Shape:
    """Return the shape of two that are combined, axes of 1 repeated."""
    rank = max(len(first), len(second))
    pairs = zip(
        (1,) * (rank - len(first)) + first, (1,) * (rank - len(second)) + second, strict=True
    )
    shape = []
    for one, other in pairs:
        if one != other and 1 not in (one, other):
            sketch.refuse(f"shapes {first} and {second} are combined", "shapes that agree")
        shape.append(max(one, other))
    return tuple(shape)


def _along(sketch: Sketch, x: Symbol, axis: int) -> tuple[int, int]:
    """Return a node that has an axis of the network, and its number there."""
    own = _own_axis(sketch, x, axis)
    if own is not None:
        return x.node, own
    form, own = _compressed(x.shape, axis)
    return sketch.form(x, form), own


def _own_axis(sketch: Sketch, x: Symbol, axis: int) -> int | None:
    """Return the axis of a value that is an axis of the network; None where it has none."""
    value, before = sketch.shape(x), math.prod(x.shape[:axis])
    for own, size in enumerate(value):
        if size == x.shape[axis] and math.prod(value[:own]) == before:
            return own
    return None


def _compressed(shape: Shape, axis: int) -> tuple[Shape, int]:
    """Return a form with one axis apart from all ahead of it and all behind it."""
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    ahead = (before,) if before != 1 else ()
    behind = (after,) if after != 1 else ()
    return (*ahead, shape[axis], *behind), len(ahead)


def _aligned(sketch: Sketch, first: Shape, second: Shape) -> tuple[Shape, Shape]:
    """Return forms of two shapes in which axes of 1 are repeated."""
    rank = max(len(first), len(second))
    pairs = zip(
        (1,) * (rank - len(first)) + first, (1,) * (rank - len(second)) + second, strict=True
    )
    merged: list[tuple[int, int]] = []
    for one, other in pairs:
        if one == other == 1:
            continue
        if merged and _repeats(merged[-1]) == _repeats((one, other)):
            merged[-1] = merged[-1][0] * one, merged[-1][1] * other
        else:
            merged.append((one, other))
    if len(merged) > 3:
        sketch.refuse(f"sum or product of {first} and {second}", "at most three kinds of axes")
    return tuple(one for one, _ in merged), tuple(other for _, other in merged)


def _repeats(pair: tuple[int, int]) -> tuple[bool, bool]:
    return pair[0] == 1, pair[1] == 1


def _replaced(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])
