"""Rules of torch's recurrent functions: RNN, LSTM and GRU over a sequence, and their cells.

Arguments are those of the functions that the layers of torch call, `sketch` ahead of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.lowering.sketch_recurrent import Cell, Kind, State, run_cell, stacked
from pnnsim.networks.lowering.sketch_shapes import concatenate, permute, select
from pnnsim.networks.lowering.torch_trace import Rule


def _sequence(kind: Kind, names: Sequence[str]) -> Rule:
    """Return the rule of a layer that reads a sequence.

    Args:
        kind: Kind of its cells.
        names: Names of its states, h ahead of c.
    """

    def rule(
        sketch: Sketch,
        input: Symbol,
        hx: Any,
        params: Any,
        has_biases: Any,
        num_layers: Any,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: Any = None,
    ) -> tuple[Operand, ...]:
        if isinstance(hx, Sequence) != (kind == "lstm") or not isinstance(has_biases, bool):
            sketch.refuse("a packed sequence", "a tensor")
        if bidirectional:
            sketch.refuse("a bidirectional layer", "one that reads forward", _BACKWARD)
        each = 4 if has_biases else 2
        if len(params) != each * num_layers:
            sketch.refuse("a layer with projections", "proj_size = 0")
        cells = [_cell(kind, params[k : k + each]) for k in range(0, len(params), each)]
        first: tuple[Any, ...] = tuple(hx) if kind == "lstm" else (hx,)
        states = [
            tuple(_of_layer(sketch, state, layer) for state in first) for layer in range(num_layers)
        ]
        x = input if batch_first else permute(sketch, input, (1, 0, 2))
        made, last = stacked(sketch, cells, x, states)
        output = sketch.symbol(made)
        if not batch_first:
            output = permute(sketch, output, (1, 0, 2))
        return output, *(_of_all(sketch, [state[k] for state in last]) for k in range(len(names)))

    return rule


def _single(kind: Kind) -> Rule:
    """Return the rule of a cell."""

    def rule(
        sketch: Sketch,
        input: Symbol,
        hx: Any,
        w_ih: Weight,
        w_hh: Weight,
        b_ih: Weight | None = None,
        b_hh: Weight | None = None,
    ) -> Any:
        cell = Cell(kind, w_ih, w_hh, b_ih, b_hh)
        x = sketch.symbol(input)
        made: State = run_cell(sketch, cell, x, tuple(hx) if kind == "lstm" else (hx,))
        return made if kind == "lstm" else made[0]

    return rule


_BACKWARD = "run two layers, one on the items in reverse order, and concatenate what they make"


def _cell(kind: Kind, weights: Sequence[Weight]) -> Cell:
    """Return the cell of weights in torch's order."""
    return Cell(kind, *weights)


def _of_layer(sketch: Sketch, state: Operand, layer: int) -> Operand:
    """Return the part of a state, shape `(layers, 1, hidden)`, that a layer starts from."""
    size = state.shape[-1]
    if isinstance(state, Weight):
        part = state.tensor[layer].reshape(1, size)
        return state.derived(("layer", layer), part)
    if state.shape[0] == 1:
        return Symbol(state.node, (1, size))
    return select(sketch, state, 0, layer)


def _of_all(sketch: Sketch, states: Sequence[Operand]) -> Operand:
    """Return the last states of all layers as torch does, shape `(layers, 1, hidden)`."""
    lifted = []
    for state in states:
        size = state.shape[-1]
        lifted.append(Symbol(sketch.symbol(state, (size,)).node, (1, 1, size)))
    return concatenate(sketch, lifted, 0)


RECURRENT: Mapping[str, Rule] = MappingProxyType(
    {
        "lstm": _sequence("lstm", ("h", "c")),
        "gru": _sequence("gru", ("h",)),
        "rnn_tanh": _sequence("tanh", ("h",)),
        "rnn_relu": _sequence("relu", ("h",)),
        "lstm_cell": _single("lstm"),
        "gru_cell": _single("gru"),
        "rnn_tanh_cell": _single("tanh"),
        "rnn_relu_cell": _single("relu"),
    }
)
