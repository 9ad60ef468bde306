"""Rules of torch's attention and of einsum.

Matrices of the module are on banks; products of two activations are digital, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, prod
from types import MappingProxyType
from typing import Any

import torch

from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight
from pnnsim.networks.lowering.sketch_layers import attention, linear
from pnnsim.networks.lowering.sketch_shapes import (
    combine,
    masked,
    matmul,
    mean,
    permute,
    slice_axis,
)
from pnnsim.networks.lowering.torch_trace import Rule


def _scaled_dot_product(
    sketch: Sketch,
    query: Operand,
    key: Operand,
    value: Operand,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Symbol:
    q, k, v = (sketch.symbol(x) for x in (query, key, value))
    if enable_gqa or q.shape[:-2] != k.shape[:-2]:
        sketch.refuse("attention whose keys are shared by heads", "as many heads of each")
    mask = _additive(sketch, attn_mask)
    if is_causal:
        shape = (q.shape[-2], k.shape[-2])
        mask = Weight(_triangle(*shape), ("causal", *shape), learned=False)
    return attention(sketch, q, k, v, mask=mask, factor=scale)[0]


def _multi_head(
    sketch: Sketch,
    query: Symbol,
    key: Symbol,
    value: Symbol,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Weight | None,
    in_proj_bias: Weight | None,
    bias_k: Weight | None,
    bias_v: Weight | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Weight,
    out_proj_bias: Weight | None,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Weight | None = None,
    k_proj_weight: Weight | None = None,
    v_proj_weight: Weight | None = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Symbol, Symbol | None]:
    """Return attention of several heads; tensors have the shape `(items, 1, width)`."""
    extra = (bias_k, bias_v, key_padding_mask, static_k, static_v)
    if add_zero_attn or any(part is not None for part in extra):
        sketch.refuse("attention with padding, or with keys of its own", "plain keys and values")
    projected = []
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    if use_separate_proj_weight or in_proj_weight is None:
        for index, (x, weight) in enumerate(zip((query, key, value), separate, strict=True)):
            assert weight is not None, "separate projections come together"
            bias = None if in_proj_bias is None else _third(in_proj_bias, index)
            projected.append(linear(sketch, x, weight, bias))
    elif query == key == value:
        whole = linear(sketch, query, in_proj_weight, in_proj_bias)
        width = whole.shape[-1] // 3
        projected = [
            slice_axis(sketch, whole, 2, slice(k * width, (k + 1) * width)) for k in range(3)
        ]
    else:
        for index, x in enumerate((query, key, value)):
            bias = None if in_proj_bias is None else _third(in_proj_bias, index)
            projected.append(linear(sketch, x, _third(in_proj_weight, index), bias))
    heads = [_heads(sketch, x, num_heads) for x in projected]
    mask = _additive(sketch, attn_mask)
    made, shares = attention(sketch, *heads, mask=mask, factor=None)
    items = projected[0].shape[0]
    together = permute(sketch, made, (1, 0, 2))
    joined = Symbol(together.node, (items, 1, projected[2].shape[-1]))
    output = linear(sketch, joined, out_proj_weight, out_proj_bias)
    if not need_weights:
        return output, None
    if average_attn_weights:
        return output, mean(sketch, shares, (0,), keep=True)
    return output, Symbol(shares.node, (1, *shares.shape))


def _heads(sketch: Sketch, x: Symbol, count: int) -> Symbol:
    """Return items of each head, shape `(heads, items, width / heads)`."""
    items, _, width = x.shape
    return permute(sketch, Symbol(x.node, (items, count, width // count)), (1, 0, 2))


def _third(weight: Weight, index: int) -> Weight:
    """Return the weights of query, key or value."""
    return weight.derived(("third", index), weight.tensor.chunk(3)[index])


def _additive(sketch: Sketch, mask: Any) -> Weight | None:
    """Return what is added to the scores; of truth values, those that are true let through."""
    if mask is None:
        return None
    if not isinstance(mask, Weight):
        sketch.refuse("attention with a mask that a sample makes", "one that is known")
    if mask.tensor.dtype != torch.bool:
        return mask
    zeros = torch.zeros(mask.shape, dtype=torch.float64)
    return mask.derived("additive", zeros.masked_fill(~mask.tensor, -torch.inf))


def _masked_fill(sketch: Sketch, input: Symbol, mask: Any, value: Any) -> Symbol:
    if not isinstance(mask, Weight) or not isinstance(value, int | float):
        sketch.refuse("masked_fill whose mask or number a sample makes", "ones that are known")
    covered = mask.tensor.to(torch.float64)
    if value == -inf:
        never = mask.derived("never", torch.where(mask.tensor, -inf, 0.0).to(torch.float64))
        return combine(sketch, "add", input, masked(never))
    kept = combine(sketch, "multiply", input, mask.derived("kept", 1.0 - covered))
    return combine(sketch, "add", kept, mask.derived(("value", value), covered * value))


def _triangle(rows: int, columns: int) -> torch.Tensor:
    """Return a mask that lets each item see itself and those ahead of it."""
    allowed = torch.ones(rows, columns, dtype=torch.bool).tril()
    return torch.zeros(rows, columns, dtype=torch.float64).masked_fill(~allowed, -torch.inf)


def _einsum(sketch: Sketch, equation: str, *operands: Any) -> Symbol:
    """Return a sum of products of two tensors; a matrix of the module is one on banks."""
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    terms, arrow, output = equation.replace(" ", "").partition("->")
    inputs = terms.split(",")
    plain = all(len(set(term)) == len(term) and "." not in term for term in (*inputs, output))
    if len(operands) != 2 or len(inputs) != 2 or not arrow or not plain:
        sketch.refuse(f"einsum {equation}", "two tensors, and a stated result")
    first, second = operands
    left, right = inputs
    if isinstance(first, Weight):
        first, second, left, right = second, first, right, left
    summed = [axis for axis in left if axis in right and axis not in output]
    both = [axis for axis in left if axis in right and axis in output]
    rows = [axis for axis in left if axis not in right]
    columns = [axis for axis in right if axis not in left]
    if not summed or sorted([*both, *rows, *columns]) != sorted(output):
        sketch.refuse(f"einsum {equation}", "one axis at least that is summed in both")
    sizes = dict(zip(left + right, (*first.shape, *second.shape), strict=True))
    counts = [prod(sizes[axis] for axis in axes) for axes in (both, rows, summed, columns)]
    turned = permute(sketch, first, [left.index(axis) for axis in [*both, *rows, *summed]])
    if isinstance(second, Weight) and not both:
        order = [right.index(axis) for axis in [*columns, *summed]]
        matrix = second.tensor.permute(*order).reshape(counts[3], counts[2])
        flat = Symbol(turned.node, (counts[1], counts[2]))
        made = linear(sketch, flat, second.derived(("einsum", equation), matrix), None)
    else:
        other = sketch.symbol(second)
        other = permute(sketch, other, [right.index(axis) for axis in [*both, *summed, *columns]])
        made = matmul(
            sketch,
            Symbol(turned.node, (counts[0], counts[1], counts[2])),
            Symbol(other.node, (counts[0], counts[2], counts[3])),
        )
    axes = [*both, *rows, *columns]
    whole = Symbol(made.node, tuple(sizes[axis] for axis in axes))
    return permute(sketch, whole, [axes.index(axis) for axis in output])


ATTENTION: Mapping[str, Rule] = MappingProxyType(
    {
        "einsum": _einsum,
        "masked_fill": _masked_fill,
        "scaled_dot_product_attention": _scaled_dot_product,
        "multi_head_attention_forward": _multi_head,
    }
)
