"""A workload agrees with itself or does not exist, and is one text with one hash."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pnnsim.errors import WorkloadError
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.mlp import Mlp
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.workload import Carried, Digital, Gather, Matrix, Mvm, Value, Workload
from tests.networks.workloads import example

NETWORKS = [
    ReLaXNet(),
    ReLaXNet(injection="every", residual=0.5, stateful=True),
    Mlp(sizes=(6, 5, 4)),
    LruNet(stem=8, repetitions=2),
]


@pytest.mark.parametrize("workload", [example(), *(n.workload for n in NETWORKS)])
def test_text_and_pickle_give_the_workload_back(workload: Workload) -> None:
    again = Workload.from_json(workload.to_json())
    assert again == workload
    assert hash(again) == hash(workload)
    assert again.sha256() == workload.sha256()
    assert Workload.from_json(workload.to_json().encode()) == workload
    assert pickle.loads(pickle.dumps(workload)) == workload  # it is sent to workers


def test_the_text_is_the_documented_one() -> None:
    """Written by hand from the description of the format; the hash by `sha256sum` of this text."""
    workload = Workload(
        (Value((3,)), Value((2,)), Value((2,))),
        (Matrix("w", 2, 3),),
        (
            Mvm(0, 0, bias="b", activation="machine"),
            Digital("scale", (1,), (("factor", 2.0),), operations=2),
        ),
        2,
        shapes={"w": (2, 3), "b": (2,)},
    )
    text = (
        '{"carried":[],"matrices":[{"groups":1,"inputs":3,"name":"w","outputs":2}],"output":2,'
        '"pnnsim_workload":1,"shapes":{"b":[2],"w":[2,3]},"steps":[{"activation":"machine",'
        '"bias":"b","mvm":0,"source":0},{"constants":{"factor":2.0},"digital":"scale",'
        '"operations":2,"sources":[1]}],"values":[{"shape":[3]},{"shape":[2]},{"shape":[2]}]}'
    )
    assert workload.to_json() == text
    assert workload.sha256() == "3b9e3e05c301779836b25cbe2f97c5d401a4d7864358f62c29af09bd2937a67c"


#: Regression, set on 2026-11-21 from the forms that the tests beside this one compare with torch.
HASHES = ["1391cb406274e58e", "3c055ac6f788ea97", "12613ec69cc8453f", "52c3d676a12337e2"]


@pytest.mark.parametrize(("network", "expected"), list(zip(NETWORKS, HASHES, strict=True)))
def test_hashes_stay(network: Any, expected: str) -> None:
    assert network.workload.sha256()[:16] == expected


def test_the_hash_depends_on_content_and_on_no_order_of_names() -> None:
    workload = example()
    turned = replace(workload, shapes=dict(reversed(workload.shapes.items())))
    assert list(turned.shapes) != list(workload.shapes)
    assert turned.sha256() == workload.sha256()
    other = replace(workload, carried=(replace(workload.carried[0], initial=0.5),))
    assert other.sha256() != workload.sha256()


def test_whole_numbers_and_numbers_of_one_value_hash_alike() -> None:
    workload = example()
    carried = workload.carried[0]
    whole = replace(workload, carried=(replace(carried, initial=1),))
    real = replace(workload, carried=(replace(carried, initial=1.0),))
    scaled = [
        Workload(
            (Value((3,)), Value((3,))),
            (),
            (Digital("scale", (0,), (("factor", factor),), operations=3),),
            1,
        )
        for factor in (2, 2.0)
    ]
    for one, other in ((whole, real), scaled):
        assert one == other
        assert one.sha256() == other.sha256()


def test_settings_that_state_the_default_make_no_other_workload() -> None:
    texts = set()
    for settings_given in ({}, {"factor": 1}, {"factor": 1.0, "offset": 0}):
        builder = WorkloadBuilder(Value((3,)))
        texts.add(builder.build(builder.digital("scale", 0, **settings_given)).to_json())
    assert len(texts) == 1


def test_a_kernel_that_cannot_be_is_refused_while_building() -> None:
    builder = WorkloadBuilder(Value((1, 4, 4)))
    number = builder.matrix("w", 2, 1)
    with pytest.raises(WorkloadError, match=r"step 0 \(w\): stride is \(0, 1\); expected"):
        builder.mvm(number, 0, gather=Gather((1, 1), stride=(0, 1)))


def with_step(number: int, **changes: Any) -> dict[str, Any]:
    """Return fields of the example in which one step differs."""
    workload = example()
    steps = list(workload.steps)
    steps[number] = replace(steps[number], **changes)
    return {"steps": tuple(steps)}


def with_value(number: int, value: Any) -> dict[str, Any]:
    values = list(example().values)
    values[number] = value
    return {"values": tuple(values)}


def with_shapes(**changes: Any) -> dict[str, Any]:
    return {"shapes": {**example().shapes, **changes}}


CONV, LOOP = example().matrices


WRONG: list[tuple[Callable[[], dict[str, Any]], str]] = [
    (lambda: {"values": example().values[:-1]}, "values: got 7; expected the input and one for"),
    (lambda: with_value(0, Value((0, 5, 5))), "value 0: has shape"),
    (lambda: with_value(0, Value(())), "value 0: has shape"),
    (lambda: with_value(0, Value((1, 1, 1, 1))), "value 0: has shape .* 1 to 3 sizes"),
    (lambda: with_value(0, Value((2**41,))), r"value 0: .* at most 2\^40 numbers"),
    (lambda: with_value(0, Value((2, 5, 5), "int")), "step 0 .conv.: reads numbers of type int"),
    (lambda: with_value(0, Value((2, 5, 5), "text")), "value 0: is .* type float or int"),  # type: ignore[arg-type]
    (lambda: with_value(1, Value((4, 3, 2))), r"step 0: makes float \(4, 3, 3\); value 1 is"),
    (lambda: with_value(3, Value((15,))), r"step 2: makes float \(16,\)"),
    (lambda: with_step(0, matrix=2), "step 0: matrix: 2 is not the number of a matrix"),
    (lambda: with_step(0, matrix=True), "step 0: matrix: True is not"),
    (lambda: with_step(0, matrix=-1), "step 0: matrix: -1 is not"),
    (
        lambda: with_step(0, source=1),
        "step 0 .conv.: source: 1 is not .* by then; expected 0 to 0",
    ),
    (lambda: with_step(5, inject=7), "step 5 .loop.: source: 7 is not"),
    (lambda: with_step(5, inject=3), r"step 5 \(loop\): inject is float \(16,\); expected"),
    (lambda: with_step(5, residual=(3, 0.5)), r"step 5 \(loop\): residual is float \(16,\)"),
    (lambda: with_step(5, residual=(4, float("inf"))), "residual factor is inf"),
    (lambda: with_step(5, residual=(4, True)), "residual factor is True"),
    (lambda: with_step(5, activation="sine"), r"step 5 \(loop\): unknown activation 'sine'"),
    (lambda: with_step(5, activation="max_pool"), "unknown activation 'max_pool'"),
    (lambda: with_step(5, bias="conv.bias"), r"parameter conv\.bias has shape \(4,\); expected"),
    (lambda: with_step(5, gain="map"), r"parameter map has shape .*expected \(\) or \(6,\)"),
    (lambda: with_step(5, gain="other"), "parameter 'other' has no shape"),
    (lambda: with_step(5, barrier=1), "barrier is 1; expected true or false"),
    (lambda: with_step(5, source=1), r"source has shape \(4, 3, 3\); expected \(6,\) or"),
    (lambda: with_step(0, gather=None), "source has shape"),
    (lambda: with_step(0, gather=Gather((3, 2))), "expected a map with 18 values at a place"),
    (lambda: with_step(0, gather=Gather((0, 3))), "kernel is .0, 3.; expected two whole numbers"),
    (
        lambda: with_step(0, gather=Gather((3, 3), dilation=(3, 1))),
        r"\(conv\): kernel .* that fits",
    ),
    (lambda: with_step(0, gather=Gather((3, 3), padding=(-1, 0))), "padding is .-1, 0."),
    (lambda: with_step(1, operator="min_pool"), "step 1: unknown operator 'min_pool'"),
    (lambda: with_step(1, sources=(2,)), "step 1: source: 2 is not"),
    (lambda: with_step(1, operations=1), "states 1 operations and 0 bytes; expected 64 and 0"),
    (lambda: with_step(4, bytes=0), "step 4: linear_digital: states 96 operations and 0 bytes"),
    (lambda: with_step(4, parameters=("gone",)), "step 4: parameter 'gone' has no shape"),
    (lambda: with_step(1, constants=(("stride", (1, 1)), ("kernel", (2, 2)))), "sorted by name"),
    (lambda: {"matrices": (CONV, replace(LOOP, name="conv"))}, "its name is taken"),
    (lambda: {"matrices": (CONV, replace(LOOP, name=""))}, "matrix 1: has the name ''"),
    (lambda: {"matrices": (CONV, replace(LOOP, name="a\nb"))}, "matrix 1: has the name"),
    (lambda: {"matrices": (CONV, replace(LOOP, inputs=0))}, "expected whole numbers"),
    (lambda: {"matrices": (CONV, replace(LOOP, inputs=7))}, "parameter loop has shape"),
    (lambda: {"matrices": (replace(CONV, groups=4), LOOP)}, "expected a divisor of both"),
    (
        lambda: {"matrices": (CONV, LOOP, Matrix("x", 1, 1)), **with_shapes(x=(1, 1))},
        r"matrix 2 \(x\): no step uses it",
    ),
    (lambda: with_shapes(x=(1,)), "parameter 'x': no step uses it"),
    (lambda: with_shapes(gain=(0,)), "parameter gain: has shape"),
    (lambda: with_shapes(gain=[6]), "parameter gain: has shape"),
    (lambda: {"values": list(example().values)}, "values: is a list; expected a tuple"),
    (lambda: with_step(1, sources=[1]), "step 1: sources: is a list; expected a tuple"),
    (lambda: {"output": 8}, "output: 8 is not the number of a value; expected 0 to 7"),
    (lambda: {"carried": (Carried(7, 8),)}, "carried 0: target: 8 is not"),
    (lambda: {"carried": (Carried(7, 6),)}, "carried 0: replaces value 6; expected one that a"),
    (lambda: {"carried": (Carried(7, 0),)}, "carried 0: replaces value 0; expected one that a"),
    (lambda: {"carried": (Carried(7, 4), Carried(6, 4))}, "carried 1: replaces value 4 again"),
    (lambda: {"carried": (Carried(3, 4),)}, r"carried 0: is float \(16,\); value 4 is"),
    (lambda: {"carried": (Carried(7, 4, float("nan")),)}, "initial is nan; expected a finite"),
    (lambda: {"steps": (*example().steps[:-1], None)}, "step 6: is None; expected an Mvm"),
]


@pytest.mark.parametrize(("fields", "match"), WRONG, ids=[match for _, match in WRONG])
def test_parts_that_contradict_each_other_are_refused(
    fields: Callable[[], dict[str, Any]], match: str
) -> None:
    with pytest.raises(WorkloadError, match=match):
        replace(example(), **fields())


def test_descriptions_and_workloads_load_no_torch() -> None:
    """A description is checked at once; loading torch takes a second."""
    code = (
        "import sys; from pnnsim.networks import builder, lrunet, mlp, protocol, workload; "
        "from pnnsim.networks.relaxnet import ReLaXNet; ReLaXNet().workload; mlp.Mlp().workload; "
        "lrunet.LruNet().workload.sha256(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_vectors_and_products_are_counted() -> None:
    workload = example()
    assert [workload.vectors(number) for number in range(7)] == [9, 0, 0, 0, 0, 1, 1]
    assert workload.macs == 9 * 4 * 9 + 2 * 36
    assert workload.operations == 4 * 2 * 2 * 4 + 6 * 16
    assert workload.parameters == 4 * 9 + 4 + 36 + 6 * 16 + 1


def test_a_name_that_stands_for_two_things_is_refused_while_building() -> None:
    builder = WorkloadBuilder(Value((3,)))
    number = builder.matrix("w", 2, 3)
    assert builder.matrix("w", 2, 3) == number
    with pytest.raises(WorkloadError, match="matrix w: is"):
        builder.matrix("w", 3, 3)
    with pytest.raises(WorkloadError, match=r"parameter w: has shape \(2, 3\); expected \(4,\)"):
        builder.parameter("w", (4,))
    with pytest.raises(WorkloadError, match="expected a map"):
        builder.mvm(number, 0, gather=Gather((1, 1)))
