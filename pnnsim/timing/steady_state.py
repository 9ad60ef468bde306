"""Find out from a short run whether, and how, a long run of the same machine repeats.

Whole numbers are compared, nothing is fitted: two blocks are alike when every span of them has the
same place, the same cause and the same time from the start of its block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pnnsim.common.times import Times, time_column
from pnnsim.mapping.policies import Policy
from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.trace import Ints, Trace


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of a run.

    Args:
        firsts: First sample of each, shape `(n_block,)`.
        of_row: Block that each span served, shape `(n_span,)`.
    """

    firsts: Ints
    of_row: Ints


@dataclass(frozen=True, slots=True)
class _Period:
    """Period of a run: from block `start` on, each block is like the one `blocks` later."""

    start: int
    blocks: int
    samples: int
    period_fs: int


def find_period(
    simulate: Callable[[int], tuple[Trace, Blocks]],
    arrivals: Arrivals,
    plan: tuple[int, int],
    work: Work,
) -> PeriodicTrace | None:
    """Return a run as a short one that stands for it, or None where that is not possible.

    Args:
        simulate: Simulate so many of the first samples.
        arrivals: All samples; saturated or periodic.
        plan: After how many blocks the plan repeats, and how many it then repeats.
        work: What is to be done, and with what.
    """
    policy = work.policy
    blocks = plan[0] + 2 * plan[1] + policy.looks_back + policy.felt_ahead[0] + 4
    while 2 * blocks * work.control.block < arrivals.count:
        trace, found = simulate(blocks * work.control.block)
        if len(trace.dropped):
            return None
        period = _recurrence(trace, found, plan, policy)
        if period is not None:
            return _short_run(simulate, arrivals.count, trace, found, period, policy)
        blocks *= 2
    return None


def _references(trace: Trace, blocks: Blocks) -> Times:
    """Return when the first sample of each block is encoded for the first time [fs]."""
    rows = trace.rows("encode")
    rows = rows[trace.product[rows] == 0]
    starts = np.empty(trace.samples, dtype=trace.start_fs.dtype)
    starts[trace.sample[rows]] = trace.start_fs[rows]
    return starts[blocks.firsts]


def _signatures(trace: Trace, blocks: Blocks, reference: Times) -> list[bytes]:
    """Return what is to be known of each block, as bytes that are equal for blocks alike."""
    order = np.argsort(blocks.of_row, kind="stable")
    edges = np.searchsorted(blocks.of_row[order], np.arange(len(blocks.firsts) + 1))
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = np.arange(len(order)) - edges[blocks.of_row[order]]
    place[-1] = -1
    block_of = np.append(blocks.of_row, -1)
    ends = np.append(blocks.firsts[1:], trace.samples)
    signatures = []
    for block, at in enumerate(reference.tolist()):
        rows = order[edges[block] : edges[block + 1]]
        first, sample, cause = blocks.firsts[block], trace.sample[rows], trace.cause[rows]
        columns = (
            trace.unit[rows], trace.action[rows], trace.start_fs[rows] - at,
            trace.end_fs[rows] - at, np.where(sample >= 0, sample - first, -1), trace.step[rows],
            trace.fold[rows], trace.bank[rows], trace.weight_set[rows], place[cause],
            np.where(cause >= 0, block_of[cause] - block, 0),
            trace.arrival_fs[first : ends[block]] - at,
            time_column([at - int(reference[block - 1]) if block else 0]),
        )  # fmt: skip
        known = np.concatenate(columns)
        # The bytes of a column of Python integers would say where these are stored.
        whole = known.dtype == np.int64
        signatures.append(known.tobytes() if whole else repr(known.tolist()).encode())
    return signatures


def _recurrence(
    trace: Trace, blocks: Blocks, plan: tuple[int, int], policy: Policy
) -> _Period | None:
    """Return the period into which the run has come before its end is felt, or None."""
    reference = _references(trace, blocks)
    signatures = _signatures(trace, blocks, reference)
    found = (
        _period(signatures[:-felt], blocks, reference, plan, policy.looks_back)
        for felt in policy.felt_ahead
    )
    return next((period for period in found if period is not None), None)


def _period(
    alike: list[bytes], blocks: Blocks, reference: Times, plan: tuple[int, int], back: int
) -> _Period | None:
    """Return the period that the last of some blocks have, or None.

    Args:
        alike: What is to be known of each block.
        blocks: Blocks of the run.
        reference: When each begins [fs].
        plan: After how many blocks the plan repeats, and how many it then repeats.
        back: Blocks in a row that must be alike.
    """
    last = len(alike) - 1
    transient, step = plan
    for length in range(step, last - back - transient + 1, step):
        if alike[last - back + 1 :] != alike[last - back + 1 - length : last + 1 - length]:
            continue
        start = last - length
        while start > transient and alike[start - 1] == alike[start - 1 + length]:
            start -= 1
        samples = int(blocks.firsts[last] - blocks.firsts[last - length])
        time = int(reference[last] - reference[last - length])
        return _Period(start, length, samples, time) if time > 0 else None
    return None


def _short_run(
    simulate: Callable[[int], tuple[Trace, Blocks]],
    count: int,
    trace: Trace,
    blocks: Blocks,
    period: _Period,
    policy: Policy,
) -> PeriodicTrace | None:
    """Simulate as many samples as stand for all, and say which rows repeat."""

    def ends_before(block: int) -> int:
        return int(trace.end_fs[blocks.of_row < block].max(initial=0))

    # What ends after this belongs to blocks that repeat, and so does what ends a period earlier.
    begin = max(
        ends_before(period.start),
        ends_before(period.start + period.blocks) - period.period_fs,
    )
    # Two whole periods must be over before the end of the run can be felt: a few blocks before it.
    reference = int(_references(trace, blocks)[period.start])
    turns = 2 + -(-max(0, begin - reference) // period.period_fs)
    turns += -(-(policy.looks_back + 4) // period.blocks)
    first_sample = int(blocks.firsts[period.start]) + 2 * period.samples
    needed = int(blocks.firsts[period.start]) + max(turns, 4) * period.samples
    repeats = (count - needed) // period.samples
    if repeats < 1:
        return None
    base, _ = simulate(count - repeats * period.samples)
    first, end, after = np.searchsorted(
        base.end_fs, time_column([begin + k * period.period_fs for k in range(3)]), side="right"
    ).tolist()
    found = PeriodicTrace(base, first, end, repeats, period.period_fs, first_sample, period.samples)
    return found if _repeats(base, (first, end, after), period) else None


def _repeats(base: Trace, edges: tuple[int, int, int], period: _Period) -> bool:
    """Return whether the rows of a period come again in the next one."""
    first, end, after = edges
    if after - end != end - first:
        return False
    one, two = slice(first, end), slice(end, after)
    same = all(
        np.array_equal(base.column(name)[one], base.column(name)[two])
        for name in ("unit", "action", "step", "fold", "bank", "weight_set", "amount")
    )
    later = all(
        np.array_equal(base.column(name)[one] + period.period_fs, base.column(name)[two])
        for name in ("start_fs", "end_fs")
    )
    sample, cause = base.sample[one], base.cause[one]
    samples = np.where(sample >= 0, sample + period.samples, sample)
    causes = np.where(cause >= 0, cause + end - first, cause)
    return (
        same and later
        and np.array_equal(samples, base.sample[two]) and np.array_equal(causes, base.cause[two])
    )  # fmt: skip
