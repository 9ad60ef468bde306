"""Rules of torch: the function of a name, as method, function or layer, drawn on a sketch.

The arguments of a rule are those of the function, `sketch` ahead of them and operands in the place
of tensors; what has no effect on one sample in `eval` is taken and not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pnnsim.networks import sketch_layers as layers
from pnnsim.networks import sketch_shapes as shapes
from pnnsim.networks.parts import Constant
from pnnsim.networks.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.torch_attention import ATTENTION
from pnnsim.networks.torch_index import INDEXING
from pnnsim.networks.torch_recurrent import RECURRENT
from pnnsim.networks.torch_trace import Rule

Sizes = int | Sequence[int]


def _linear(sketch: Sketch, input: Operand, weight: Operand, bias: Weight | None = None) -> Symbol:
    if not isinstance(weight, Weight):
        sketch.refuse("a linear layer whose matrix a sample makes", "a matrix of the module")
    return layers.linear(sketch, sketch.symbol(input), weight, bias)


def _conv(
    sketch: Sketch,
    input: Operand,
    weight: Operand,
    bias: Weight | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Symbol:
    if not isinstance(weight, Weight):
        sketch.refuse("a convolution whose kernel a sample makes", "a kernel of the module")
    rank = len(weight.shape) - 2
    x = sketch.symbol(input)
    if len(x.shape) != rank + 2:
        sketch.refuse(f"a convolution of {x.shape}", "a batch ahead of the channels")
    around: Sequence[int]
    if isinstance(padding, str):
        steps = list(_sizes(dilation)) * rank if isinstance(dilation, int) else list(dilation)
        reach = [s * (k - 1) for s, k in zip(steps, weight.shape[2:], strict=False)]
        if padding == "valid":
            reach = [0] * rank
        around = [r // 2 for r in reach] + [r - r // 2 for r in reach]
    else:
        around = _sizes(padding)
        around = around * rank if len(around) == 1 else around
    return layers.convolution(
        sketch,
        x,
        weight,
        bias=bias,
        stride=_sizes(stride),
        padding=around,
        dilation=_sizes(dilation),
        groups=groups,
    )


def _batch_norm(
    sketch: Sketch,
    input: Symbol,
    running_mean: Weight | None = None,
    running_var: Weight | None = None,
    weight: Weight | None = None,
    bias: Weight | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Symbol:
    if training or running_mean is None or running_var is None:
        sketch.refuse("a batch norm of the statistics of a batch", "running statistics")
    return layers.batch_norm(
        sketch,
        input,
        weight=weight,
        bias=bias,
        mean=running_mean,
        variance=running_var,
        epsilon=eps,
    )


def _layer_norm(
    sketch: Sketch,
    input: Symbol,
    normalized_shape: Sizes,
    weight: Weight | None = None,
    bias: Weight | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Symbol:
    count = len(_sizes(normalized_shape))
    return layers.layer_norm(sketch, input, count, weight=weight, bias=bias, epsilon=eps)


def _group_norm(
    sketch: Sketch,
    input: Symbol,
    num_groups: int,
    weight: Weight | None = None,
    bias: Weight | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Symbol:
    return layers.group_norm(sketch, input, num_groups, weight=weight, bias=bias, epsilon=eps)


def _embedding(
    sketch: Sketch,
    input: Symbol,
    weight: Weight,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Symbol:
    if max_norm is not None:
        sketch.refuse("an embedding with max_norm", "one without")
    return layers.embedding(sketch, input, weight)


def _max_pool(
    sketch: Sketch,
    input: Symbol,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Symbol:
    if return_indices:
        sketch.refuse("a max pool that returns indices", "one without")
    spread = _sizes(dilation)
    return layers.pool(
        sketch,
        "max_pool",
        input,
        kernel=_sizes(kernel_size),
        stride=_sizes(stride),
        padding=_sizes(padding),
        ceil=ceil_mode,
        dilation=(1, *spread) if len(input.shape) == 3 else (spread[0], spread[-1]),
    )


def _avg_pool(
    sketch: Sketch,
    input: Symbol,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Symbol:
    if divisor_override is not None:
        sketch.refuse("an average pool with divisor_override", "one without")
    return layers.pool(
        sketch,
        "avg_pool",
        input,
        kernel=_sizes(kernel_size),
        stride=_sizes(stride),
        padding=_sizes(padding),
        ceil=ceil_mode,
        count_padding=count_include_pad,
    )


def _adaptive_avg_pool(
    sketch: Sketch, input: Symbol, output_size: int | Sequence[int | None]
) -> Symbol:
    size = (output_size,) if isinstance(output_size, int) else tuple(output_size)
    return layers.adaptive_pool(sketch, input, size)


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
    axes = range(len(input.shape)) if dim is None else _sizes(dim)
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


def _sizes(sizes: Sizes | None) -> tuple[int, ...]:
    """Return sizes as a tuple; none for None."""
    if sizes is None:
        return ()
    return (sizes,) if isinstance(sizes, int) else tuple(sizes)


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

#: Rule of each function by its name; `name_` is the same, in place.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "linear": _linear,
        "conv1d": _conv,
        "conv2d": _conv,
        "batch_norm": _batch_norm,
        "layer_norm": _layer_norm,
        "group_norm": _group_norm,
        "embedding": _embedding,
        "max_pool1d": _max_pool,
        "max_pool2d": _max_pool,
        "avg_pool1d": _avg_pool,
        "avg_pool2d": _avg_pool,
        "adaptive_avg_pool1d": _adaptive_avg_pool,
        "adaptive_avg_pool2d": _adaptive_avg_pool,
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
        **INDEXING,
        **RECURRENT,
        **ATTENTION,
    }
)
