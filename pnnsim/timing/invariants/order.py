"""Invariants of order: times ascend, and each span has a cause that precedes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pnnsim.common.times import after_all, time_column
from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import NO_CAUSE, Columns, numbers
from pnnsim.timing.invariants.faults import fail, first


def times_ascend(trace: Columns) -> None:
    """Check that spans end after they start, rows are in order of their ends, results come.

    Guards "latency, from arrival to result at the host" of a sample.
    """
    row = first(trace.end_fs < trace.start_fs)
    if row is not None:
        fail(trace, row, "ends before it starts")
    row = first(np.diff(trace.end_fs) < 0)
    if row is not None:
        fail(trace, row + 1, f"stands below row {row}, which ends later")
    row = first((trace.sample < -1) | (trace.sample >= trace.samples))
    if row is not None:
        fail(trace, row, f"serves a sample that is none of the {trace.samples}")
    if len(trace.result_fs) != trace.samples:
        raise InvariantError(
            f"trace: got {len(trace.result_fs)} results; expected one for each of the "
            f"{trace.samples} samples"
        )
    sample = first(trace.result_fs < trace.arrival_fs)
    if sample is not None:
        raise InvariantError(
            f"trace: sample {sample} has its result at {trace.result_fs[sample]} fs, before its "
            "arrival "
            f"at {trace.arrival_fs[sample]} fs"
        )
    last_end = np.full(trace.samples, -1, dtype=trace.end_fs.dtype)
    first_start = np.full(trace.samples, after_all(trace.end_fs), dtype=trace.start_fs.dtype)
    outside = (trace.sample >= 0) & (trace.product < 0)
    np.maximum.at(last_end, trace.sample[outside], trace.end_fs[outside])
    np.minimum.at(first_start, trace.sample[outside], trace.start_fs[outside])
    sample = first((last_end != trace.result_fs) | (first_start < trace.arrival_fs))
    if sample is not None:
        raise InvariantError(
            f"trace: sample {sample} arrives at {trace.arrival_fs[sample]} fs and has its result "
            "at "
            f"{trace.result_fs[sample]} fs, but its spans run from {first_start[sample]} to "
            f"{last_end[sample]} fs"
        )


def causes_precede(
    trace: Columns, trains_fs: Sequence[int] = (), *, double_buffered: bool = False
) -> None:
    """Check that spans start when a cause in an earlier row ended; departures may wait.

    Guards "follow each other as the parts free up": what begins is released by something that
    ends. A refresh may begin by itself, when it is due. Of several vectors the first one goes on
    when it has left the part before, whose span ends with the last one.

    Args:
        trace: The trace.
        trains_fs: Time from the first to the last vector of each product [fs].
        double_buffered: Whether the encoder goes on when a symbol departs, with which no span ends.
    """
    rows = np.arange(len(trace))
    arrives = np.zeros(len(trace), dtype=bool)
    inputs = np.flatnonzero((trace.sample >= 0) & (trace.product < 0))
    arrives[inputs] = trace.start_fs[inputs] == trace.arrival_fs[trace.sample[inputs]]
    arrives[trace.rows("refresh")] = True
    row = first((trace.cause == NO_CAUSE) & ~arrives)
    if row is not None:
        fail(trace, row, "has no cause and is no arrival")
    row = first((trace.cause < NO_CAUSE) | (trace.cause >= rows))
    if row is not None:
        fail(trace, row, f"has row {trace.cause[row]} as its cause; expected an earlier row")
    caused = trace.cause != NO_CAUSE
    freed = np.where(caused, trace.end_fs[trace.cause], trace.start_fs)
    if any(trains_fs):
        trains = time_column([*trains_fs, 0])
        passes_on = np.isin(trace.action, numbers("mvm", "detect", "activate", "digitize"))
        freed = freed - np.where(passes_on, trains[trace.product], 0)
    row = first(trace.start_fs < freed)
    if row is not None:
        fail(trace, row, f"starts before its cause, row {trace.cause[row]}, ends at {freed[row]}")
    departs = np.isin(trace.action, numbers("propagate", "hold_symbol"))
    if double_buffered:
        # The front end goes on when the encoder does.
        departs |= np.isin(trace.action, numbers("encode", "convert", "map_input"))
    row = first((trace.start_fs > freed) & ~departs)
    if row is not None:
        fail(
            trace, row, f"starts later than its cause, row {trace.cause[row]}, ends at {freed[row]}"
        )
