"""Comparison of what each span waits for with when it starts, for the invariants of eagerness.

A rule of order names what must be over before something may start. A span that starts sooner
breaks causality; one that starts later, though all that it needs is there, has waited for nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pnnsim.mapping.actions import Ints
from pnnsim.timing.invariants.faults import Flags, fail, first
from pnnsim.timing.invariants.passages import Passages

#: Earlier than anything that happens [fs].
LONG_AGO = int(np.iinfo(np.int64).min)
#: What a need is, and when it is met for each span [fs]; `LONG_AGO` where there is no such need.
Need = tuple[str, Ints]


def start_when_needs_are_met(
    run: Passages,
    rows: Ints,
    needs: list[Need],
    *,
    excused: Callable[[Ints, Ints], Flags] | None = None,
) -> None:
    """Raise where spans start before one of their needs is met, or after all of them are.

    Args:
        run: The run.
        rows: Rows of the spans, shape `(n,)`.
        needs: What they wait for, each of shape `(n,)`; with none of them, they start at 0.
        excused: Of spans that start late, by index and by when all needs were met, whether
            something else kept them.
    """
    if not len(rows):
        return
    trace, start_fs = run.trace, run.trace.start_fs[rows]
    judged = run.window.judges(start_fs)
    ready_fs = np.zeros_like(start_fs)
    for what, met_fs in needs:
        early = first(judged & (start_fs < met_fs))
        if early is not None:
            fail(trace, int(rows[early]), f"starts before {what}, at {met_fs[early]} fs")
        ready_fs = np.maximum(ready_fs, met_fs)
    late = np.flatnonzero(judged & (start_fs > ready_fs))
    if len(late) and excused is not None:
        late = late[~excused(late, ready_fs[late])]
    if len(late):
        at = int(late[0])
        names = [what for what, met_fs in needs if met_fs[at] == ready_fs[at]]
        last = names[0] if names else "the run began"
        fail(trace, int(rows[at]), f"waits for nothing since {ready_fs[at]} fs, when {last}")


def where(condition: Flags | Ints, time_fs: Ints) -> Ints:
    """Return times where there is a need, and `LONG_AGO` where there is none.

    Args:
        condition: Where there is a need.
        time_fs: Times [fs], as `condition`.
    """
    return np.where(np.asarray(condition, dtype=bool), time_fs, LONG_AGO)


def before(time_fs: Ints) -> Ints:
    """Return for each span the time of the one before it; `LONG_AGO` for the first."""
    return np.concatenate([[LONG_AGO], time_fs[:-1]]).astype(time_fs.dtype)
