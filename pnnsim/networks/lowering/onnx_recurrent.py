"""Rules of ONNX's recurrent operators, whose gates stand in another order than torch's.

Reference: Open Neural Network Exchange, operators LSTM, GRU and RNN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch

from pnnsim.networks.lowering.onnx_file import Call
from pnnsim.networks.lowering.onnx_operands import Given, Rule
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.lowering.sketch_recurrent import Cell, Kind, State, run_layer
from pnnsim.networks.lowering.sketch_shapes import permute

#: Place in ONNX of each gate of ours.
_ORDER: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"lstm": (0, 2, 3, 1), "gru": (1, 0, 2), "tanh": (0,), "relu": (0,)}
)
_USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
_SETTINGS = ("activations", "direction", "hidden_size", "layout", "linear_before_reset")


def _rule(operator: str, kind: Kind) -> Rule:
    """Return the rule of an operator."""

    def rule(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
        own = _kind(sketch, call, operator, kind)
        padded = [*given, *[None] * (8 - len(given))]
        x = padded[0]
        weights, state, bias = padded[1], padded[2], padded[3]
        if not isinstance(x, Symbol) or not isinstance(weights, Weight):
            sketch.refuse(f"{operator} whose weights a sample makes", "numbers of the file")
        if not isinstance(state, Weight) or isinstance(bias, Symbol):
            sketch.refuse(f"{operator} whose weights a sample makes", "numbers of the file")
        if padded[4] is not None or padded[7] is not None:
            sketch.refuse(f"{operator} with lengths or peepholes", "neither")
        if len(x.shape) != 3 or x.shape[1] != 1:
            sketch.refuse(f"{operator} of {x.shape}", "(items, batch, values)")
        hidden = state.shape[-1]
        cell = _cell(own, weights, state, bias, hidden)
        starts = padded[5:7] if own == "lstm" else padded[5:6]
        first: State = tuple(_start(operand, hidden) for operand in starts)
        made, last = run_layer(sketch, cell, permute(sketch, x, (1, 0, 2)), first)
        output = sketch.symbol(made)
        results = [Symbol(output.node, (x.shape[0], 1, 1, hidden))]
        for operand in last:
            node = sketch.symbol(operand, (hidden,)).node
            results.append(Symbol(node, (1, 1, hidden)))
        return results

    return rule


def _kind(sketch: Sketch, call: Call, operator: str, kind: Kind) -> Kind:
    """Return the kind of a call, whose settings are usual."""
    settings = call.attributes
    other = set(settings) - set(_SETTINGS)
    if settings.get("direction", "forward") != "forward":
        sketch.refuse(f"{operator} in direction {settings['direction']}", "forward")
    if other or settings.get("layout", 0):
        sketch.refuse(f"{operator} with {', '.join(sorted(other)) or 'layout'}", "usual settings")
    if operator == "GRU" and not settings.get("linear_before_reset", 0):
        sketch.refuse("GRU with the reset ahead of the matrix", "linear_before_reset = 1")
    found = [
        name.decode() if isinstance(name, bytes) else str(name)
        for name in settings.get("activations", _USUAL[operator])
    ]
    if operator == "RNN" and found == ["Relu"]:
        return "relu"
    if found != _USUAL[operator]:
        sketch.refuse(f"{operator} with {', '.join(found)}", ", ".join(_USUAL[operator]))
    return kind


def _cell(kind: Kind, weights: Weight, state: Weight, bias: Weight | None, hidden: int) -> Cell:
    """Return the weights with the gates in our order."""
    count = len(_ORDER[kind])
    matrices = [
        w.derived(("gates", kind), _sorted(w.tensor.reshape(count * hidden, -1), kind))
        for w in (weights, state)
    ]
    if bias is None:
        return Cell(kind, *matrices)
    halves = bias.tensor.reshape(2, count * hidden)
    biases = [bias.derived(("gates", kind, k), _sorted(halves[k], kind)) for k in range(2)]
    return Cell(kind, *matrices, *biases)


def _sorted(tensor: torch.Tensor, kind: str) -> torch.Tensor:
    parts = tensor.chunk(len(_ORDER[kind]))
    return torch.cat([parts[place] for place in _ORDER[kind]])


def _start(operand: Operand | None, hidden: int) -> Operand:
    """Return a first state; zeros where it is left out."""
    if operand is None:
        return Weight(torch.zeros(1, hidden), ("zeros", hidden), learned=False)
    if isinstance(operand, Weight):
        return operand.derived("state", operand.tensor.reshape(1, hidden))
    return Symbol(operand.node, (1, hidden))


RECURRENT: Mapping[str, Rule] = MappingProxyType(
    {"LSTM": _rule("LSTM", "lstm"), "GRU": _rule("GRU", "gru"), "RNN": _rule("RNN", "tanh")}
)
