"""What a network is: its weight sets in time, its parameters, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pnnsim.networks.relaxnet import ReLaXNet


def test_weight_sets_are_used_in_turn() -> None:
    assert ReLaXNet(weight_sets=3, steps=7).weight_set_order() == (0, 1, 2, 0, 1, 2, 0)


def test_a_sequence_uses_each_set_in_one_run_of_nearly_equal_length() -> None:
    order = ReLaXNet(weight_sets=3, steps=7, order="sequence").weight_set_order()
    assert order == (0, 0, 0, 1, 1, 2, 2)
    assert ReLaXNet(weight_sets=2, steps=4, order="sequence").weight_set_order() == (0, 0, 1, 1)


def test_an_order_of_ones_own_is_taken_as_it_is() -> None:
    assert ReLaXNet(weight_sets=2, steps=3, order=(1, 1, 0)).weight_set_order() == (1, 1, 0)


@pytest.mark.parametrize("order", ["cycle", "sequence"])
@pytest.mark.parametrize(("weight_sets", "steps"), [(1, 1), (1, 5), (5, 5), (4, 7), (7, 20)])
def test_every_order_uses_every_set(order: Any, weight_sets: int, steps: int) -> None:
    used = ReLaXNet(weight_sets=weight_sets, steps=steps, order=order).weight_set_order()
    assert len(used) == steps
    assert set(used) == set(range(weight_sets))


def test_an_rnn_has_one_set_and_a_dnn_one_for_each_step() -> None:
    assert ReLaXNet(kind="rnn", steps=9).weight_sets == 1
    assert ReLaXNet(kind="dnn", steps=9).weight_sets == 9
    assert ReLaXNet(kind="dnn").weight_sets == ReLaXNet().steps == 12
    assert ReLaXNet().weight_sets == 2


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"weight_sets": 13, "steps": 12}, r"weight_sets \(13\) is more than steps \(12\)"),
        ({"kind": "rnn", "weight_sets": 2}, r"kind rnn has 1 weight set\(s\) at 12 steps"),
        ({"kind": "dnn", "weight_sets": 2}, r"kind dnn has 12 weight set\(s\) at 12 steps"),
        ({"steps": 3, "order": (0, 1)}, "order has 2 entries; expected one for each of the 3"),
        ({"steps": 2, "order": (0, 0)}, r"order uses the sets \[0\]; expected every set from 0 to"),
        ({"steps": 2, "order": (0, 2)}, r"order uses the sets \[0, 2\]"),
        ({"hidden": 0}, "hidden"),
        ({"residual": float("nan")}, "residual"),
        ({"widht": 3}, "widht"),
    ],
)
def test_contradictions_are_refused(values: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        ReLaXNet(**values)


def test_parameters_are_counted_by_hand() -> None:
    net = ReLaXNet(inputs=5, hidden=3, outputs=2, weight_sets=2, steps=4)
    # two sets of 3x3 weights and 3 biases; 5x3 and 3 ahead; 3x2 and 2 behind; a gain for each set
    assert net.parameter_counts() == {
        "hidden": 24, "gain": 2, "front_end": 18, "readout": 8, "total": 52,
    }  # fmt: skip
    every = net.model_copy(update={"injection": "every"})
    assert every.parameter_counts()["front_end"] == 15  # no bias where h[0] is 0


def test_parameters_do_not_grow_with_steps_and_work_does() -> None:
    short, long = ReLaXNet(steps=4), ReLaXNet(steps=40)
    assert short.parameter_counts() == long.parameter_counts()
    assert long.macs_per_inference()["hidden"] == 10 * short.macs_per_inference()["hidden"]


def test_work_is_counted_by_hand() -> None:
    net = ReLaXNet(inputs=5, hidden=3, outputs=2, weight_sets=2, steps=4)
    assert net.macs_per_inference() == {"hidden": 36, "front_end": 15, "readout": 6}
