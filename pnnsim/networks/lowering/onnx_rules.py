"""Rules of ONNX: the operator of a name, drawn on a sketch.

A rule gets the sketch, the call, and the operands that it reads (None for what is left out), and
returns what each result is. The batch is the first axis and has size 1.

Reference: Open Neural Network Exchange, operators of domain `ai.onnx`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pnnsim.networks.lowering import sketch_layers as layers
from pnnsim.networks.lowering import sketch_shapes as shapes
from pnnsim.networks.lowering.onnx_file import Call
from pnnsim.networks.lowering.onnx_index import INDEXING
from pnnsim.networks.lowering.onnx_operands import (
    Given,
    Rule,
    maybe,
    number,
    symbol,
    weight,
    wholes,
)
from pnnsim.networks.lowering.onnx_recurrent import RECURRENT
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight


def _conv(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x, kernel = symbol(sketch, given[0]), weight(sketch, given[1], "the kernel")
    rank = len(kernel.shape) - 2
    strides = list(call.attributes.get("strides", [1] * rank))
    dilations = list(call.attributes.get("dilations", [1] * rank))
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel.shape[2:], strict=True)]
    made = layers.convolution(
        sketch,
        x,
        kernel,
        bias=maybe(sketch, given, 2, "the bias"),
        stride=strides,
        padding=_pads(sketch, call, x, strides, reach),
        dilation=dilations,
        groups=int(call.attributes.get("group", 1)),
    )
    return [made]


def _pads(
    sketch: Sketch, call: Call, x: Symbol, strides: Sequence[int], reach: Sequence[int]
) -> list[int]:
    """Return zeros ahead of each axis, then behind each."""
    kind = call.attributes.get("auto_pad", "NOTSET")
    if kind == "NOTSET":
        return [int(n) for n in call.attributes.get("pads", [0] * (2 * len(strides)))]
    if kind == "VALID":
        return [0] * (2 * len(strides))
    begins, ends = [], []
    for size, stride, wide in zip(x.shape[2:], strides, reach, strict=True):
        total = max((-(-size // stride) - 1) * stride + wide - size, 0)
        less, more = total // 2, total - total // 2
        begins.append(less if kind == "SAME_UPPER" else more)
        ends.append(more if kind == "SAME_UPPER" else less)
    return begins + ends


def _pool(operator: str) -> Rule:
    """Return the rule of a pool."""

    def rule(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
        x, kernel = symbol(sketch, given[0]), list(call.attributes["kernel_shape"])
        strides = list(call.attributes.get("strides", [1] * len(kernel)))
        dilations = list(call.attributes.get("dilations", [1] * len(kernel)))
        reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
        pads = _pads(sketch, call, x, strides, reach)
        begins, ends = pads[: len(kernel)], pads[len(kernel) :]
        ceil = bool(call.attributes.get("ceil_mode", 0))
        if begins != ends or len(call.outputs) > 1:
            sketch.refuse("a pool with uneven pads or indices", "even pads and one result")
        pair = (1, *dilations) if len(dilations) == 1 else tuple(dilations)
        if operator == "max_pool":
            made = layers.pool(
                sketch,
                operator,
                x,
                kernel=kernel,
                stride=strides,
                padding=begins,
                ceil=ceil,
                dilation=pair,
            )
            return [made]
        if any(step != 1 for step in dilations):
            sketch.refuse("an average pool with dilation", "none")
        counted = bool(call.attributes.get("count_include_pad", 0)) or not any(begins)
        made = layers.pool(
            sketch,
            operator,
            x,
            kernel=kernel,
            stride=strides,
            padding=begins,
            ceil=ceil,
            count_padding=counted,
        )
        return [made]

    return rule


def _global_pool(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    return [layers.adaptive_pool(sketch, symbol(sketch, given[0]), (1,))]


def _batch_norm(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    if call.attributes.get("training_mode", 0):
        sketch.refuse("a batch norm of the statistics of a batch", "running statistics")
    found = [weight(sketch, operand, "a batch norm") for operand in given[1:5]]
    made = layers.batch_norm(
        sketch,
        symbol(sketch, given[0]),
        weight=found[0],
        bias=found[1],
        mean=found[2],
        variance=found[3],
        epsilon=number(call, "epsilon", 1e-5),
    )
    return [made]


def _layer_norm(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    if len(call.outputs) > 1:
        sketch.refuse("a layer norm that returns its statistics", "one result")
    axis = int(call.attributes.get("axis", -1)) % len(x.shape)
    made = layers.layer_norm(
        sketch,
        x,
        len(x.shape) - axis,
        weight=maybe(sketch, given, 1, "a norm"),
        bias=maybe(sketch, given, 2, "a norm"),
        epsilon=number(call, "epsilon", 1e-5),
    )
    return [made]


def _group_norm(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x, gains = symbol(sketch, given[0]), weight(sketch, given[1], "a norm")
    groups = int(call.attributes.get("num_groups", x.shape[1]))
    if gains.shape != (x.shape[1],):
        sketch.refuse(f"a norm with {gains.shape[0]} gains", "one for each channel")
    made = layers.group_norm(
        sketch,
        x,
        groups,
        weight=gains,
        bias=weight(sketch, given[2], "a norm"),
        epsilon=number(call, "epsilon", 1e-5),
    )
    return [made]


def _gemm(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    matrix, bias = weight(sketch, given[1], "the matrix"), maybe(sketch, given, 2, "the bias")
    alpha = number(call, "alpha", 1.0)
    if call.attributes.get("transA", 0) or float(call.attributes.get("beta", 1.0)) != 1.0:
        sketch.refuse("Gemm with transA or beta", "neither")
    if not call.attributes.get("transB", 0):
        matrix = matrix.derived("turned", matrix.tensor.t())
    if alpha != 1.0:
        matrix = matrix.derived(("times", alpha), matrix.tensor * alpha)
    if bias is not None and bias.shape != (matrix.shape[0],):
        whole = bias.tensor.broadcast_to(1, matrix.shape[0]).reshape(-1)
        bias = bias.derived("row", whole)
    return [layers.linear(sketch, symbol(sketch, given[0]), matrix, bias)]


def _matmul(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    first, second = given[0], given[1]
    if isinstance(first, Symbol) and isinstance(second, Weight) and len(second.shape) == 2:
        turned = second.derived("turned", second.tensor.t())
        return [layers.linear(sketch, first, turned, None)]
    return [shapes.matmul(sketch, symbol(sketch, first), symbol(sketch, second))]


def _binary(operator: str) -> Rule:
    """Return the rule of `Add`, `Sub`, `Mul` or `Div`."""

    def rule(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
        first, second = given[0], given[1]
        assert first is not None, "was checked"
        assert second is not None, "was checked"
        if operator == "Div":
            known = weight(sketch, second, "the divisor")
            second = known.derived("inverse", 1.0 / known.tensor)
        if operator == "Sub":
            if isinstance(second, Weight):
                second = second.derived("negative", -second.tensor)
            else:
                second = shapes.scale(sketch, second, factor=-1.0)
        name = "add" if operator in ("Add", "Sub") else "multiply"
        return [shapes.combine(sketch, name, first, second)]

    return rule


def _negative(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    return [shapes.scale(sketch, symbol(sketch, given[0]), factor=-1.0)]


def _power(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    if weight(sketch, given[1], "the exponent").number != 2.0:
        sketch.refuse("a power", "2")
    return [shapes.combine(sketch, "multiply", x, x)]


def _activation(operator: str, **settings: tuple[str, float]) -> Rule:
    """Return the rule of an activation.

    Args:
        operator: Name in the table.
        settings: Name in ONNX and default, by the name in the table.
    """

    def rule(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
        x = symbol(sketch, given[0])
        constants = {
            ours: number(call, theirs, default) for ours, (theirs, default) in settings.items()
        }
        return [sketch.digital(operator, [x.node], x.shape, weights=(), **constants)]

    return rule


def _gelu(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    kind = call.attributes.get("approximate", "none")
    return [sketch.digital("gelu", [x.node], x.shape, approximate=kind)]


def _hard_sigmoid(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    slope = float(call.attributes.get("alpha", 0.2))
    if abs(slope - 1 / 6) > 1e-6 or float(call.attributes.get("beta", 0.5)) != 0.5:
        sketch.refuse(f"HardSigmoid of slope {slope:g}", "alpha = 1 / 6, beta = 1 / 2")
    return [sketch.digital("hardsigmoid", [x.node], x.shape)]


def _clip(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
    x = symbol(sketch, given[0])
    bounds = []
    for index, name in ((1, "min"), (2, "max")):
        known = maybe(sketch, given, index, name)
        number = call.attributes.get(name) if known is None else known.tensor.item()
        bounds.append(None if number is None else float(number))
    low, high = bounds
    if low == 0.0 and high is None:
        return [sketch.digital("relu", [x.node], x.shape)]
    if low is None or high is None:
        sketch.refuse("Clip with one bound", "two, or a least of 0")
    if (low, high) == (0.0, 6.0):
        return [sketch.digital("relu6", [x.node], x.shape)]
    return [sketch.digital("hardtanh", [x.node], x.shape, low=low, high=high)]


def _softmax(*, log: bool) -> Rule:
    """Return the rule of `Softmax` or `LogSoftmax`."""

    def rule(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
        x = symbol(sketch, given[0])
        axis = int(call.attributes.get("axis", -1))
        settings = {"log": True} if log else {}
        return [shapes.along_axis(sketch, "softmax", x, axis, **settings)]

    return rule


def _reduce(operator: str) -> Rule:
    """Return the rule of `ReduceMean` or `ReduceSum`."""

    def rule(sketch: Sketch, call: Call, given: Given) -> Sequence[Operand]:
        x = symbol(sketch, given[0])
        axes = wholes(sketch, call, given, 1, "axes") or list(range(len(x.shape)))
        made = shapes.mean(sketch, x, axes, keep=bool(call.attributes.get("keepdims", 1)))
        if operator == "ReduceSum":
            count = math.prod(x.shape) // math.prod(made.shape)
            made = shapes.scale(sketch, made, factor=float(count))
        return [made]

    return rule


#: Rule of each operator that reads what a sample makes.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "Add": _binary("Add"),
        "AveragePool": _pool("avg_pool"),
        "BatchNormalization": _batch_norm,
        "Clip": _clip,
        "Conv": _conv,
        "Div": _binary("Div"),
        "Elu": _activation("elu", alpha=("alpha", 1.0)),
        "Gelu": _gelu,
        "Gemm": _gemm,
        "GlobalAveragePool": _global_pool,
        "GroupNormalization": _group_norm,
        "HardSigmoid": _hard_sigmoid,
        "HardSwish": _activation("hardswish"),
        "InstanceNormalization": _group_norm,
        "LayerNormalization": _layer_norm,
        "LeakyRelu": _activation("leaky_relu", slope=("alpha", 0.01)),
        "LogSoftmax": _softmax(log=True),
        "MatMul": _matmul,
        "MaxPool": _pool("max_pool"),
        "Mul": _binary("Mul"),
        "Neg": _negative,
        "Pow": _power,
        "ReduceMean": _reduce("ReduceMean"),
        "ReduceSum": _reduce("ReduceSum"),
        "Relu": _activation("relu"),
        "Sigmoid": _activation("sigmoid"),
        "Softmax": _softmax(log=False),
        "Softplus": _activation("softplus"),
        "Sub": _binary("Sub"),
        "Tanh": _activation("tanh"),
        **INDEXING,
        **RECURRENT,
    }
)
