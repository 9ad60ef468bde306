"""Every operator of the table computes the shape that the table states, and what torch computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pnnsim.errors import WorkloadError
from pnnsim.networks.operator_functions import FUNCTIONS, compute, product
from pnnsim.networks.operators import ACTIVATIONS, OPERATORS, apply
from pnnsim.networks.parts import Shape, Value


@dataclass(frozen=True)
class Case:
    """One use of an operator: shapes, settings, torch's own form, operations counted by hand."""

    operator: str
    sources: tuple[Shape, ...]
    torch: Callable[..., Tensor]
    operations: int = 0
    parameters: tuple[Shape, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)


def batch_norm(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    one = torch.ones_like(gain)
    return functional.batch_norm(x, 0 * one, one, gain, shift, eps=0.0)


def activation(name: str, function: Callable[[Tensor], Tensor], **constants: Any) -> Case:
    return Case(name, ((3, 4),), function, 12, constants=constants)


def torch_keys(window: dict[str, Any]) -> dict[str, Any]:
    return {{"kernel": "kernel_size"}.get(name, name): value for name, value in window.items()}


MAP = (4, 5, 6)
POOL = {"kernel": (3, 2), "stride": (2, 2), "padding": (1, 1)}

CASES = [
    Case("slice", ((6,),), lambda x: x[:, 1:6:2], constants={"start": 1, "stop": 6, "step": 2}),
    Case("slice", (MAP,), lambda x: x[:, :, 2:4], constants={"axis": 1, "start": 2, "stop": 4}),
    Case("slice", ((3, 7),), lambda x: x[..., :5], constants={"stop": 5}),
    Case("concatenate", ((3, 4), (2, 4)), lambda a, b: torch.cat((a, b), 1), constants={"axis": 0}),
    Case("concatenate", ((3, 4), (3, 1)), lambda a, b: torch.cat((a, b), 2)),
    Case("reshape", (MAP,), lambda x: x.reshape(-1, 20, 6), constants={"shape": (20, 6)}),
    Case("transpose", ((3, 4),), lambda x: x.transpose(1, 2)),
    Case("transpose", (MAP,), lambda x: x.permute(0, 3, 1, 2), constants={"axes": (2, 0, 1)}),
    Case("flatten", (MAP,), lambda x: x.flatten(1)),
    Case(
        "pad",
        (MAP,),
        lambda x: functional.pad(x, (3, 4, 1, 2), value=0.5),
        constants={"amounts": (1, 2, 3, 4), "value": 0.5},
    ),
    Case("repeat_channels", (MAP,), lambda x: x.repeat(1, 3, 1, 1), constants={"times": 3}),
    Case(
        "channel_shuffle",
        (MAP,),
        lambda x: functional.channel_shuffle(x, 2),
        constants={"groups": 2},
    ),
    Case(
        "channel_shuffle",
        (MAP,),
        lambda x: x[:, [2, 0, 3, 1]],
        constants={"groups": 2, "reverse": True},
    ),
    Case(
        "constant",
        (),
        lambda: torch.full((2, 3, 4), 1.5),
        constants={"shape": (3, 4), "value": 1.5},
    ),
    Case("parameter", (), lambda p: p.repeat(2, 1, 1), parameters=((3, 4),)),
    activation("relu", functional.relu),
    activation("relu6", functional.relu6),
    activation("gelu", functional.gelu),
    activation("gelu", lambda x: functional.gelu(x, approximate="tanh"), approximate="tanh"),
    activation("silu", functional.silu),
    activation("tanh", torch.tanh),
    activation("sigmoid", torch.sigmoid),
    activation("leaky_relu", functional.leaky_relu),
    activation("leaky_relu", lambda x: functional.leaky_relu(x, 0.3), slope=0.3),
    activation("elu", lambda x: functional.elu(x, 0.5), alpha=0.5),
    activation("softplus", lambda x: functional.softplus(x, 2.0), beta=2.0),
    activation("hardtanh", lambda x: functional.hardtanh(x, -0.5, 2.0), low=-0.5, high=2.0),
    activation("hardswish", functional.hardswish),
    activation("hardsigmoid", functional.hardsigmoid),
    Case("add", ((3, 4), (3, 4)), torch.add, 12),
    Case("add", (MAP, (6,)), lambda a, b: a + b[:, None, None], 120),
    Case("multiply", ((4,), (3, 4)), lambda a, b: a[:, None] * b, 12),
    Case("multiply", (MAP, (4, 1, 1)), torch.mul, 120),
    Case("scale", ((5,),), lambda x: 1 - 2 * x, 5, constants={"factor": -2.0, "offset": 1}),
    Case("affine", (MAP,), batch_norm, 120, parameters=((4,), (4,))),
    Case("affine", ((5,),), batch_norm, 5, parameters=((5,), (5,))),
    Case("affine", ((3, 4),), lambda x, g, s: x * g + s, 12, parameters=((4,), (4,))),
    Case("matmul", ((3, 4), (4, 5)), torch.bmm, 60),
    Case("matmul", ((2, 3, 4), (2, 4, 5)), torch.matmul, 120),
    Case("linear_digital", ((4,),), functional.linear, 12, parameters=((3, 4), (3,))),
    Case("linear_digital", ((5, 4),), functional.linear, 60, parameters=((3, 4),)),
    Case(
        "linear_digital",
        ((4,),),
        lambda x, w, b: torch.tanh(functional.linear(x, w, b)),
        12,
        parameters=((3, 4), (3,)),
        constants={"activation": "tanh"},
    ),
    Case(
        "conv_digital",
        (MAP,),
        lambda x, w, b: functional.conv2d(x, w.reshape(6, 2, 3, 3), b, (1, 2), 1, (2, 1), 2),
        6 * 3 * 3 * 18,
        parameters=((6, 18), (6,)),
        constants={
            "kernel": (3, 3),
            "stride": (1, 2),
            "padding": (1, 1),
            "dilation": (2, 1),
            "groups": 2,
        },
    ),
    Case(
        "conv_digital",
        (MAP,),
        lambda x, w: functional.relu(functional.conv2d(x, w[:, :, None, None])),
        3 * 30 * 4,
        parameters=((3, 4),),
        constants={"kernel": (1, 1), "activation": "relu"},
    ),
    Case("layer_norm", ((3, 4),), lambda x: functional.layer_norm(x, (4,)), 36),
    Case(
        "layer_norm",
        ((3, 4),),
        lambda x, w, b: functional.layer_norm(x, (3, 4), w, b, 0.1),
        48,
        parameters=((3, 4), (3, 4)),
        constants={"axes": 2, "eps": 0.1},
    ),
    Case(
        "group_norm",
        (MAP,),
        lambda x, w, b: functional.group_norm(x, 2, w, b),
        480,
        parameters=((4,), (4,)),
        constants={"groups": 2},
    ),
    Case(
        "group_norm",
        ((6,),),
        lambda x: functional.group_norm(x, 3),
        18,
        constants={"groups": 3},
    ),
    Case(
        "max_pool",
        (MAP,),
        lambda x: functional.max_pool2d(x, **{**torch_keys(POOL), "dilation": (1, 2)}),
        4 * 3 * 3 * 6,
        constants={**POOL, "dilation": (1, 2)},
    ),
    Case(
        "max_pool",
        (MAP,),
        lambda x: functional.max_pool2d(x, 2, 2, ceil_mode=True),
        4 * 3 * 3 * 4,
        constants={"kernel": (2, 2), "stride": (2, 2), "ceil": True},
    ),
    Case(
        "avg_pool",
        (MAP,),
        lambda x: functional.avg_pool2d(x, **torch_keys(POOL)),
        4 * 3 * 4 * 6,
        constants=POOL,
    ),
    Case(
        "avg_pool",
        (MAP,),
        lambda x: functional.avg_pool2d(x, **torch_keys(POOL), count_include_pad=False),
        4 * 3 * 4 * 6,
        constants={**POOL, "count_padding": False},
    ),
    # Three windows of 5 rows are 0-1, 1-3, 3-4; four of 6 columns are 0-1, 1-2, 3-4, 4-5.
    Case(
        "adaptive_avg_pool",
        (MAP,),
        lambda x: functional.adaptive_avg_pool2d(x, (3, 4)),
        4 * (2 + 3 + 2) * (2 + 2 + 2 + 2),
        constants={"size": (3, 4)},
    ),
    Case("mean", (MAP,), lambda x: x.mean((2, 3)), 120, constants={"axes": (1, 2)}),
    Case("mean", ((7,),), lambda x: x.mean(1, keepdim=True), 7, constants={"axes": (0,)}),
    Case("softmax", ((3, 4),), lambda x: x.softmax(-1), 48),
    Case(
        "softmax",
        ((3, 4),),
        lambda x: x.log_softmax(1),
        48,
        constants={"axis": 0, "log": True},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operator)
def test_an_operator_is_torchs_and_as_the_table_states(case: Case) -> None:
    generator = torch.Generator().manual_seed(0)
    xs = [torch.randn((2, *s), generator=generator, dtype=torch.float64) for s in case.sources]
    ps = [torch.randn(s, generator=generator, dtype=torch.float64) for s in case.parameters]
    constants = tuple(sorted(case.constants.items()))

    found = compute(
        case.operator,
        xs,
        constants=constants,
        parameters=ps,
        like=torch.empty(2, dtype=torch.float64),
    )

    expected = case.torch(*xs, *ps).to(torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    stated = apply(
        case.operator,
        [Value(shape) for shape in case.sources],
        constants=constants,
        parameters=case.parameters,
    )
    assert stated.value == Value(tuple(expected.shape[1:]))
    assert stated.operations == case.operations
    assert stated.bytes == sum(p.numel() for p in ps)


def test_every_operator_has_a_function_and_a_case() -> None:
    assert FUNCTIONS.keys() == OPERATORS.keys()
    assert {case.operator for case in CASES} | {"embedding"} == set(OPERATORS)
    assert {case.operator for case in CASES if case.operator in ACTIVATIONS} == ACTIVATIONS


def test_an_embedding_reads_only_its_rows() -> None:
    stated = apply("embedding", [Value((5,), "int")], parameters=[(100, 8)])
    assert (stated.value, stated.operations, stated.bytes) == (Value((5, 8)), 0, 40)
    table = torch.randn((100, 8), generator=torch.Generator().manual_seed(0))
    numbers = torch.tensor([[0, 99, 3, 3, 7]])
    found = compute("embedding", [numbers], parameters=[table], like=torch.empty(1))
    assert torch.equal(found, table[numbers])


def test_windows_that_end_beyond_the_map_agree_with_torch() -> None:
    """All small pools with `ceil`: the last window starts within the map or the padding ahead."""
    for size in range(1, 9):
        for kernel in range(1, 5):
            for stride in range(1, 5):
                for pad in range(kernel // 2 + 1):
                    constants = (
                        ("ceil", True),
                        ("kernel", (kernel, 1)),
                        ("padding", (pad, 0)),
                        ("stride", (stride, 1)),
                    )
                    try:
                        expected = functional.max_pool2d(
                            torch.zeros(1, size, 1), (kernel, 1), (stride, 1), (pad, 0), 1, True
                        )
                    except RuntimeError:  # too small
                        with pytest.raises(WorkloadError, match="expected one that fits"):
                            apply("max_pool", [Value((1, size, 1))], constants=constants)
                        continue
                    stated = apply("max_pool", [Value((1, size, 1))], constants=constants)
                    assert stated.value.shape == tuple(expected.shape), constants


def test_adaptive_windows_are_counted_as_they_are_read() -> None:
    for size in range(1, 13):
        for n in range(1, 13):
            windows = sum(-(-(i + 1) * size // n) - i * size // n for i in range(n))
            stated = apply(
                "adaptive_avg_pool", [Value((1, size, 1))], constants=(("size", (n, 1)),)
            )
            assert stated.operations == windows


def test_a_product_of_groups_is_a_diagonal_of_blocks() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn((6, 2), generator=generator, dtype=torch.float64)
    x = torch.randn((5, 4, 6), generator=generator, dtype=torch.float64)
    whole = torch.block_diag(*weight.split(2))
    torch.testing.assert_close(product(x, weight, 3), x @ whole.T, rtol=1e-12, atol=1e-12)


WRONG: list[tuple[str, list[Shape], dict[str, Any], list[Shape], str]] = [
    ("sine", [(3,)], {}, [], r"unknown operator 'sine'; expected one of .*add"),
    ("relu", [(3,), (3,)], {}, [], "relu: has 2 sources; expected 1"),
    ("relu", [(3,)], {"slope": 0.1}, [], "unknown constant 'slope'; expected no constants"),
    ("linear_digital", [(3,)], {}, [], "has 0 parameters; expected weight, bias"),
    ("linear_digital", [(3,)], {}, [(2, 4)], r"weight \(2, 4\) on \(3,\); expected \(outputs, 3\)"),
    ("linear_digital", [(3,)], {}, [(2, 3), (3,)], r"bias has shape \(3,\); expected \(2,\)"),
    ("slice", [(3,)], {}, [], "constant stop is missing"),
    ("slice", [(3,)], {"stop": 4}, [], "slice 0:4 of an axis of 3"),
    ("slice", [(3,)], {"stop": 2, "axis": 1}, [], "axis 1 of"),
    ("slice", [(3,)], {"stop": True}, [], "stop is True; expected a whole number"),
    ("slice", [(3,)], {"stop": 2.0}, [], r"stop is 2\.0; expected a whole number"),
    ("reshape", [(3,)], {"shape": (2, 2)}, [], "expected as many numbers"),
    ("reshape", [(3,)], {"shape": (-3, -1)}, [], "of at least 1"),
    ("transpose", [(3, 4)], {"axes": (0, 0)}, [], "expected each axis once"),
    ("add", [(3, 4), (3,)], {}, [], "expected alike"),
    ("concatenate", [(3, 4), (3, 5)], {"axis": 0}, [], "but along axis 0"),
    ("scale", [(3,)], {"factor": float("nan")}, [], "factor is nan; expected a finite number"),
    ("scale", [(3,)], {"factor": 10**400}, [], "expected a finite number"),
    ("gelu", [(3,)], {"approximate": "sin"}, [], "expected one of none, tanh"),
    ("max_pool", [(3,)], {"kernel": (2, 2)}, [], "expected a map"),
    ("max_pool", [(1, 4, 4)], {"kernel": (5, 2)}, [], "expected one that fits"),
    ("max_pool", [(1, 4, 4)], {"kernel": (2, 2), "padding": (2, 0)}, [], "half at most"),
    ("max_pool", [(1, 4, 4)], {"kernel": (2,)}, [], "two whole numbers"),
    ("avg_pool", [(1, 4, 4)], {"kernel": (2, 2), "dilation": (2, 2)}, [], "unknown constant"),
    ("matmul", [(3, 4), (3, 4)], {}, [], r"expected \(m, k\) and \(k, n\)"),
    ("mean", [(3,)], {"axes": ()}, [], "expected some of its axes"),
    ("channel_shuffle", [(3,)], {"groups": 2}, [], "expected a divisor"),
    ("group_norm", [(3, 4)], {"groups": 1}, [], "expected a map or a vector"),
    ("layer_norm", [(4,)], {"axes": 2}, [], "2 axes of"),
    ("affine", [(3,)], {}, [(3,), (4,)], "shift has shape"),
    ("embedding", [(3,)], {}, [(5, 2)], "reads numbers of type float; expected int"),
    ("pad", [(1, 2, 2)], {"amounts": (1, 1)}, [], "top, bottom, left, right"),
]


@pytest.mark.parametrize(("operator", "sources", "constants", "parameters", "match"), WRONG)
def test_what_cannot_be_applied_is_refused(
    operator: str,
    sources: list[Shape],
    constants: dict[str, Any],
    parameters: list[Shape],
    match: str,
) -> None:
    with pytest.raises(WorkloadError, match=match):
        apply(
            operator,
            [Value(shape) for shape in sources],
            constants=tuple(sorted(constants.items())),
            parameters=parameters,
        )
