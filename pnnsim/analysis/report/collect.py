"""Take the data of the pictures from a run: windows of its trace, not the whole of it.

Nothing is drawn here. A run of many samples is looked at as a whole by sums over columns; single
spans are taken from its beginning and from its middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.bands.assumptions import assumptions_of
from pnnsim.analysis.energy import power_trace
from pnnsim.analysis.report.lanes import (
    critical_rows,
    lane_order,
    span_names,
    sublane_name,
    sublanes,
)
from pnnsim.analysis.report.record import (
    Latencies,
    Load,
    PartTime,
    Power,
    Record,
    Schedule,
    SourceRow,
    Spans,
)
from pnnsim.analysis.report.timeline import change_title, first_change, first_sample
from pnnsim.analysis.report.windows import busy_shares, first_spans, loop_fs, settled_from, windows
from pnnsim.analysis.trains import working_fs
from pnnsim.mapping.actions import is_path
from pnnsim.mapping.prices import PriceTable
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.provenance import provenance
from pnnsim.timing.trace import ACTIONS, Trace

if TYPE_CHECKING:
    from pnnsim.analysis.bands.band import Band

#: Pieces of power, and points of a curve.
_PIECES, _POINTS = 2_000, 400

_FS = 1e15
_KINDS = {"route": "r", "write": "w", "refresh": "w", "digitize": "d", "compute": "d"}


def record_of(
    trace: Trace,
    prices: PriceTable,
    spec: HardwareSpec,
    *,
    utilization: Mapping[str, float],
    when: str,
    confusion: tuple[tuple[int, ...], ...] = (),
    band: Band | None = None,
    versions: tuple[tuple[str, str], ...] = (),
) -> Record:
    """Return the data of the pictures of a run.

    Args:
        trace: Every span of the run.
        prices: Energy of each action and static power of each component.
        spec: Machine.
        utilization: Share of the run for which each component works.
        when: Date and time of the run.
        confusion: How often each class was taken for each.
        band: What the ranges make of the figures; None for none.
        versions: Names and versions of what computed the run.
    """
    return Record(
        when=when,
        summary=spec.summary,
        schedules=schedules_of(trace),
        spans=spans_of(trace, prices),
        power=power_of(trace, prices),
        latency=latencies_of(trace),
        loads=loads_of(trace, utilization),
        times=times_of(trace),
        sources=sources_of(spec),
        confusion=confusion,
        drawn=() if band is None or not band.ranges else _drawn(band),
        versions=versions,
    )


def schedules_of(trace: Trace) -> tuple[Schedule, ...]:
    """Return the pictures of the schedule: the first sample, and closer its first change."""
    found = [Schedule("The first sample, from arrival to result", first_sample(trace))]
    change = first_change(trace)
    if change is not None:
        found.append(Schedule(f"Closer: {change_title(trace)} of the first sample", change))
    return tuple(found)


def spans_of(trace: Trace, prices: PriceTable) -> Spans:
    """Return the spans that a page can be zoomed into.

    Args:
        trace: Every span of the run.
        prices: Energy of each action.
    """
    rows, complete = windows(trace)
    order = [unit for unit in lane_order(trace) if (trace.unit[rows] == unit).any()]
    names: list[str] = []
    lane = np.zeros(len(rows), dtype=np.int64)
    busy: list[tuple[int, ...]] = []
    for unit in order:
        mine = np.flatnonzero(trace.unit[rows] == unit)
        found = sublanes(trace.start_fs[rows[mine]], trace.end_fs[rows[mine]])
        lane[mine] = len(names) + found
        for number in range(int(found.max()) + 1):
            names.append(sublane_name(trace.units[unit], number))
            busy.append(busy_shares(trace, unit) if number == 0 else ())
    texts = span_names(trace, rows.tolist())
    labels = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(labels)}
    components = trace.components()
    critical = set(critical_rows(trace))
    return Spans(
        lanes=tuple(names),
        labels=tuple(labels),
        lane=tuple(lane.tolist()),
        start_fs=tuple(trace.start_fs[rows].tolist()),
        length_fs=tuple((trace.end_fs[rows] - trace.start_fs[rows]).tolist()),
        sample=tuple(trace.sample[rows].tolist()),
        label=tuple(place[text] for text in texts),
        kind="".join(_KINDS.get(ACTIONS[action], "s") for action in trace.action[rows].tolist()),
        energy_j=tuple(
            float(f"{int(trace.amount[row]) * price:.4g}")
            for row in rows.tolist()
            for price in (
                prices.dynamic.get((components[trace.unit[row]], ACTIONS[trace.action[row]]), 0.0),
            )
        ),
        critical=tuple(i for i, row in enumerate(rows.tolist()) if row in critical),
        complete=complete,
        makespan_fs=int(trace.result_fs.max()),
        busy=tuple(busy),
    )


def power_of(trace: Trace, prices: PriceTable) -> Power:
    """Return the power at the beginning of a run.

    Args:
        trace: Every span of the run.
        prices: Energy of each action and static power of each component.
    """
    head, samples, end_fs = first_spans(trace)
    found = power_trace(head, prices).until(end_fs)
    times, spent = found.t_fs.astype(np.float64), found.spent()
    if len(times) - 1 > _PIECES:
        # Means over equal pieces, whose ends interpolate the energy spent so far.
        edges = np.linspace(times[0], times[-1], _PIECES + 1)
        times, spent = edges, np.interp(edges, times, spent)
    lengths = np.diff(times) / _FS
    power = np.diff(spent) / np.where(lengths > 0, lengths, 1.0)
    return Power(
        tuple((times / _FS).tolist()),
        tuple(float(f"{value:.6g}") for value in power.tolist()),
        prices.standing_w,
        samples,
    )


def latencies_of(trace: Trace) -> Latencies:
    """Return the latency of the samples in the form that says most.

    Args:
        trace: Every span of the run.
    """
    found = (trace.result_fs - trace.arrival_fs).astype(np.float64) / _FS
    if found.min() == found.max():
        return Latencies("same", (0.0,), (float(found[0]),))
    settled = settled_from(found)
    if settled is None:
        share = np.linspace(0, 1, min(_POINTS, len(found)))
        ranked = np.sort(found)[np.ceil(share * (len(found) - 1)).astype(np.int64)]
        return Latencies("distribution", tuple(share.tolist()), tuple(ranked.tolist()))
    last = min(len(found), max(24, int(1.5 * settled) + 8))
    places = np.unique(np.linspace(0, last - 1, min(last, _POINTS)).round().astype(np.int64))
    return Latencies(
        "order", tuple(places.astype(float).tolist()), tuple(found[places].tolist()), settled
    )


def loads_of(trace: Trace, utilization: Mapping[str, float]) -> tuple[Load, ...]:
    """Return for how long each inference takes each unit, the longest first.

    Args:
        trace: Every span of the run.
        utilization: Share of the run for which each component works, for its memory.
    """
    busy = np.bincount(trace.unit, weights=working_fs(trace), minlength=len(trace.units))
    found: dict[str, float] = {}
    for unit, component, time in zip(trace.units, trace.components(), busy, strict=True):
        if is_path(unit):
            continue
        if component == "memory":
            time = utilization.get("memory", 0.0) * trace.makespan_fs
        found[unit if component != "memory" else component] = time / trace.samples / _FS
    found["loop"] = loop_fs(trace) / trace.samples / _FS
    return tuple(Load(name, time) for name, time in sorted(found.items(), key=_longest) if time)


def times_of(trace: Trace) -> tuple[PartTime, ...]:
    """Return what each action takes: for the first sample, and writes and moves of all."""
    components = trace.components()
    rows = np.flatnonzero((trace.sample <= 0) & (trace.end_fs <= trace.result_fs[0]))
    lengths: dict[tuple[str, str], list[int]] = {}
    for row in rows.tolist():
        key = components[trace.unit[row]], ACTIONS[trace.action[row]]
        lengths.setdefault(key, []).append(int(trace.end_fs[row] - trace.start_fs[row]))
    return tuple(
        PartTime(component, action, float(np.mean(found)) / _FS)
        for (component, action), found in lengths.items()
    )


def sources_of(spec: HardwareSpec) -> tuple[SourceRow, ...]:
    """Return the values that a description gives, with their sources and what draws them."""
    drawn = {
        f"{span.section}.{span.field}": assumption.key
        for assumption in assumptions_of(spec)
        for span in assumption.spans
    }
    return tuple(
        SourceRow(path, provenance(spec, path), source, drawn.get(path, ""))
        for path, source in spec.sources.items()
    )


def confusion_of(
    predicted: Sequence[NDArray[np.int64]], classes: NDArray[np.int64]
) -> tuple[tuple[int, ...], ...]:
    """Return how often each class was taken for each, over all chips.

    Args:
        predicted: Class that each chip found for each sample, shape `(n_sample,)` each.
        classes: True classes, shape `(n_sample,)`.
    """
    count = 1 + max(int(classes.max()), *(int(found.max()) for found in predicted))
    table = np.zeros((count, count), dtype=np.int64)
    for found in predicted:
        np.add.at(table, (classes, found), 1)
    return tuple(tuple(row) for row in table.tolist())


def _drawn(band: Band) -> tuple[tuple[float | None, ...], ...]:
    """Return the figures of each draw, None for those of an infeasible one."""
    return tuple(
        tuple(value if ok else None for value in row)
        for row, ok in zip(band.drawn.tolist(), band.feasible.tolist(), strict=True)
    )


def _longest(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]
