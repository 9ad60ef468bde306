"""A queue with few places before a machine that takes blocks: who waits, who is turned away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.timing.arrivals import Arrivals, Queue
from pnnsim.timing.trace import Trace
from tests.timing.machines import Machine, machine, machines


@pytest.mark.parametrize(
    ("capacity", "most", "follow"),
    [(1, 3, 1), (2, 3, 2), (2, 2, 2), (3, 9, 3), (None, 9, 5), (None, 3, 3)],
)
def test_a_block_counts_on_the_places_alone(capacity: int | None, most: int, follow: int) -> None:
    """Five come at 5: as many as there are places wait.

    A place that the front end is about to free is not counted: its engine may be busy with an
    output map, and then whoever was counted on is turned away.
    """
    queue = Queue(Arrivals(6, (0, 5, 5, 5, 5, 5), capacity))
    assert queue.take(0) == 0
    assert queue.waiting(5, most) == follow


def test_those_who_wait_already_leave_no_more_places() -> None:
    queue = Queue(Arrivals(5, (0, 1, 2, 5, 5), capacity=2))
    assert queue.take(0) == 0
    # 1 and 2 wait. Of both that come at 5, one finds the place of 1, if that is served now.
    assert queue.waiting(5, 9) == 2
    assert [queue.take(5), queue.take(6), queue.take(7)] == [1, 2, 5]
    assert queue.dropped == [4]


@pytest.mark.parametrize(
    ("capacity", "served", "blocks"),
    [(1, [0, 1, 2], [2, 1]), (2, [0, 1, 2, 3], [3, 1]), (3, [0, 1, 2, 3, 4], [4, 1])],
)
def test_a_block_is_as_large_as_the_queue_lets_it_be(
    capacity: int, served: list[int], blocks: list[int]
) -> None:
    """T_in is 4: four more come at the moment at which the first sample is encoded."""
    arrivals = Arrivals(5, (0, 4, 4, 4, 4), capacity)
    case = machine(sets=2, steps=2, block=4, arrivals=arrivals, samples=5)
    trace = case.run()
    assert trace.served.tolist() == served
    assert sizes(trace) == blocks


def sizes(trace: Trace) -> list[int]:
    """Return how many samples go through the banks together, from the order of their products.

    A sample that comes behind another one in step 0 is in its block unless that has gone on
    already.
    """
    rows = trace.rows("mvm")
    rows = rows[np.argsort(trace.start_fs[rows], kind="stable")]
    found: list[int] = []
    ahead = 0
    for step in trace.step[rows].tolist():
        if step == 0:
            found = [*found, 1] if ahead or not found else [*found[:-1], found[-1] + 1]
        ahead = step
    return found


def turned_away(case: Machine, trace: Trace) -> list[int]:
    """Return who finds no place, from when the front end began with those who found one.

    The front end takes whom it begins with at an instant before another one comes.
    """
    assert case.arrivals is not None
    assert case.arrivals.times_fs is not None
    began = dict(zip(trace.served.tolist(), trace.begin_fs().tolist(), strict=True))
    waiting: list[int] = []
    dropped = []
    for number, time in enumerate(case.arrivals.times_fs):
        waiting = [begin for begin in waiting if begin > time]
        if number not in began:
            dropped.append(number)
            assert case.arrivals.capacity is not None
            assert len(waiting) >= case.arrivals.capacity
        else:
            if began[number] > time and case.arrivals.capacity is not None:
                assert len(waiting) < case.arrivals.capacity
            waiting.append(began[number])
    return dropped


@given(
    machines(samples=(1, 25)),
    st.lists(st.sampled_from([0, 0, 1, 4, 30]), min_size=25, max_size=25),
    st.integers(1, 3),
)
@settings(max_examples=80, deadline=None)
def test_only_who_finds_every_place_taken_is_turned_away(
    case: Machine, gaps: list[int], capacity: int
) -> None:
    times = tuple(np.cumsum(gaps[: case.samples]).tolist())
    case = replace(case, arrivals=Arrivals(case.samples, times, capacity))
    trace = case.run()
    assert turned_away(case, trace) == trace.dropped.tolist()
