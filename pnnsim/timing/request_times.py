"""Times of requests that come at any time, by a recurrence instead of events: no spans, no causes.

With one sample in the loop at a time, all that happens to it behind its first departure follows at
fixed delays. So a few sums and maxima a request give when it began, and when its result came, to
the femtosecond as `pnnsim.timing.run` does; a million requests take seconds. What the recurrence
does not cover is left to the events.

Reference: D. V. Lindley, Mathematical Proceedings of the Cambridge Philosophical Society 48, 277,
1952, for one server; here there are three in a row, and one that two of them share.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import numpy as np

from pnnsim.common.times import Times, time_column
from pnnsim.mapping.actions import ENGINE_LANE, Ints
from pnnsim.mapping.delays import Stage
from pnnsim.mapping.plan import plan_blocks, plan_period
from pnnsim.mapping.policies import Access
from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals


@dataclass(frozen=True, slots=True, eq=False)
class RequestTimes:
    """When requests came, and when they were served.

    Args:
        arrival_fs: Arrival of each sample, shape `(n_sample,)` [fs].
        begin_fs: When the front end took each [fs].
        result_fs: Result of each at the host [fs].
        dropped: Requests that found the queue full, by number.
    """

    arrival_fs: Times
    begin_fs: Times
    result_fs: Times
    dropped: Ints

    @property
    def makespan_fs(self) -> int:
        """Return the time from the first arrival to the last result [fs]."""
        return int(self.result_fs.max() - self.arrival_fs.min())


@dataclass(frozen=True, slots=True)
class _Passage:
    """Fixed delays of a sample in the loop, from its first departure on.

    Args:
        change_fs: Change before the first departure [fs]; None where bank and switch stay.
        left_fs: From the first departure until it leaves the loop [fs].
        rest_fs: Until the switch may move for the next one [fs].
    """

    change_fs: int | None
    left_fs: int
    rest_fs: int


def percentile_fs(latency_fs: Times, percent: Fraction) -> int:
    """Return the shortest of some latencies that so many percent of them do not exceed [fs].

    Args:
        latency_fs: Latencies, shape `(n_sample,)` [fs].
        percent: Percentage, above 0.
    """
    rank = -(-percent * len(latency_fs) // 100) - 1
    return int(np.partition(latency_fs, int(rank))[int(rank)])


def request_times(work: Work, arrivals: Arrivals) -> RequestTimes | None:
    """Return when requests are served, or None where the recurrence does not cover the machine.

    It covers blocks of one sample, one in flight, on one core, with values that stay analog. Banks
    may be rewritten on the way, but neither ahead of time nor again.

    Args:
        work: What is to be done, and with what.
        arrivals: When requests come; not saturated.
    """
    control, delays = work.control, work.delays
    plain = control.block == control.blocks_in_flight == control.cores == 1
    never = control.refresh_interval is None and not work.ahead and not work.stateful
    inputs, outputs = _engine_first(delays.input), _engine_last(delays.output)
    if not (plain and never) or work.converts or inputs is None or outputs is None:
        return None
    if arrivals.times_fs is None:
        return None
    start, length = plan_period(work.order, work.mapping, work.policy)
    plan = islice(plan_blocks(work.order, work.mapping, work.policy), start + length)
    passages = [_passage(work, accesses) for accesses in plan]
    return _follow(work, arrivals, inputs, outputs, passages, start)


def _engine_first(stages: tuple[Stage, ...]) -> tuple[int, int] | None:
    """Return the time of the engine and that of other parts behind it, None in another order."""
    behind = [stage for stage in stages[1:] if stage.unit == ENGINE_LANE]
    if behind or not stages or stages[0].unit != ENGINE_LANE:
        return None
    return stages[0].duration_fs, sum(stage.duration_fs for stage in stages[1:])


def _engine_last(stages: tuple[Stage, ...]) -> tuple[int, int | None] | None:
    """Return the time of other parts and that of the engine behind them, None in another order.

    The time of an engine that has nothing to do is None.
    """
    if any(stage.unit == ENGINE_LANE for stage in stages[:-1]):
        return None
    total = sum(stage.duration_fs for stage in stages)
    if stages and stages[-1].unit == ENGINE_LANE:
        return total - stages[-1].duration_fs, stages[-1].duration_fs
    return total, None


def _passage(work: Work, accesses: tuple[Access, ...]) -> _Passage:
    """Return the fixed delays of a sample that is alone in the loop."""
    delays, overlap = work.delays, work.control.overlap
    departs = ready = rest = 0
    change = None
    for number, (product, access) in enumerate(zip(work.products, accesses, strict=True)):
        duration = access.write * delays.write_fs + access.route * delays.route_fs
        if not number:
            change = duration if access.changes else None
        else:
            changed = rest + duration if access.changes else 0
            begins = ready if overlap else max(ready, changed)
            departs = max(begins + delays.encode_fs, changed)
        captured = departs + delays.mm_fs
        ready = captured
        if product.activates:
            ready += delays.activate_fs + delays.hold_fs
        rest = captured if overlap else ready
    left = captured + delays.activate_fs
    return _Passage(change, left, captured if overlap else left)


def _follow(
    work: Work,
    arrivals: Arrivals,
    inputs: tuple[int, int],
    outputs: tuple[int, int | None],
    passages: list[_Passage],
    start: int,
) -> RequestTimes:
    """Follow all requests, in their order.

    Args:
        work: What is to be done.
        arrivals: When requests come.
        inputs: Time of the engine, and of the stages behind it [fs].
        outputs: Time of the stages ahead of the engine, and of the engine [fs].
        passages: Fixed delays in the loop, by block of the plan.
        start: Block from which on the plan repeats.
    """
    assert arrivals.times_fs is not None
    mapping_fs, entering_fs = inputs
    reading_fs, output_fs = outputs
    encode_fs, overlap = work.delays.encode_fs, work.control.overlap
    capacity = arrivals.count if arrivals.capacity is None else arrivals.capacity
    arrived: list[int] = []
    begun: list[int] = []
    left: list[int] = []
    results: list[int] = []
    dropped: list[int] = []
    engine = taken = loop = rest = result = waiting = 0
    period = len(passages) - start
    for request, arrival in enumerate(arrivals.times_fs):
        sample = len(begun)
        # Those that wait when it comes: a place that gets free now is free for it.
        while waiting < sample and begun[waiting] <= arrival:
            waiting += 1
        if sample - waiting >= capacity:
            dropped.append(request)
            continue
        could = arrival if arrival > taken else taken
        # The engine first does what could begin until then.
        read = len(results)
        while read < sample:
            since = (left[read] if left[read] > result else result) + reading_fs
            if output_fs is None:
                result = since
            elif since > could:
                break
            else:
                engine = result = (since if since > engine else engine) + output_fs
            results.append(result)
            read += 1
        begin = could if could > engine else engine
        engine = begin + mapping_fs
        taken = engine + entering_fs
        if loop > taken:
            taken = loop
        if sample > 1:
            # The readout takes the sample before the last when it is done with the one before it.
            place = left[sample - 2]
            if sample > 2:
                if read == sample - 3:
                    since = (left[read] if left[read] > result else result) + reading_fs
                    engine = result = (since if since > engine else engine) + (output_fs or 0)
                    results.append(result)
                if results[sample - 3] > place:
                    place = results[sample - 3]
            if place > taken:
                taken = place
        number = sample if sample < start else start + (sample - start) % period
        passage = passages[number]
        if passage.change_fs is None:
            departs = taken + encode_fs
        else:
            changed = rest + passage.change_fs
            if not overlap and changed > taken:
                taken = changed
            departs = taken + encode_fs
            if changed > departs:
                departs = changed
        loop, rest = departs + passage.left_fs, departs + passage.rest_fs
        arrived.append(arrival)
        begun.append(begin)
        left.append(loop)
    for over in left[len(results) :]:
        since = max(over, result) + reading_fs
        if output_fs is not None:
            since = engine = max(since, engine) + output_fs
        result = since
        results.append(result)
    return RequestTimes(
        time_column(arrived), time_column(begun), time_column(results), np.array(dropped, np.int64)
    )
