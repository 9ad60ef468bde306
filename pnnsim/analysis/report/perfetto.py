"""Write a trace as Chrome trace-event JSON, which Perfetto (ui.perfetto.dev) opens.

Constraints of the format:

* Slices of one thread must nest, so spans of a lane that overlap go to sub-lanes.
* Time stamps are microseconds, and the importer keeps whole nanoseconds. Picosecond events would
  collapse, so time is stretched by a scale that the file declares, and every stamp is a whole
  shown nanosecond. True times stand in the arguments of each slice.

Format: Google, "Trace Event Format", 2016. Perfetto's reading of it: Perfetto documentation,
"Other trace formats". The bytes depend on the arguments alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.energy import PowerTrace, power_trace
from pnnsim.analysis.report.files import write_pieces
from pnnsim.analysis.report.format import exact_time
from pnnsim.analysis.report.lanes import lane_order, owners, span_names, sublane_name, sublanes
from pnnsim.common.times import Times
from pnnsim.mapping.actions import PREPARING
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.trace import ACTIONS, Ints, Trace

#: Spans written when the number of samples is left open; a browser opens this at once.
SPAN_LIMIT = 20_000

#: Shown nanosecond [fs] and the shortest span [fs] for which it is fine enough, best first. A true
#: scale only where the shortest span still has two digits; else 1 ps or even 1 fs as 1 ns.
_SCALES = ((10**6, 10**8), (10**3, 10**3), (1, 0))

#: Latest time stamp that differs from its neighbors as a float, with a bit to spare [shown ns].
_MOST_SHOWN = 2**52

#: What happens for a sample but not to it: the arrows do not pass through these.
_ASIDE = (*PREPARING, "hold_symbol")

_COUNTERS = 1  # process of the counters; the components follow


def write_perfetto(
    path: Path,
    trace: Trace,
    prices: PriceTable,
    metadata: Mapping[str, Any],
    *,
    samples: int | None = None,
) -> None:
    """Write the spans of the first samples for Perfetto.

    Args:
        path: File to write, usually `trace.json`.
        trace: Trace of the run.
        prices: Energy of each action [J] and static power of each component [W].
        metadata: Identity of the run: version, hash of the description, seed.
        samples: Samples to write, at least 1; None for as many as make `SPAN_LIMIT` spans.

    Raises:
        OutputError: If the file cannot be written.
    """
    chosen, written_samples = _choose(trace, samples)
    rows = np.flatnonzero(chosen)
    scale = _scale(trace, rows)
    end_fs = int(trace.end_fs[rows].max(initial=0))
    notes: dict[str, Any] = {
        **metadata,
        "time_scale": f"{exact_time(scale)} of the machine is shown as 1 ns",
        "shown_ns_in_fs": scale,
        "samples_written": written_samples,
        "samples_total": trace.samples,
        "spans_written": len(rows),
        "spans_total": len(trace),
        "counters": "power and energy of the whole machine, up to the end of the spans written",
    }
    power = power_trace(trace, prices).until(end_fs)
    events = chain(
        _events(trace, rows, prices, scale),
        _cut(written_samples, trace.samples, end_fs, scale),
        _counters(power, scale),
    )
    write_pieces(path, _pieces(events, notes))


def _choose(trace: Trace, samples: int | None) -> tuple[NDArray[np.bool_], int]:
    """Return which rows to write, and of how many samples they are."""
    owner = owners(trace)
    if samples is None:
        spans = np.cumsum(np.bincount(owner, minlength=trace.samples))
        samples = max(1, int(np.searchsorted(spans, SPAN_LIMIT, side="right")))
    samples = min(samples, trace.samples)
    return owner < samples, samples


def _scale(trace: Trace, rows: Ints) -> int:
    """Return how many femtoseconds one shown nanosecond stands for.

    Where time stamps would need more digits than a float has, short spans go rather than long ones.
    """
    lengths = trace.end_fs[rows] - trace.start_fs[rows]
    shortest = int(lengths[lengths > 0].min(initial=2**62))
    scale = next(scale for scale, least in _SCALES if shortest >= least)
    while int(trace.end_fs[rows].max(initial=0)) // scale > _MOST_SHOWN:
        scale *= 1000
    return scale


def _pieces(events: Iterator[dict[str, Any]], notes: Mapping[str, Any]) -> Iterator[str]:
    """Return the file piece by piece, one event a line so that two files can be compared."""
    yield '{"displayTimeUnit":"ns","otherData":'
    yield _json({key: str(value) for key, value in notes.items()})
    yield ',"traceEvents":[\n'
    separator = ""
    for event in events:
        yield separator + _json(event)
        separator = ",\n"
    yield "\n]}\n"


def _json(value: Any) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _events(trace: Trace, rows: Ints, prices: PriceTable, scale: int) -> Iterator[dict[str, Any]]:
    """Return names, slices and arrows, in this order."""
    pid, tid, names = _threads(trace, rows, scale)
    yield from names
    order = np.lexsort((rows, trace.end_fs[rows], trace.start_fs[rows]))
    energy = _energies(trace, prices)[rows]
    labels = span_names(trace, rows.tolist())
    starts = _shown(trace.start_fs[rows], scale)
    begin, length = starts.tolist(), (_shown(trace.end_fs[rows], scale) - starts).tolist()
    components = trace.components()
    for i in order.tolist():
        row = int(rows[i])
        yield {
            "ph": "X", "name": labels[i], "cat": components[trace.unit[row]],
            "pid": pid[i], "tid": tid[i], "ts": begin[i] / 1000, "dur": length[i] / 1000,
            "args": _arguments(trace, row, float(energy[i])),
        }  # fmt: skip
    # An arrow needs a slice to hold on to, hence no slice without length.
    aside = [ACTIONS.index(action) for action in _ASIDE]
    way = (trace.sample[rows] == 0) & ~np.isin(trace.action[rows], aside)
    path = [i for i in order.tolist() if way[i] and length[i] > 0]
    for place, i in enumerate(path if len(path) > 1 else ()):
        phase = "s" if place == 0 else "f" if place == len(path) - 1 else "t"
        yield {
            "ph": phase, "id": 0, "name": "sample 0", "cat": "sample", "pid": pid[i],
            "tid": tid[i], "ts": begin[i] / 1000, **({"bp": "e"} if phase != "s" else {}),
        }  # fmt: skip


def _cut(written: int, samples: int, end_fs: int, scale: int) -> Iterator[dict[str, Any]]:
    """Return a mark where the file ends before the run does; nothing for a whole run."""
    if written < samples:
        yield {
            "ph": "i", "s": "g", "name": f"cut here: {written} of {samples} samples are shown",
            "pid": _COUNTERS, "tid": 0, "ts": end_fs // scale / 1000,
        }  # fmt: skip


def _threads(
    trace: Trace, rows: Ints, scale: int
) -> tuple[list[int], list[int], list[dict[str, Any]]]:
    """Return process and thread of each row, and the records that name them."""
    components = trace.components()
    shown = f"{exact_time(scale)} shown as 1 ns"
    pid, tid = [0] * len(rows), [0] * len(rows)
    names = _named(_COUNTERS, 0, "process", f"power and energy [{shown}]", 0)
    processes: dict[str, int] = {}
    threads = 0
    for unit in lane_order(trace):
        mine = np.flatnonzero(trace.unit[rows] == unit)
        if len(mine) == 0:
            continue
        component = components[unit]
        if component not in processes:
            processes[component] = _COUNTERS + 1 + len(processes)
            place = processes[component]
            names += _named(place, 0, "process", f"{component} [{shown}]", place)
        lanes = sublanes(trace.start_fs[rows[mine]], trace.end_fs[rows[mine]])
        for lane in range(int(lanes.max()) + 1):
            label = sublane_name(trace.units[unit], lane)
            number = threads + lane + 1
            names += _named(processes[component], number, "thread", label, number)
        for i, lane in zip(mine.tolist(), lanes.tolist(), strict=True):
            pid[i], tid[i] = processes[component], threads + lane + 1
        threads += int(lanes.max()) + 1
    return pid, tid, names


def _named(pid: int, tid: int, what: str, name: str, place: int) -> list[dict[str, Any]]:
    """Return the two records that name and place a process or a thread."""
    where = {"ph": "M", "pid": pid, "tid": tid}
    return [
        {**where, "name": f"{what}_name", "args": {"name": name}},
        {**where, "name": f"{what}_sort_index", "args": {"sort_index": place}},
    ]


def _arguments(trace: Trace, row: int, energy: float) -> dict[str, Any]:
    """Return what a click on a slice shows: sample and step, true times, and energy."""
    start, end = int(trace.start_fs[row]), int(trace.end_fs[row])
    found: dict[str, Any] = {
        "start": exact_time(start), "start_fs": start,
        "duration": exact_time(end - start), "duration_fs": end - start,
        "energy_J": energy,
    }  # fmt: skip
    columns = {
        "sample": trace.sample,
        "step": trace.step,
        "bank": trace.bank,
        "weight_set": trace.weight_set,
    }
    found |= {name: int(column[row]) for name, column in columns.items() if column[row] >= 0}
    if trace.folds > 1 and trace.fold[row] >= 0:
        found["fold"] = int(trace.fold[row])
    if trace.amount[row] != 1:
        found["amount"] = int(trace.amount[row])
    return found


def _energies(trace: Trace, prices: PriceTable) -> NDArray[np.float64]:
    """Return the energy of each span, its price for all that it counts [J], `(n_span,)`."""
    table = np.array(
        [
            [prices.dynamic.get((component, action), 0.0) for action in ACTIONS]
            for component in trace.components()
        ]
    ).reshape(len(trace.units), len(ACTIONS))
    found: NDArray[np.float64] = table[trace.unit, trace.action] * trace.amount
    return found


def _counters(power: PowerTrace, scale: int) -> Iterator[dict[str, Any]]:
    """Return power, and energy spent so far, at every time at which the power may change.

    Args:
        power: Power of the machine.
        scale: Femtoseconds that one shown nanosecond stands for.
    """
    spent = power.spent().tolist()
    drawn = [*power.power.tolist(), 0.0]
    for i, time in enumerate(_shown(power.t_fs, scale).tolist()):
        where = {"ph": "C", "pid": _COUNTERS, "tid": 0, "ts": time / 1000}
        yield {**where, "name": "power_W", "args": {"power_W": float(f"{drawn[i]:.9g}")}}
        yield {**where, "name": "energy_J", "args": {"energy_J": float(f"{spent[i]:.12g}")}}


def _shown(times_fs: Times, scale: int) -> Times:
    """Return times as whole shown nanoseconds, halves up.

    Both ends of a span are rounded, never its length: rounding keeps the order of times, so spans
    that do not overlap still do not.
    """
    return (times_fs + scale // 2) // scale
