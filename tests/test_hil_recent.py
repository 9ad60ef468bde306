"""What a machine keeps between calls is bounded, however many batch sizes it has seen."""

from __future__ import annotations

import gc

import pytest

from pnnsim.hil.meter import Passage
from pnnsim.hil.recent import Recent
from pnnsim.visits import Visits
from tests.hil_machines import drives
from tests.instrument_server import machine


def test_results_are_computed_once_while_they_are_in_use() -> None:
    made = []

    def make(number: int) -> int:
        made.append(number)
        return number

    kept: Recent[int, int] = Recent(lambda value: value, most=10)
    for number in (3, 4, 3, 2, 3):
        assert kept.get(number, lambda number=number: make(number)) == number
    assert made == [3, 4, 2]
    kept.get(5, lambda: make(5))  # 14 rows: 4, the one longest out of use, leaves
    assert len(kept) == 3
    kept.get(3, lambda: make(3))
    assert made == [3, 4, 2, 5]
    kept.get(4, lambda: make(4))
    assert made == [3, 4, 2, 5, 4]


def test_a_result_beyond_the_bound_is_kept_alone() -> None:
    kept: Recent[int, int] = Recent(lambda value: value, most=10)
    for number in (1, 2, 50, 50):
        kept.get(number, lambda number=number: number)
    assert len(kept) == 1
    kept.get(1, lambda: 1)
    assert len(kept) == 1


def test_a_machine_called_with_ever_new_batch_sizes_does_not_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Recent.__init__, "__kwdefaults__", {"most": 2000})

    def alive() -> tuple[int, int]:
        objects = gc.get_objects()
        return (
            sum(type(item) is Passage for item in objects),
            sum(type(item) is Visits for item in objects),
        )

    gc.collect()
    before = alive()
    backend = machine()
    for waves in range(1, 61):
        backend.forward(drives(waves))
        backend.step(0, drives(waves))
    gc.collect()
    passages, visits = (now - then for now, then in zip(alive(), before, strict=True))
    # A pass of 60 waves has some 1,300 spans and 180 visits.
    assert passages <= 4
    assert visits <= 16
