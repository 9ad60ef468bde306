"""Invariants of arrivals: samples are the requests, and only what finds no place is dropped."""

from __future__ import annotations

import numpy as np

from pnnsim.common.times import time_column
from pnnsim.errors import InvariantError
from pnnsim.timing.invariants.faults import first
from pnnsim.timing.invariants.passages import Passages


def samples_arrive_when_requested(run: Passages) -> None:
    """Check that each sample arrives when its request came, or when the front end takes it.

    Guards "Arrivals. saturated, periodic, Poisson, or a list of times".
    """
    trace, requests = run.trace, run.requests
    if requests is None:
        return
    count = trace.samples + len(trace.dropped)
    if count != requests.count:
        raise InvariantError(
            f"trace: {trace.samples} samples and {len(trace.dropped)} dropped requests; expected "
            f"{requests.count} in all"
        )
    if requests.times_fs is None:
        expected = run.start(run.input_rows[:, 0])
    else:
        expected = np.delete(time_column(requests.times_fs), trace.dropped)
    sample = first(np.asarray(trace.arrival_fs != expected))
    if sample is not None:
        raise InvariantError(
            f"trace: sample {sample} arrives at {trace.arrival_fs[sample]} fs; expected "
            f"{expected[sample]} fs, as requested"
        )


def requests_are_dropped_where_the_queue_is_full(run: Passages) -> None:
    """Check that a request is turned away if, and only if, as many wait as fit.

    Guards the queue in front of the machine. A place that gets free at the instant of an arrival is
    free for it.
    """
    trace, requests = run.trace, run.requests
    if requests is None:
        return
    if requests.times_fs is None or requests.capacity is None:
        if len(trace.dropped):
            raise InvariantError(
                f"trace: request {trace.dropped[0]} is dropped, though nothing limits the queue"
            )
        return
    times = time_column(requests.times_fs)
    dropped = np.zeros(len(times), dtype=bool)
    dropped[trace.dropped] = True
    begin = run.start(run.input_rows[:, 0])
    served_before = np.cumsum(~dropped) - ~dropped
    waiting = served_before - np.minimum(served_before, np.searchsorted(begin, times, side="right"))
    wrong = first(dropped & (waiting < requests.capacity))
    if wrong is not None:
        raise InvariantError(
            f"trace: request {wrong} is dropped at {times[wrong]} fs, though {waiting[wrong]} wait "
            f"in a queue for {requests.capacity}"
        )
    at_once = np.zeros(len(times), dtype=bool)
    at_once[~dropped] = begin == times[~dropped]
    wrong = first(~dropped & ~at_once & (waiting >= requests.capacity))
    if wrong is not None:
        raise InvariantError(
            f"trace: request {wrong} waits from {times[wrong]} fs on beside {waiting[wrong]} "
            f"others in a queue for {requests.capacity}"
        )
