"""An ONNX file as a network: the workload that the torch module of the same layers has.

    net = pnnsim.from_onnx("model.onnx")

The file is data: it is read, and nothing of it is run. Its first axis is the batch. Layers are
named by the parameters of the file, `conv1.weight` being that of `conv1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pnnsim.errors import WorkloadError
from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.layer_settings import LayerSettings
from pnnsim.networks.lowering.from_torch import read_layers
from pnnsim.networks.lowering.onnx_file import Call, Graph, read_graph
from pnnsim.networks.lowering.onnx_folding import fold
from pnnsim.networks.lowering.onnx_rules import RULES
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.lowering.sketch_emission import Gains, emit
from pnnsim.networks.parts import Value

#: What a rule or torch raises where settings do not fit what they are for.
_FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def from_onnx(
    path: str | Path,
    *,
    layers: Mapping[str, Mapping[str, Any] | LayerSettings] | None = None,
    gains: Gains = "row",
) -> GivenNetwork:
    """Return the network of a file.

    Args:
        path: The file.
        layers: Settings of layers by name, as of `LayerSettings`.
        gains: `row`: a gain for each output of a matrix; `set`: one for all of them.

    Raises:
        WorkloadError: If the file is missing, damaged or too large, or has a part that cannot be
            lowered.
    """
    settings = read_layers(layers)
    graph = read_graph(Path(path))
    try:
        sketch = Sketch(Value(graph.shape, "int" if graph.whole else "float"), settings)
        output = _drawn(sketch, graph)
        sketch.where = f"output {graph.output}"
        if output.shape[:1] != (1,):
            sketch.refuse(f"has shape {output.shape}", "the batch as its first axis")
        shape = output.shape[1:] or (1,)
        dtype = torch.get_default_dtype()
        workload, weights = emit(sketch, output, shape, dtype=dtype, gains=gains)
        sketch.refuse_unknown_layers()
    except WorkloadError as error:
        raise WorkloadError(f"{path}: {error}") from None
    return GivenNetwork(workload, weights)


def _drawn(sketch: Sketch, graph: Graph) -> Symbol:
    """Draw all calls of a graph, and return its output."""
    known: dict[str, Operand] = {graph.source: Symbol(0, (1, *graph.shape))}
    for name, tensor in graph.numbers.items():
        learned = tensor.is_floating_point() and tensor.numel() > 1
        known[name] = Weight(tensor, name, name, learned)
    for call in graph.calls:
        sketch.where = f"{call.name} ({call.operator})"
        given = [_read(sketch, known, name) for name in call.inputs]
        try:
            results = _results(sketch, call, given)
        except WorkloadError:
            raise
        except _FAULTS as error:
            line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise WorkloadError(
                f"{sketch.where}: its settings do not fit what it reads ({line}); expected a model "
                "that is complete"
            ) from error
        known.update(zip(call.outputs, results, strict=False))
    output = known.get(graph.output)
    if not isinstance(output, Symbol):
        sketch.where = f"output {graph.output}"
        sketch.refuse("does not depend on the sample", "a network that reads it")
    return output


def _read(sketch: Sketch, known: Mapping[str, Operand], name: str) -> Operand | None:
    """Return what a call reads; None for what is left out."""
    if not name:
        return None
    if name not in known:
        sketch.refuse(f"reads {name}, which nothing has made", "what was made ahead of it")
    return known[name]


def _results(sketch: Sketch, call: Call, given: Sequence[Operand | None]) -> Sequence[Operand]:
    """Return what a call makes."""
    weights = [operand for operand in given if isinstance(operand, Weight)]
    if len(weights) == len([operand for operand in given if operand is not None]):
        made = fold(call, [weight.tensor for weight in weights])
        if made is not None:
            key = (call.operator, call.name, *(weight.key for weight in weights))
            owner = next((weight.name for weight in weights if weight.name), "")
            learned = any(weight.learned for weight in weights)
            return [Weight(made, key, owner, learned)]
    rule = RULES.get(call.operator)
    if rule is None:
        sketch.refuse(
            f"{call.operator} cannot be lowered",
            f"one of {', '.join(sorted(RULES))}",
        )
    return rule(sketch, call, given)
