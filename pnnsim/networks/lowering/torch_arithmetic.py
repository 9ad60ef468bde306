"""Rules of torch for arithmetic: activations, sums, products and means.

Arguments are those of the functions of torch, `sketch` ahead of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pnnsim.networks.lowering import sketch_layers as layers
from pnnsim.networks.lowering import sketch_shapes as shapes
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.lowering.torch_trace import Rule
from pnnsim.networks.parts import Constant

Sizes = int | Sequence[int]


def sizes_of(sizes: Sizes | None) -> tuple[int, ...]:
    """Return sizes as a tuple; an empty one for None."""
    if sizes is None:
        return ()
    return (sizes,) if isinstance(sizes, int) else tuple(sizes)


def _activation(operator: str, *settings: tuple[str, str, Constant]) -> Rule:
    """Return the rule of an activation.

    Args:
        operator: Name in the table.
        settings: Name in torch, name in the table and default of each setting, in torch's order.
    """

    def rule(
        sketch: Sketch, input: Symbol, *given: Any, inplace: bool = False, **named: Any
    ) -> Symbol:
        constants = {}
        for index, (theirs, ours, default) in enumerate(settings):
            constants[ours] = given[index] if index < len(given) else named.pop(theirs, default)
        if named:
            sketch.refuse(f"{operator} with {', '.join(named)}", "its usual settings")
        return sketch.digital(operator, [input.node], input.shape, **constants)

    return rule


def _threshold_free_softplus(
    sketch: Sketch, input: Symbol, beta: float = 1.0, threshold: float = 20.0
) -> Symbol:
    if threshold != 20.0:
        sketch.refuse(f"softplus with threshold {threshold}", "20")
    return sketch.digital("softplus", [input.node], input.shape, beta=float(beta))


def _elu(sketch: Sketch, input: Symbol, alpha: float = 1.0, inplace: bool = False) -> Symbol:
    return sketch.digital("elu", [input.node], input.shape, alpha=float(alpha))


def _of(sketch: Sketch, operator: str, x: Symbol, **constants: Any) -> Symbol:
    """Return a function of each number."""
    return sketch.digital(operator, [x.node], x.shape, **constants)


def _selu(sketch: Sketch, input: Symbol, inplace: bool = False) -> Symbol:
    # Klambauer et al., NeurIPS, 2017.
    made = _of(sketch, "elu", input, alpha=1.6732632423543772)
    return shapes.scale(sketch, made, factor=1.0507009873554805)


def _mish(sketch: Sketch, input: Symbol, inplace: bool = False) -> Symbol:
    made = _of(sketch, "tanh", _of(sketch, "softplus", input))
    return shapes.combine(sketch, "multiply", input, made)


def _log_sigmoid(sketch: Sketch, input: Symbol) -> Symbol:
    return _neg(sketch, _of(sketch, "softplus", _neg(sketch, input)))


def _prelu(sketch: Sketch, input: Symbol, weight: Weight) -> Symbol:
    if weight.shape != (1,):
        places = (weight.shape[0], *[1] * (len(input.shape) - 2))
        weight = weight.derived("channels", weight.tensor.reshape(places))
    below = _neg(sketch, _of(sketch, "relu", _neg(sketch, input)))
    scaled = shapes.combine(sketch, "multiply", below, weight)
    return shapes.combine(sketch, "add", _of(sketch, "relu", input), scaled)


def _glu(sketch: Sketch, input: Symbol, dim: int = -1) -> Symbol:
    half = input.shape[dim] // 2
    parts = (slice(0, half), slice(half, 2 * half))
    first, second = (shapes.slice_axis(sketch, input, dim, part) for part in parts)
    return shapes.combine(sketch, "multiply", first, _of(sketch, "sigmoid", second))


def _clamp(
    sketch: Sketch, input: Symbol, min: float | None = None, max: float | None = None
) -> Symbol:
    if min == 0 and max is None:
        return sketch.digital("relu", [input.node], input.shape)
    if not isinstance(min, int | float) or not isinstance(max, int | float):
        sketch.refuse("clamp between bounds that are not two numbers", "min and max")
    return sketch.digital("hardtanh", [input.node], input.shape, low=float(min), high=float(max))


def _softmax(
    sketch: Sketch, input: Symbol, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Symbol:
    if not isinstance(dim, int):
        sketch.refuse("softmax along no stated axis", "dim")
    return shapes.along_axis(sketch, "softmax", input, dim)


def _log_softmax(
    sketch: Sketch, input: Symbol, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Symbol:
    if not isinstance(dim, int):
        sketch.refuse("log_softmax along no stated axis", "dim")
    return shapes.along_axis(sketch, "softmax", input, dim, log=True)


def _same(sketch: Sketch, input: Operand, *_: Any, **__: Any) -> Operand:
    """Return what does not change: dropout in `eval`, copies, types."""
    return input


def _add(sketch: Sketch, input: Any, other: Any, *, alpha: float = 1.0) -> Symbol:
    if isinstance(other, int | float):
        return shapes.scale(sketch, input, offset=float(other) * alpha)
    if isinstance(input, int | float):
        return shapes.scale(sketch, other, offset=float(input))
    if alpha != 1.0:
        other = _mul(sketch, other, alpha)
    return shapes.combine(sketch, "add", input, other)


def _sub(sketch: Sketch, input: Any, other: Any, *, alpha: float = 1.0) -> Symbol:
    if isinstance(other, int | float):
        return shapes.scale(sketch, input, offset=-float(other) * alpha)
    if isinstance(input, int | float):
        return shapes.scale(sketch, other, factor=-1.0, offset=float(input))
    return shapes.combine(sketch, "add", input, _mul(sketch, other, -alpha))


def _rsub(sketch: Sketch, input: Any, other: Any) -> Symbol:
    return _sub(sketch, other, input)


def _mul(sketch: Sketch, input: Any, other: Any) -> Any:
    if isinstance(input, int | float):
        input, other = other, input
    if isinstance(other, int | float):
        if isinstance(input, Weight):
            return input.derived(("times", float(other)), input.tensor * other)
        return shapes.scale(sketch, input, factor=float(other))
    return shapes.combine(sketch, "multiply", input, other)


def _div(sketch: Sketch, input: Any, other: Any, *, rounding_mode: Any = None) -> Symbol:
    if rounding_mode is not None or isinstance(other, Symbol) or not isinstance(input, Symbol):
        sketch.refuse("a division by what a sample makes, or a rounded one", "a known divisor")
    if isinstance(other, Weight):
        return shapes.combine(
            sketch, "multiply", input, other.derived("inverse", 1.0 / other.tensor)
        )
    return shapes.scale(sketch, input, factor=1.0 / float(other))


def _neg(sketch: Sketch, input: Symbol) -> Symbol:
    return shapes.scale(sketch, input, factor=-1.0)


def _pow(sketch: Sketch, input: Symbol, exponent: Any) -> Symbol:
    if exponent == 1:
        return input
    if exponent != 2 or not isinstance(input, Symbol):
        sketch.refuse(f"a power of {exponent}", "2")
    return shapes.combine(sketch, "multiply", input, input)


def _square(sketch: Sketch, input: Symbol) -> Symbol:
    return shapes.combine(sketch, "multiply", input, input)


def _mean(
    sketch: Sketch,
    input: Symbol,
    dim: Sizes | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Symbol:
    axes = range(len(input.shape)) if dim is None else sizes_of(dim)
    return shapes.mean(sketch, input, tuple(axes), keep=keepdim)


def _sum(
    sketch: Sketch,
    input: Symbol,
    dim: Sizes | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Symbol:
    made = _mean(sketch, input, dim, keepdim)
    count = math.prod(input.shape) // math.prod(made.shape)
    return shapes.scale(sketch, made, factor=float(count))


def _matmul(sketch: Sketch, input: Operand, other: Operand) -> Operand:
    if isinstance(input, Symbol) and isinstance(other, Weight) and len(other.shape) == 2:
        turned = other.derived("turned", other.tensor.t())
        return layers.linear(sketch, input, turned, None)
    if isinstance(input, Weight) and len(input.shape) == 2 and isinstance(other, Symbol):
        rank = len(other.shape)
        if rank >= 2:
            order = (*range(rank - 2), rank - 1, rank - 2)
            made = layers.linear(sketch, shapes.permute(sketch, other, order), input, None)
            return shapes.permute(sketch, made, order)
    return shapes.matmul(sketch, sketch.symbol(input), sketch.symbol(other))


def _addmm(
    sketch: Sketch,
    input: Operand,
    mat1: Operand,
    mat2: Operand,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Symbol:
    if beta != 1 or alpha != 1:
        sketch.refuse("addmm with factors", "beta = alpha = 1")
    return shapes.combine(sketch, "add", _matmul(sketch, mat1, mat2), input)


_SAME = [
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "feature_dropout",
    "contiguous",
    "clone",
    "detach",
    "to",
    "float",
    "double",
    "half",
    "bfloat16",
    "data",
    "cpu",
    "cuda",
    "type_as",
    "positive",
    "alias",
    "requires_grad_",
    "identity",
    "__pos__",
    "lift_fresh",
]

ARITHMETIC: Mapping[str, Rule] = MappingProxyType(
    {
        "relu": _activation("relu"),
        "relu6": _activation("relu6"),
        "gelu": _activation("gelu", ("approximate", "approximate", "none")),
        "silu": _activation("silu"),
        "tanh": _activation("tanh"),
        "sigmoid": _activation("sigmoid"),
        "leaky_relu": _activation("leaky_relu", ("negative_slope", "slope", 0.01)),
        "elu": _elu,
        "softplus": _threshold_free_softplus,
        "hardtanh": _activation("hardtanh", ("min_val", "low", -1.0), ("max_val", "high", 1.0)),
        "hardswish": _activation("hardswish"),
        "hardsigmoid": _activation("hardsigmoid"),
        "selu": _selu,
        "mish": _mish,
        "logsigmoid": _log_sigmoid,
        "log_sigmoid": _log_sigmoid,
        "prelu": _prelu,
        "glu": _glu,
        "clamp": _clamp,
        "clip": _clamp,
        "softmax": _softmax,
        "log_softmax": _log_softmax,
        "add": _add,
        "__add__": _add,
        "__radd__": _add,
        "__iadd__": _add,
        "sub": _sub,
        "subtract": _sub,
        "__sub__": _sub,
        "__isub__": _sub,
        "rsub": _rsub,
        "__rsub__": _rsub,
        "mul": _mul,
        "multiply": _mul,
        "__mul__": _mul,
        "__rmul__": _mul,
        "__imul__": _mul,
        "div": _div,
        "divide": _div,
        "true_divide": _div,
        "__truediv__": _div,
        "__itruediv__": _div,
        "__div__": _div,
        "neg": _neg,
        "negative": _neg,
        "__neg__": _neg,
        "pow": _pow,
        "__pow__": _pow,
        "square": _square,
        "mean": _mean,
        "sum": _sum,
        "matmul": _matmul,
        "__matmul__": _matmul,
        "mm": _matmul,
        "bmm": _matmul,
        "addmm": _addmm,
        **dict.fromkeys(_SAME, _same),
    }
)
