"""Windows of a trace: the spans that a report shows one by one, and sums over all others.

Nothing is priced and nothing is drawn here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pnnsim.common.times import Times
from pnnsim.timing.trace import Ints, Trace

#: Spans from the beginning and from the middle of a run that a page can be zoomed into.
_FIRST_SPANS, _MIDDLE_SPANS = 2500, 1000
#: Equal parts of a run for which a lane's work is summed.
_PARTS = 240
#: Spans of the head of a run, from which its power is taken.
_HEAD_SPANS = 1_000
#: Latencies that a settled run repeats at most.
_REPEATED = 64


def windows(trace: Trace) -> tuple[Ints, tuple[tuple[int, int], ...]]:
    """Return the rows of the windows, and the stretches of time in which none is missing [fs]."""
    by_start = np.argsort(trace.start_fs, kind="stable")
    end_fs = int(trace.result_fs.max())
    if len(trace) <= _FIRST_SPANS + _MIDDLE_SPANS:
        return by_start.astype(np.int64), ((0, end_fs),)
    first = by_start[:_FIRST_SPANS]
    begin = (len(trace) - _MIDDLE_SPANS) // 2
    middle = by_start[max(begin, _FIRST_SPANS) : begin + _MIDDLE_SPANS]
    closed = int(trace.start_fs[first[-1]])
    # A span that began before the window and reaches into it is not among its rows.
    window = int(trace.start_fs[middle[0]]), int(trace.start_fs[middle[-1]])
    reaching = np.flatnonzero(
        (trace.start_fs < window[0]) & (trace.end_fs > window[0]) & (trace.start_fs > closed)
    )
    rows = np.unique(np.concatenate([first, middle, reaching])).astype(np.int64)
    return rows, ((0, closed), window)


def busy_shares(trace: Trace, unit: int) -> tuple[int, ...]:
    """Return for which percentage of each part of the run a lane works.

    Args:
        trace: Trace of the run.
        unit: Index of the lane.
    """
    rows = np.flatnonzero(trace.unit == unit)
    edges = np.linspace(0.0, float(trace.result_fs.max()), _PARTS + 1)

    def before(times: Times) -> NDArray[np.float64]:
        """Return the sum, over the times before each edge, of what has passed since them."""
        ordered = np.sort(times.astype(np.float64))
        number = np.searchsorted(ordered, edges)
        passed: NDArray[np.float64] = number * edges - np.append(0.0, np.cumsum(ordered))[number]
        return passed

    worked = np.diff(before(trace.start_fs[rows]) - before(trace.end_fs[rows]))
    share = 100 * worked / (edges[1] - edges[0])
    return tuple(np.clip(np.ceil(share - 1e-6), 0, 100).astype(int).tolist())


def first_spans(trace: Trace) -> tuple[Trace, int, int]:
    """Return the spans of the first samples, their number, and until when nothing else happens."""
    most = min(len(trace), _HEAD_SPANS)
    samples = max(1, int((trace.result_fs <= trace.end_fs[most - 1]).sum()))
    if most == len(trace):
        return trace, trace.samples, int(trace.result_fs.max())
    ends = np.sort(trace.result_fs)[samples - 1]
    samples = int(np.flatnonzero(trace.result_fs <= ends).max()) + 1
    end_fs = int(trace.result_fs[:samples].max())
    rows = np.flatnonzero((trace.sample < samples) & (trace.end_fs <= end_fs))
    later = trace.start_fs[trace.sample >= samples]
    columns: dict[str, Any] = {
        name: trace.column(name)[rows]
        for name in (
            "unit", "action", "start_fs", "end_fs", "sample", "step", "bank", "weight_set",
            "cause", "fold", "amount",
        )
    }  # fmt: skip
    head = replace(
        trace,
        **columns,
        arrival_fs=trace.arrival_fs[:samples],
        result_fs=trace.result_fs[:samples],
    )
    return head, samples, min(end_fs, int(later.min(initial=end_fs)))


def settled_from(latency: NDArray[np.float64]) -> int | None:
    """Return from which sample on latencies repeat a few values; None where they never do."""
    repeated = np.unique(latency[len(latency) // 2 :])
    if len(latency) < 8 or len(repeated) > min(_REPEATED, len(latency) // 4):
        return None
    strange = np.flatnonzero(~np.isin(latency, repeated))
    return int(strange.max(initial=-1)) + 1


def loop_fs(trace: Trace) -> int:
    """Return for how long samples are between encoder and nonlinearity, added over cores [fs]."""
    rows = np.flatnonzero((trace.sample >= 0) & (trace.step >= 0))
    if not len(rows):
        return 0
    begin = np.full(trace.samples, trace.end_fs.max(), dtype=trace.start_fs.dtype)
    end = np.zeros(trace.samples, dtype=trace.end_fs.dtype)
    np.minimum.at(begin, trace.sample[rows], trace.start_fs[rows])
    np.maximum.at(end, trace.sample[rows], trace.end_fs[rows])
    order = np.argsort(begin, kind="stable")
    begin, reach = begin[order], np.maximum.accumulate(end[order])
    gaps = np.maximum(begin[1:] - reach[:-1], 0)
    return int(reach[-1] - begin[0] - gaps.sum())
