"""Recurrent layers: rules on a sketch, the same for every format.

`W_ih` of a whole sequence is one product of as many vectors; `W_hh` is used once for each item, the
first included, and what `W_ih` has made of the item is added to it. Biases that are only ever added
are one parameter.

References: torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU (equations and order of the gates).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.lowering.sketch_shapes import combine, concatenate, scale, slice_axis

Kind = Literal["tanh", "relu", "lstm", "gru"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Weights of one layer.

    Args:
        kind: `tanh` or `relu` of a plain network, `lstm` (gates i, f, g, o), `gru` (r, z, n).
        input_weight: Shape `(gates * hidden, inputs)`.
        hidden_weight: Shape `(gates * hidden, hidden)`.
        input_bias: Shape `(gates * hidden,)`; None for none.
        hidden_bias: The same.
    """

    kind: Kind
    input_weight: Weight
    hidden_weight: Weight
    input_bias: Weight | None = None
    hidden_bias: Weight | None = None


#: State of a layer: h, and c where there is one.
State = tuple[Operand, ...]


def run_layer(
    sketch: Sketch, cell: Cell, x: Symbol, state: State
) -> tuple[Operand, tuple[Operand, ...]]:
    """Return what a layer makes of a sequence, shape `(1, length, hidden)`, and its last state.

    Args:
        sketch: What is drawn.
        cell: The layer.
        x: Items, shape `(1, length, inputs)`.
        state: Where it starts.
    """
    length, width = x.shape[1], x.shape[2]
    source = sketch.form(x, (length, width) if length > 1 else (width,))
    rows = cell.input_weight.shape[0]
    drives = sketch.product(source, cell.input_weight, (1, length, rows), bias=_input_bias(cell))
    outputs: list[Operand] = []
    for place in range(length):
        item = slice_axis(sketch, drives, 1, slice(place, place + 1))
        drive = Symbol(sketch.form(item, (rows,)), (1, rows))
        state = _STEPS[cell.kind](sketch, cell, drive, state)
        h = state[0]
        outputs.append(Symbol(_node(sketch, h), (1, 1, h.shape[-1])))
    return concatenate(sketch, outputs, 1), state


def run_cell(sketch: Sketch, cell: Cell, x: Symbol, state: State) -> State:
    """Return the state of a cell after one item.

    Args:
        sketch: What is drawn.
        cell: The cell.
        x: The item, shape `(1, inputs)`.
        state: Its state before.
    """
    source = sketch.form(x, (x.shape[-1],))
    rows = cell.input_weight.shape[0]
    drive = sketch.product(source, cell.input_weight, (1, rows), bias=_input_bias(cell))
    return _STEPS[cell.kind](sketch, cell, drive, state)


def _input_bias(cell: Cell) -> Weight | None:
    """Return what is added to the products with the items."""
    first, second = cell.input_bias, cell.hidden_bias
    if cell.kind == "gru" or first is None or second is None:
        return first
    return Weight(first.tensor + second.tensor, ("sum", first.key, second.key), first.name)


def _node(sketch: Sketch, operand: Operand) -> int:
    """Return the node that holds a state as one vector."""
    size = operand.shape[-1]
    return sketch.form(sketch.symbol(operand, (size,)), (size,))


def _plain(sketch: Sketch, cell: Cell, drive: Symbol, state: State) -> State:
    """Return `f(W_ih x + W_hh h + b)`."""
    made = sketch.product(
        _node(sketch, state[0]), cell.hidden_weight, drive.shape, inject=drive.node
    )
    return (sketch.digital(cell.kind, [made.node], drive.shape),)


def _lstm(sketch: Sketch, cell: Cell, drive: Symbol, state: State) -> State:
    """Return `o tanh(c)` and `c = f c + i g`, all gates from one product."""
    gates = sketch.product(
        _node(sketch, state[0]), cell.hidden_weight, drive.shape, inject=drive.node
    )
    i, f, g, o = _gates(sketch, gates, 4)
    kept = combine(sketch, "multiply", _of(sketch, "sigmoid", f), _state(sketch, state[1]))
    written = combine(sketch, "multiply", _of(sketch, "sigmoid", i), _of(sketch, "tanh", g))
    c = combine(sketch, "add", kept, written)
    h = combine(sketch, "multiply", _of(sketch, "sigmoid", o), _of(sketch, "tanh", c))
    return h, c


def _gru(sketch: Sketch, cell: Cell, drive: Symbol, state: State) -> State:
    """Return `n + z (h - n)`, `n = tanh(W x + b + r (W h + b))`."""
    h = _state(sketch, state[0])
    inner = sketch.product(
        sketch.form(h, (h.shape[-1],)), cell.hidden_weight, drive.shape, bias=cell.hidden_bias
    )
    from_item, from_state = _gates(sketch, drive, 3), _gates(sketch, inner, 3)
    r, z = (
        _of(sketch, "sigmoid", combine(sketch, "add", first, second))
        for first, second in zip(from_item[:2], from_state[:2], strict=True)
    )
    reset = combine(sketch, "multiply", r, from_state[2])
    n = _of(sketch, "tanh", combine(sketch, "add", from_item[2], reset))
    change = combine(sketch, "add", h, scale(sketch, n, factor=-1.0))
    return (combine(sketch, "add", n, combine(sketch, "multiply", z, change)),)


def _state(sketch: Sketch, operand: Operand) -> Symbol:
    size = operand.shape[-1]
    return Symbol(_node(sketch, operand), (1, size))


def _gates(sketch: Sketch, x: Symbol, count: int) -> list[Symbol]:
    """Return equal parts of the last axis."""
    size = x.shape[-1] // count
    return [slice_axis(sketch, x, 1, slice(k * size, (k + 1) * size)) for k in range(count)]


def _of(sketch: Sketch, operator: str, x: Symbol) -> Symbol:
    return sketch.digital(operator, [x.node], x.shape)


_STEPS: dict[str, Callable[[Sketch, Cell, Symbol, State], State]] = {
    "tanh": _plain,
    "relu": _plain,
    "lstm": _lstm,
    "gru": _gru,
}


def stacked(
    sketch: Sketch, cells: Sequence[Cell], x: Symbol, states: Sequence[State]
) -> tuple[Operand, list[State]]:
    """Return what layers on top of each other make of a sequence, and their last states.

    Args:
        sketch: What is drawn.
        cells: The layers.
        x: Items, shape `(1, length, inputs)`.
        states: Where each layer starts.
    """
    found: Operand = x
    last = []
    for cell, state in zip(cells, states, strict=True):
        found, after = run_layer(sketch, cell, sketch.symbol(found), state)
        last.append(after)
    return found, last
