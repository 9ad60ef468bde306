"""Order lanes as a sample meets them, name spans, and find the sample of each span.

Shared by the pictures and the Perfetto file, so that both use the same words and the same order.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.trains import vectors_of
from pnnsim.devices.registry import parts
from pnnsim.mapping.actions import TABLE
from pnnsim.timing.trace import ACTIONS, NO_CAUSE, Ints, Trace, core_of

#: Components in machine order; what has no place in the machine comes last.
_RANK = {name: rank for rank, name in enumerate(parts())}

_LAST_ACTION = ACTIONS.index("map_output")


def lane_order(trace: Trace) -> tuple[int, ...]:
    """Return the indices of all lanes in the order in which a sample meets them.

    The lane that maps the output belongs to the front end but is met last.
    """
    components = trace.components()
    begin = np.full(len(trace.units), trace.end_fs.max(initial=0) + 1, trace.start_fs.dtype)
    np.minimum.at(begin, trace.unit, trace.start_fs)
    last = set(np.unique(trace.unit[trace.action == _LAST_ACTION]).tolist())
    first = set(np.unique(trace.unit[trace.action != _LAST_ACTION]).tolist())

    def key(unit: int) -> tuple[bool, int, int, int, int, str]:
        rank = _RANK.get(components[unit], len(_RANK))
        core = core_of(trace.units[unit])
        tail = trace.units[unit].removesuffix(f".core{core}").rpartition(".")[2]
        number = int(tail) if tail.isdecimal() else -1  # bank 10 comes after bank 2
        started = int(begin[unit]) if number < 0 else 0
        name = trace.units[unit]
        return (unit in last and unit not in first, rank, core, number, started, name)

    return tuple(sorted(range(len(trace.units)), key=key))


def sublanes(start_fs: Ints, end_fs: Ints) -> NDArray[np.int64]:
    """Return the sub-lane of each span of one lane so that spans of a sub-lane never overlap.

    First fit in order of start uses as few sub-lanes as spans are ever open at once (interval
    partitioning; Kleinberg, Tardos, Algorithm Design, 2005, section 4.1).

    Args:
        start_fs: Start of each span [fs], shape `(n_span,)`.
        end_fs: End of each span [fs], shape `(n_span,)`.

    Returns:
        Sub-lane from 0, shape `(n_span,)`.
    """
    found = np.zeros(len(start_fs), dtype=np.int64)
    free_at: list[int] = []
    starts, ends = start_fs.tolist(), end_fs.tolist()
    for row in np.lexsort((end_fs, start_fs)).tolist():
        lane = next((i for i, free in enumerate(free_at) if free <= starts[row]), len(free_at))
        if lane == len(free_at):
            free_at.append(0)
        free_at[lane] = ends[row]
        found[row] = lane
    return found


def sublane_name(unit: str, lane: int) -> str:
    """Return `memory` for the first sub-lane of memory, `memory #2` for the second.

    Args:
        unit: Lane of the trace.
        lane: Number of the sub-lane, from 0.
    """
    return unit if lane == 0 else f"{unit} #{lane + 1}"


def owners(trace: Trace) -> Ints:
    """Return the sample that each span served, shape `(n_span,)`.

    A move or a write serves no single sample; it belongs to the sample whose end of work let it
    start, or, where it started by itself, to the last one that had come.
    """
    found = trace.sample.tolist()
    cause = trace.cause.tolist()
    come = np.maximum(np.searchsorted(trace.arrival_fs, trace.start_fs, side="right") - 1, 0)
    # Rows come in order of end, so the cause of a row stands before it.
    for row in np.flatnonzero(trace.sample < 0).tolist():
        found[row] = int(come[row]) if cause[row] == NO_CAUSE else found[cause[row]]
    return np.asarray(found, dtype=np.int64)


def critical_rows(trace: Trace, sample: int = 0) -> tuple[int, ...]:
    """Return the rows that made a sample as late as it was, first to last.

    Args:
        trace: Trace of the run.
        sample: Sample whose result is explained.

    Returns:
        Rows from the first span after the arrival to the span that ends with the result: each one
        started when the one before it ended. They may serve other samples.
    """
    rows = np.flatnonzero(trace.sample == sample)
    if len(rows) == 0:
        return ()
    arrival = int(trace.arrival_fs[sample])
    row = int(rows[-1])
    path: list[int] = []
    # What ended before the sample arrived did not cost it anything.
    while row != NO_CAUSE and int(trace.end_fs[row]) >= arrival:
        path.append(row)
        row = int(trace.cause[row])
    return tuple(reversed(path))


def span_names(trace: Trace, rows: Iterable[int]) -> list[str]:
    """Return what each span does, in words that mean something alone: `mvm W1 t=3`.

    Of several vectors it says how many: `mvm W1 t=3 ×64`.

    Args:
        trace: Trace of the run.
        rows: Rows to name.
    """
    vectors = vectors_of(trace)
    together = [n for n, action in enumerate(TABLE) if action.when != "preparing"]
    together.remove(ACTIONS.index("compute"))
    return [
        _name(
            ACTIONS[trace.action[row]],
            place_name(trace, row, int(trace.step[row])),
            int(trace.bank[row]),
            place_name(trace, row, int(trace.weight_set[row])),
        )
        + (f" ×{vectors[row]}" if vectors[row] > 1 and trace.action[row] in together else "")
        for row in rows
    ]


def place_name(trace: Trace, row: int, number: int) -> str:
    """Return a step or a weight set as `3`, or as `3/1` for a fold of it; nothing for none.

    Args:
        trace: Trace of the run.
        row: Row of the span.
        number: Its step or weight set; -1 for none.
    """
    if number < 0:
        return ""
    return str(number) if trace.folds == 1 else f"{number}/{trace.fold[row]}"


def _name(action: str, step: str, bank: int, weight_set: str) -> str:
    if action in ("write", "refresh"):
        return f"{action} W{weight_set} → bank {bank}"
    if action == "route":
        return f"route → bank {bank}"
    words = [action.replace("_", " ")]
    if action in ("propagate", "mvm") and weight_set:
        words.append(f"W{weight_set}")
    if step:
        words.append(f"t={step}")
    return " ".join(words)
