"""Tools that damage a trace on purpose, so that an invariant has something to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.trace import ACTIONS, NO_CAUSE, Trace

#: Columns with a row for each span.
SPANS = tuple(
    field.name
    for field in fields(Trace)
    if (field.type == "Ints" and field.name != "dropped") or field.name in ("start_fs", "end_fs")
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to damage the sound trace of a machine.

    Args:
        name: What is wrong then.
        work: The machine.
        requests: Whom it serves.
        damage: Returns the damaged trace, or the same trace for another work.
        message: What must be reported, as a pattern.
    """

    name: str
    work: Work
    requests: Arrivals
    damage: Callable[[Trace], Trace | tuple[Trace, Work]]
    message: str


def find(
    trace: Trace, action: str, sample: int | None = None, step: int | None = None, nth: int = 0
) -> int:
    """Return the n-th row of an action."""
    rows = trace.rows(action)
    if sample is not None:
        rows = rows[trace.sample[rows] == sample]
    if step is not None:
        rows = rows[trace.product[rows] == step]
    return int(rows[nth])


def edit(trace: Trace, row: Any, **changes: Any) -> Trace:
    """Return the trace with some cells of a row, or of several, changed."""
    columns = {name: getattr(trace, name).copy() for name in changes}
    for name, value in changes.items():
        columns[name][row] = value
    return replace(trace, **columns)


def without(trace: Trace, row: int) -> Trace:
    """Return the trace without a row, causes renumbered; its effects get its cause."""
    cause = np.where(trace.cause == row, trace.cause[row], trace.cause)
    columns = {name: np.delete(getattr(trace, name), row) for name in SPANS}
    columns["cause"] = np.delete(cause - (cause > row), row)
    return replace(trace, **columns)


def added(trace: Trace, action: str, unit: str, **cells: int) -> Trace:
    """Return the trace with one more span, which nothing follows; rows stay in order."""
    row = {
        "unit": trace.units.index(unit), "action": ACTIONS.index(action), "sample": -1, "step": -1,
        "fold": 0, "bank": -1, "weight_set": -1, "amount": 1, **cells,
    }  # fmt: skip
    columns = {name: np.append(getattr(trace, name), row[name]) for name in SPANS}
    return in_order(replace(trace, **columns))


def later(trace: Trace, row: int, by_fs: int, *, longer: bool = False) -> Trace:
    """Return the trace with all that starts no sooner than a span moved to later times.

    Args:
        trace: The trace.
        row: The span.
        by_fs: Time by which they are moved [fs].
        longer: Let the span itself take more time instead, and move what starts when it ends.
    """
    from_fs = trace.end_fs[row] if longer else trace.start_fs[row]
    moved = trace.start_fs >= from_fs
    start, end = trace.start_fs + by_fs * moved, trace.end_fs + by_fs * moved
    if longer:
        end[row] = trace.end_fs[row] + by_fs
    arrivals = trace.arrival_fs + by_fs * (trace.arrival_fs >= from_fs)
    results = np.zeros_like(trace.result_fs)
    ends = (trace.step < 0) & (trace.sample >= 0)
    np.maximum.at(results, trace.sample[ends], end[ends])
    return in_order(
        replace(trace, start_fs=start, end_fs=end, arrival_fs=arrivals, result_fs=results)
    )


def in_order(trace: Trace) -> Trace:
    """Return the trace with its rows in the order of their ends."""
    order = np.argsort(trace.end_fs, kind="stable")
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    place[-1] = NO_CAUSE
    columns = {name: getattr(trace, name)[order] for name in SPANS}
    columns["cause"] = place[columns["cause"]]
    return replace(trace, **columns)


def swapped(trace: Trace) -> Trace:
    """Return the trace with two neighbors out of order that end at different times."""
    order = np.arange(len(trace))
    at = int(np.flatnonzero(np.diff(trace.end_fs) > 0)[5])
    order[[at, at + 1]] = order[[at + 1, at]]
    return replace(trace, **{name: getattr(trace, name)[order] for name in SPANS})
