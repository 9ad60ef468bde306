"""The table of digital operators: what each reads, makes and takes.

An operator is known by its name alone, so that a workload is data; what it computes is written in
`operator_functions`, with torch. Nothing here imports torch.

How work is counted, per sample:

    views (`slice`, `reshape`, `transpose`, `concatenate`, `flatten`, `pad`, `repeat_channels`,
    `channel_shuffle`, `constant`)         0: another way to read what is stored
    `linear_digital`, `conv_digital`       1 for each multiply-accumulate; the bias is what the
                                           accumulator starts from, and an activation is applied as
                                           the sum leaves it, both free
    `matmul`                               1 for each multiply-accumulate
    `affine`, `add`, `multiply`, `scale`   1 for each number that is made
    activations                            1 for each number: one comparison or one table
    `layer_norm`, `group_norm`             3 for each number, 4 with gains and shifts
    `softmax`                              4 for each number: greatest, exponential, sum, quotient
    `max_pool`, `avg_pool`                 1 for each place of the window of each number made
    `adaptive_avg_pool`, `mean`            1 for each number that is summed
    `embedding`, `parameter`               0: memory is read

Bytes of weight memory: one (int8) for each parameter of the step; of an `embedding`, only the rows
that are looked up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from pnnsim.errors import WorkloadError
from pnnsim.networks import operator_counts as counts
from pnnsim.networks import operator_rules as rules
from pnnsim.networks.operator_constants import Setting, Settings, shown
from pnnsim.networks.parts import Constant, Shape, Value


@dataclass(frozen=True, slots=True)
class Operator:
    """One row of the table.

    Args:
        shape: Rule of the value that is made.
        operations: Rule of the operations per sample.
        sources: Least and greatest number of sources.
        parameters: What its parameters are, in order.
        required: How many of them are always there; the others come from left to right.
        constants: Its settings by name.
        activation: Whether it is a function of each number, which an `Mvm` may name.
        reads: Type of its sources; `any` for a view, which keeps it.
    """

    shape: rules.ShapeRule
    operations: counts.CountRule
    sources: tuple[int, int] = (1, 1)
    parameters: tuple[str, ...] = ()
    required: int = 0
    constants: Mapping[str, Setting] = field(default_factory=dict)
    activation: bool = False
    reads: Literal["float", "int", "any"] = "float"


@dataclass(frozen=True, slots=True)
class Applied:
    """What one use of an operator makes and takes.

    Args:
        value: What is made of one sample.
        operations: Operations per sample.
        bytes: Bytes of weight memory that are read per sample.
    """

    value: Value
    operations: int
    bytes: int


_MANY = 2**20
_AXIS = Setting("int", -1, least=-1)
_EPSILON = Setting("float", 1e-5, least=0)
_ONE = (1, 1)

#: Activations that linear layers of the digital engine may have on their way out.
_FUSED = ("none", "relu", "relu6", "gelu", "silu", "tanh", "sigmoid", "softplus", "hardswish")

_WINDOW = {
    "kernel": Setting("pair", least=1),
    "stride": Setting("pair", _ONE, least=1),
    "padding": Setting("pair", (0, 0), least=0),
}
_DILATION = {"dilation": Setting("pair", _ONE, least=1)}
_CEIL = {"ceil": Setting("bool", False)}
_WEIGHT = ("weight", "bias")


def _view(rule: rules.ShapeRule, /, **constants: Setting) -> Operator:
    """Return an operator that is free and keeps the type of what it reads."""
    return Operator(rule, counts.free, constants=constants, reads="any")


def _activation(**constants: Setting) -> Operator:
    """Return a function of each number."""
    return Operator(rules.same, counts.per_value(1), constants=constants, activation=True)


#: Every operator by its name.
OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        # Views.
        "slice": _view(
            rules.sliced,
            axis=_AXIS,
            start=Setting("int", 0, least=0),
            stop=Setting("int", least=1),
            step=Setting("int", 1, least=1),
        ),
        "concatenate": Operator(
            rules.concatenated,
            counts.free,
            sources=(1, _MANY),
            constants={"axis": _AXIS},
            reads="any",
        ),
        "reshape": _view(rules.reshaped, shape=Setting("ints", least=1)),
        "transpose": _view(rules.transposed, axes=Setting("ints", (1, 0), least=0)),
        "flatten": _view(rules.flattened),
        "pad": Operator(
            rules.padded,
            counts.free,
            constants={"amounts": Setting("ints", least=0), "value": Setting("float", 0.0)},
        ),
        "repeat_channels": _view(rules.repeated, times=Setting("int", least=1)),
        "channel_shuffle": _view(
            rules.shuffled, groups=Setting("int", least=1), reverse=Setting("bool", False)
        ),
        "constant": Operator(
            rules.filled,
            counts.free,
            sources=(0, 0),
            constants={"shape": Setting("ints", least=1), "value": Setting("float", 0.0)},
        ),
        # Memory.
        "parameter": Operator(
            rules.stored, counts.free, sources=(0, 0), parameters=("value",), required=1
        ),
        "embedding": Operator(
            rules.looked_up, counts.free, parameters=("table",), required=1, reads="int"
        ),
        # Functions of each number.
        "relu": _activation(),
        "relu6": _activation(),
        "gelu": _activation(approximate=Setting("text", "none", choices=("none", "tanh"))),
        "silu": _activation(),
        "tanh": _activation(),
        "sigmoid": _activation(),
        "leaky_relu": _activation(slope=Setting("float", 0.01)),
        "elu": _activation(alpha=Setting("float", 1.0)),
        "softplus": _activation(beta=Setting("float", 1.0, least=1e-6)),
        "hardtanh": _activation(low=Setting("float", -1.0), high=Setting("float", 1.0)),
        "hardswish": _activation(),
        "hardsigmoid": _activation(),
        # Arithmetic.
        "add": Operator(rules.broadcast, counts.per_value(1), sources=(2, 2)),
        "multiply": Operator(rules.broadcast, counts.per_value(1), sources=(2, 2)),
        "scale": Operator(
            rules.same,
            counts.per_value(1),
            constants={"factor": Setting("float", 1.0), "offset": Setting("float", 0.0)},
        ),
        "affine": Operator(
            rules.per_channel, counts.per_value(1), parameters=("gain", "shift"), required=2
        ),
        "matmul": Operator(rules.multiplied, counts.product_of_values, sources=(2, 2)),
        "linear_digital": Operator(
            rules.linear,
            counts.products,
            parameters=_WEIGHT,
            required=1,
            constants={"activation": Setting("text", "none", choices=_FUSED)},
        ),
        "conv_digital": Operator(
            rules.convolved,
            counts.products,
            parameters=_WEIGHT,
            required=1,
            constants={
                **_WINDOW,
                **_DILATION,
                "groups": Setting("int", 1, least=1),
                "activation": Setting("text", "none", choices=_FUSED),
            },
        ),
        # Populations.
        "layer_norm": Operator(
            rules.normalized,
            counts.normalizing,
            parameters=_WEIGHT,
            constants={"axes": Setting("int", 1, least=1), "eps": _EPSILON},
        ),
        "group_norm": Operator(
            rules.grouped,
            counts.normalizing,
            parameters=_WEIGHT,
            constants={"groups": Setting("int", least=1), "eps": _EPSILON},
        ),
        "max_pool": Operator(
            rules.pooled, counts.windows, constants={**_WINDOW, **_DILATION, **_CEIL}
        ),
        "avg_pool": Operator(
            rules.pooled,
            counts.windows,
            constants={**_WINDOW, **_CEIL, "count_padding": Setting("bool", True)},
        ),
        "adaptive_avg_pool": Operator(
            rules.resized,
            counts.adaptive_windows,
            constants={"size": Setting("pair", least=1)},
        ),
        "mean": Operator(
            rules.averaged, counts.per_source, constants={"axes": Setting("ints", least=0)}
        ),
        "softmax": Operator(
            rules.along,
            counts.per_value(4),
            constants={"axis": _AXIS, "log": Setting("bool", False)},
        ),
    }
)

#: Operators that an `Mvm` may name as its activation, with the settings that they have by default.
ACTIVATIONS = frozenset(name for name, row in OPERATORS.items() if row.activation)


def apply(
    operator: str,
    sources: Sequence[Value],
    *,
    constants: Sequence[tuple[str, Constant]] = (),
    parameters: Sequence[Shape] = (),
) -> Applied:
    """Return what an operator makes of values, and what it takes.

    Args:
        operator: Name in the table.
        sources: Values that it reads.
        constants: Its settings, sorted by name.
        parameters: Shapes of its parameters.

    Raises:
        WorkloadError: If it is unknown, or cannot be applied to them; the message starts with the
            name of the operator.
    """
    row = _row(operator)
    try:
        settings = Settings(row.constants, constants)
        _check_counts(row, sources, parameters)
        made = row.shape(sources, settings, parameters)
        operations = row.operations(sources, settings, parameters, made)
    except WorkloadError as error:
        raise WorkloadError(f"{operator}: {error}") from None
    size = sum(math.prod(shape) for shape in parameters)
    return Applied(made, operations, made.size if operator == "embedding" else size)


def canonical(
    operator: str, constants: Sequence[tuple[str, Constant]]
) -> tuple[tuple[str, Constant], ...]:
    """Return constants in the type of their setting, without those that state the default.

    Args:
        operator: Name in the table.
        constants: Its settings, sorted by name.

    Raises:
        WorkloadError: If one is unknown, missing or out of bounds.
    """
    row = _row(operator)
    try:
        return Settings(row.constants, constants).canonical()
    except WorkloadError as error:
        raise WorkloadError(f"{operator}: {error}") from None


def settings_of(operator: str, constants: Sequence[tuple[str, Constant]] = ()) -> Settings:
    """Return the settings of an operator, those that were left out included.

    Args:
        operator: Name of the operator.
        constants: Settings that are given, with their names.
    """
    return Settings(OPERATORS[operator].constants, constants)


def _row(operator: str) -> Operator:
    """Return the row of an operator."""
    row = OPERATORS.get(operator)
    if row is None:
        raise WorkloadError(
            f"unknown operator {shown(operator)}; expected one of {', '.join(sorted(OPERATORS))}"
        )
    return row


def _check_counts(row: Operator, sources: Sequence[Value], parameters: Sequence[Shape]) -> None:
    """Refuse too many or too few sources or parameters, and sources of another type."""
    least, most = row.sources
    if not least <= len(sources) <= most:
        expected = f"{least}" if least == most else f"{least} or more"
        raise WorkloadError(f"has {len(sources)} sources; expected {expected}")
    if not row.required <= len(parameters) <= len(row.parameters):
        expected = ", ".join(row.parameters) or "none"
        raise WorkloadError(f"has {len(parameters)} parameters; expected {expected}")
    for source in sources:
        if row.reads not in ("any", source.dtype):
            raise WorkloadError(f"reads numbers of type {source.dtype}; expected {row.reads}")
