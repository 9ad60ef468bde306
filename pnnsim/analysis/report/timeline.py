"""Choose what a picture of the schedule shows, and where on its axis a time lies.

Geometry in shares of the width; `figures.py` lays it out in pixels. When one span is
far longer than the others (a bank is rewritten) the axis is cut there, and the cut says how long it
is: to scale, everything else would be thinner than a line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pnnsim.analysis.report.format import engineering, exact_time, plural
from pnnsim.analysis.report.lanes import (
    critical_rows,
    lane_order,
    place_name,
    span_names,
    sublane_name,
)
from pnnsim.common.times import time_column
from pnnsim.timing.trace import ACTIONS, Trace

#: Most spans of the first sample, and most of other samples, that a picture can hold legibly.
MOST_SPANS, MOST_OTHERS = 600, 400

#: A stretch this many times longer than three quarters of the others is cut.
CUT_RATIO = 100.0
#: Share of the width that all cuts together take.
CUT_SHARE = 0.35

_MOVES = ("route", "write", "refresh")
#: What turns values into numbers, and works on these.
_DIGITAL = ("digitize", "compute")
#: Actions that occupy nothing exclusively: of other samples they would only pile up.
_SHARED = ("propagate", "hold")


@dataclass(frozen=True, slots=True)
class Bar:
    """One span of a picture.

    Args:
        lane: Index into `Timeline.lanes`.
        start_fs: Start, clipped to the picture [fs].
        end_fs: End, clipped to the picture [fs].
        labels: Texts that would do, longest first.
        title: Everything about the span in one line.
        kind: `sample` (the first sample), `digital` (its conversions and digital steps), `route`,
            `write`, or `other` (for another sample).
        critical: Whether the result of the first sample waited for this span.
    """

    lane: int
    start_fs: int
    end_fs: int
    labels: tuple[str, ...]
    title: str
    kind: str
    critical: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """Time axis of a picture, with stretches that are cut short.

    Args:
        times_fs: Times at which the mapping bends [fs], increasing.
        places: Share of the width at each of them, from 0 to 1.
        cuts: Start and end of each stretch that is not to scale [fs].
    """

    times_fs: tuple[int, ...]
    places: tuple[float, ...]
    cuts: tuple[tuple[int, int], ...]

    def place(self, time_fs: int) -> float:
        """Return the share of the width at which a time [fs] lies."""
        return float(np.interp(float(time_fs), np.array(self.times_fs, float), self.places))

    def ticks(self, most: int = 9) -> tuple[tuple[float, str], ...]:
        """Return place and text of each tick; only the ends where the axis has cuts."""
        first, last = self.times_fs[0], self.times_fs[-1]
        if self.cuts:
            return (0.0, engineering(1e-15 * first, "s")), (1.0, engineering(1e-15 * last, "s"))
        step = round_step((last - first) / most)
        times = range(-(-first // step) * step, last + 1, step)
        return tuple((self.place(time), engineering(1e-15 * time, "s")) for time in times)

    def scale_bar(self) -> tuple[float, str]:
        """Return width and text of a bar that shows the scale outside the cuts."""
        whole = self.times_fs[-1] - self.times_fs[0]
        plain = whole - sum(end - start for start, end in self.cuts)
        length = round_step(plain / 12)
        return (1 - CUT_SHARE if self.cuts else 1.0) * length / plain, exact_time(length)

    def remark(self) -> str:
        """Return what the cuts leave out; empty where there are none."""
        if not self.cuts:
            return ""
        lengths = sorted(end - start for start, end in self.cuts)
        texts = [engineering(1e-15 * length, "s") for length in (lengths[0], lengths[-1])]
        span = texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"
        each = " each" if len(lengths) > 1 else ""
        return (
            f"The time axis is cut {plural(len(lengths), 'time')} (shaded, {span}{each}) "
            "and to scale elsewhere."
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """One picture of a schedule.

    Args:
        lanes: Names, top to bottom.
        bars: Spans, those of other samples first so that the first sample is drawn over them.
        axis: Where times lie.
        remarks: Sentences that a reader needs.
    """

    lanes: tuple[str, ...]
    bars: tuple[Bar, ...]
    axis: Axis
    remarks: tuple[str, ...]


def first_sample(trace: Trace) -> Timeline:
    """Return the picture of the first sample, from its arrival to its result."""
    return _picture(trace, int(trace.arrival_fs[0]), int(trace.result_fs[0]))


def first_change(trace: Trace) -> Timeline | None:
    """Return the picture of the first two products of the first sample, or None where there is one.

    It shows what decides the machine's speed: what happens between one product and the next.
    """
    inside = (trace.sample == 0) & (trace.step >= 0)
    second = inside & (trace.product == 1) & (trace.action == ACTIONS.index("detect"))
    if not second.any():
        return None
    start, end = int(trace.start_fs[inside].min()), int(trace.end_fs[second].max())
    return _picture(trace, start, end) if end > start else None


def change_title(trace: Trace) -> str:
    """Return what `first_change` shows."""
    folded = (trace.step[trace.product == 1] == 0).any()
    return "folds 0 and 1 of step 0" if folded else "steps 0 and 1"


def round_step(least_fs: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … femtoseconds that is at least this long."""
    if least_fs <= 1:
        return 1
    decade: int = 10 ** math.floor(math.log10(least_fs))
    return next(m * decade for m in (1, 2, 5, 10, 20) if m * decade >= least_fs)


