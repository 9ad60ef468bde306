"""Rules of torch: the function of a name, as method, function or layer, drawn on a sketch.

The arguments of a rule are those of the function, `sketch` ahead of them and operands in the place
of tensors; what has no effect on one sample in `eval` is taken and not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pnnsim.networks.lowering import sketch_layers as layers
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.lowering.torch_arithmetic import ARITHMETIC, Sizes, sizes_of
from pnnsim.networks.lowering.torch_attention import ATTENTION
from pnnsim.networks.lowering.torch_index import INDEXING
from pnnsim.networks.lowering.torch_recurrent import RECURRENT
from pnnsim.networks.lowering.torch_trace import Rule


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
        steps = list(sizes_of(dilation)) * rank if isinstance(dilation, int) else list(dilation)
        reach = [s * (k - 1) for s, k in zip(steps, weight.shape[2:], strict=False)]
        if padding == "valid":
            reach = [0] * rank
        around = [r // 2 for r in reach] + [r - r // 2 for r in reach]
    else:
        around = sizes_of(padding)
        around = around * rank if len(around) == 1 else around
    return layers.convolution(
        sketch,
        x,
        weight,
        bias=bias,
        stride=sizes_of(stride),
        padding=around,
        dilation=sizes_of(dilation),
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
    count = len(sizes_of(normalized_shape))
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


def _instance_norm(
    sketch: Sketch,
    input: Symbol,
    running_mean: Weight | None = None,
    running_var: Weight | None = None,
    weight: Weight | None = None,
    bias: Weight | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Symbol:
    if not use_input_stats:
        return _batch_norm(sketch, input, running_mean, running_var, weight, bias, eps=eps)
    groups = input.shape[1]
    return layers.group_norm(sketch, input, groups, weight=weight, bias=bias, epsilon=eps)


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
    spread = sizes_of(dilation)
    return layers.pool(
        sketch,
        "max_pool",
        input,
        kernel=sizes_of(kernel_size),
        stride=sizes_of(stride),
        padding=sizes_of(padding),
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
        kernel=sizes_of(kernel_size),
        stride=sizes_of(stride),
        padding=sizes_of(padding),
        ceil=ceil_mode,
        count_padding=count_include_pad,
    )


def _adaptive_max_pool(
    sketch: Sketch,
    input: Symbol,
    output_size: int | Sequence[int | None],
    return_indices: bool = False,
) -> Symbol:
    places = input.shape[2:]
    sizes = (output_size,) if isinstance(output_size, int) else tuple(output_size)
    wanted = sizes * len(places) if len(sizes) < len(places) else sizes
    counts = [own if n is None else n for n, own in zip(wanted, places, strict=True)]
    if return_indices or any(own % n for n, own in zip(counts, places, strict=True)):
        sketch.refuse(f"an adaptive max pool of {input.shape} to {counts}", "windows of one size")
    return _max_pool(sketch, input, [own // n for n, own in zip(counts, places, strict=True)])


def _adaptive_avg_pool(
    sketch: Sketch, input: Symbol, output_size: int | Sequence[int | None]
) -> Symbol:
    size = (output_size,) if isinstance(output_size, int) else tuple(output_size)
    return layers.adaptive_pool(sketch, input, size)


#: Rule of each function by its name; `name_` is the same, in place.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "linear": _linear,
        "conv1d": _conv,
        "conv2d": _conv,
        "batch_norm": _batch_norm,
        "layer_norm": _layer_norm,
        "group_norm": _group_norm,
        "instance_norm": _instance_norm,
        "embedding": _embedding,
        "adaptive_max_pool1d": _adaptive_max_pool,
        "adaptive_max_pool2d": _adaptive_max_pool,
        "max_pool1d": _max_pool,
        "max_pool2d": _max_pool,
        "avg_pool1d": _avg_pool,
        "avg_pool2d": _avg_pool,
        "adaptive_avg_pool1d": _adaptive_avg_pool,
        "adaptive_avg_pool2d": _adaptive_avg_pool,
        **ARITHMETIC,
        **INDEXING,
        **RECURRENT,
        **ATTENTION,
    }
)
