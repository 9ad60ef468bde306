"""What operators of ONNX make of numbers of the file alone: shapes and constants, mostly.

Reference: Open Neural Network Exchange, operators of domain `ai.onnx`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from pnnsim.networks.lowering.onnx_file import Call

#: Most numbers of a tensor that is made here.
MOST = 2**26

Numbers = Sequence[Tensor]


def fold(call: Call, given: Numbers) -> Tensor | None:
    """Return what a call makes of known tensors; None where that is not known here.

    Args:
        call: The call.
        given: What it reads.

    Raises:
        ArithmeticError, LookupError, RuntimeError, TypeError, ValueError: If it cannot be applied.
    """
    function = _FUNCTIONS.get(call.operator)
    return None if function is None else function(call, given)


def _constant(call: Call, given: Numbers) -> Tensor:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in call.attributes:
            value = call.attributes[name]
            return value if isinstance(value, Tensor) else torch.tensor(value)
    raise ValueError("a constant that is no number")


def _filled(call: Call, given: Numbers) -> Tensor:
    value: Tensor = call.attributes.get("value", torch.zeros(1))
    return value.reshape(()).expand(_sizes(given[0])).clone()


def _sizes(tensor: Tensor) -> list[int]:
    """Return a shape that is a tensor."""
    sizes = [int(size) for size in tensor.reshape(-1).tolist()]
    count = 1
    for size in sizes:
        count *= size
    if not 0 <= count <= MOST:
        raise ValueError(f"{count} numbers, at most {MOST} are made")
    return sizes


def _axes(call: Call, given: Numbers) -> list[int]:
    if "axes" in call.attributes:
        return [int(axis) for axis in call.attributes["axes"]]
    return [int(axis) for axis in given[1].reshape(-1).tolist()]


def _unsqueeze(call: Call, given: Numbers) -> Tensor:
    made, axes = given[0], _axes(call, given)
    rank = made.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        made = made.unsqueeze(axis)
    return made


def _squeeze(call: Call, given: Numbers) -> Tensor:
    if len(given) < 2 and "axes" not in call.attributes:
        return given[0].squeeze()
    return given[0].squeeze(tuple(_axes(call, given)))


def _slice(call: Call, given: Numbers) -> Tensor:
    made = given[0]
    starts, ends = (tensor.tolist() for tensor in given[1:3])
    axes = given[3].tolist() if len(given) > 3 else range(len(starts))
    steps = given[4].tolist() if len(given) > 4 else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places = range(made.shape[axis])[start:end:step]
        made = made.index_select(axis, torch.tensor(list(places), dtype=torch.int64))
    return made


def _gather(call: Call, given: Numbers) -> Tensor:
    data, places = given
    axis = int(call.attributes.get("axis", 0)) % data.dim()
    flat = places.reshape(-1).long() % data.shape[axis]
    made = data.index_select(axis, flat)
    return made.reshape([*data.shape[:axis], *places.shape, *data.shape[axis + 1 :]])


def _cast(call: Call, given: Numbers) -> Tensor:
    # 1 and 11 are float32 and float64, 10 float16; all others of use here are whole numbers.
    kinds = {1: torch.float32, 11: torch.float64, 10: torch.float16, 9: torch.bool}
    return given[0].to(kinds.get(int(call.attributes["to"]), torch.int64))


def _divide(call: Call, given: Numbers) -> Tensor:
    if given[0].is_floating_point():
        return given[0] / given[1]
    return torch.div(given[0], given[1], rounding_mode="trunc")


_FUNCTIONS: Mapping[str, Callable[[Call, Numbers], Tensor]] = MappingProxyType(
    {
        "Add": lambda call, given: given[0] + given[1],
        "Cast": _cast,
        "Concat": lambda call, given: torch.cat(list(given), int(call.attributes["axis"])),
        "Constant": _constant,
        "ConstantOfShape": _filled,
        "Div": _divide,
        "Expand": lambda call, given: given[0].expand(_sizes(given[1])).clone(),
        "Gather": _gather,
        "Identity": lambda call, given: given[0],
        "Mul": lambda call, given: given[0] * given[1],
        "Neg": lambda call, given: -given[0],
        "Reshape": lambda call, given: given[0].reshape(_sizes(given[1])),
        "Shape": lambda call, given: torch.tensor(given[0].shape, dtype=torch.int64),
        "Slice": _slice,
        "Squeeze": _squeeze,
        "Sub": lambda call, given: given[0] - given[1],
        "Transpose": lambda call, given: given[0].permute(
            *call.attributes.get("perm", range(given[0].dim())[::-1])
        ),
        "Unsqueeze": _unsqueeze,
    }
)