def _picture(trace: Trace, start: int, end: int) -> Timeline:
    """Return the spans between two times [fs], with the first sample in front."""
    remarks: list[str] = []
    moves = np.isin(trace.action, [ACTIONS.index(name) for name in _MOVES])
    path = list(critical_rows(trace))
    critical = np.zeros(len(trace), dtype=np.bool_)
    critical[path] = True
    # A move that serves the whole block serves the first sample too.
    front = critical | (trace.sample == 0) | (moves & (trace.sample < 0))
    inside = (trace.end_fs > start) & (trace.start_fs < end)
    within = inside | ((trace.start_fs == trace.end_fs) & (trace.start_fs >= start)
                       & (trace.start_fs <= end))  # fmt: skip
    own = np.flatnonzero(front & within)
    if len(own) > MOST_SPANS:
        end = int(np.sort(trace.end_fs[own])[MOST_SPANS - 1])
        own = own[trace.end_fs[own] <= end]
        remarks.append(f"Only the first {MOST_SPANS} spans are shown.")
    shared = [ACTIONS.index(name) for name in _SHARED]
    rest = np.flatnonzero(~front & inside & ~np.isin(trace.action, shared))
    if len(rest) > MOST_OTHERS:
        rest = rest[:MOST_OTHERS]
        remarks.append(f"Of other samples only {MOST_OTHERS} spans are shown.")
    rows = np.concatenate([own, rest])
    lanes, lane_of = _lanes(trace, rows.tolist())
    names = span_names(trace, rows.tolist())
    bars = []
    for row, name in zip(rows.tolist(), names, strict=True):
        begin, stop = int(trace.start_fs[row]), int(trace.end_fs[row])
        action = ACTIONS[trace.action[row]]
        weights = place_name(trace, row, int(trace.weight_set[row]))
        sample = "" if trace.sample[row] < 0 else f", sample {trace.sample[row]}"
        bars.append(
            Bar(
                lane=lane_of[row],
                start_fs=max(begin, start),
                end_fs=min(stop, end),
                labels=_labels(name, action, weights, int(trace.bank[row])),
                title=f"{name}{sample}: {exact_time(stop - begin)} from {exact_time(begin)}",
                kind=_kind(action, int(trace.sample[row]), bool(critical[row])),
                critical=bool(critical[row]),
            )
        )
    bars.sort(key=lambda bar: (bar.kind != "other", bar.critical, bar.start_fs, bar.lane))
    edges = {start, end}
    for bar in bars:
        if bar.kind != "other":
            edges |= {bar.start_fs, bar.end_fs}
    axis = _axis(sorted(edges))
    if axis.cuts:
        remarks.append(axis.remark())
    return Timeline(lanes, tuple(bars), axis, tuple(remarks))


def _kind(action: str, sample: int, critical: bool) -> str:
    if action in _MOVES and (sample <= 0 or critical):
        return "write" if action == "refresh" else action
    if sample > 0:
        return "other"
    return "digital" if action in _DIGITAL else "sample"


def _lanes(trace: Trace, rows: list[int]) -> tuple[tuple[str, ...], dict[int, int]]:
    """Return the names of the lanes needed, and the lane of each row.

    Rows are placed in the order given, each in the first sub-lane where it overlaps nothing, so
    the first sample keeps the top one.
    """
    names: list[str] = []
    lane_of: dict[int, int] = {}
    for unit in lane_order(trace):
        taken: list[list[tuple[int, int]]] = []
        for row in rows:
            if trace.unit[row] != unit:
                continue
            begin, stop = int(trace.start_fs[row]), int(trace.end_fs[row])
            free = (
                i
                for i, spans in enumerate(taken)
                if all(stop <= first or begin >= last for first, last in spans)
            )
            lane = next(free, len(taken))
            if lane == len(taken):
                taken.append([])
            taken[lane].append((begin, stop))
            lane_of[row] = len(names) + lane
        names += [sublane_name(trace.units[unit], lane) for lane in range(len(taken))]
    return tuple(names), lane_of


def _labels(name: str, action: str, weight_set: str, bank: int) -> tuple[str, ...]:
    """Return texts for a bar, from everything to as little as still says something."""
    if action == "route":
        return name, f"→ {bank}"
    if action in ("mvm", "write", "refresh"):
        return name, f"{action} W{weight_set}", f"W{weight_set}"
    return name, name.partition(" t=")[0]


def _axis(edges: list[int]) -> Axis:
    """Return the mapping whose bends are the ends of the cuts.

    A stretch is cut where it is far longer than the third quartile of all stretches between two
    events: a rewrite beside switching is, a slow switch beside detection is not.
    """
    lengths = np.diff(time_column(edges)).astype(np.float64)
    long = lengths > CUT_RATIO * np.quantile(lengths, 0.75)
    plain = int(lengths[~long].sum())
    if not long.any() or plain == 0:
        return Axis((edges[0], edges[-1]), (0.0, 1.0), ())
    widths = np.where(long, CUT_SHARE / long.sum(), (1 - CUT_SHARE) * lengths / plain)
    places = np.append(0.0, np.cumsum(widths))
    cuts = [(edges[i], edges[i + 1]) for i in np.flatnonzero(long).tolist()]
    return Axis(tuple(edges), tuple((places / places[-1]).tolist()), tuple(cuts))
