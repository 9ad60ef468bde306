"""Lay figures out in pixels: boxes, lines and texts with their places, as plain data.

What a figure shows is chosen in `timeline.py` and `rows.py`; `canvas.py` draws it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pnnsim.analysis.report.format import engineering, percent, plural
from pnnsim.analysis.report.rows import EnergyPart
from pnnsim.analysis.report.timeline import Timeline
from pnnsim.common.times import Times

WIDTH = 1000.0
_GUTTER = 150.0  # names of lanes, left of the plot
_RIGHT = 16.0
_LANE = 24.0
_BAR = 18.0
_TOP, _TOP_PLAIN = 24.0, 6.0  # above the lanes: with the lengths of cuts, and without
_MARK = 9.0  # one chip
_CHARACTER = 6.3  # mean advance of the 11 px font; generous, since fonts differ


@dataclass(frozen=True, slots=True)
class Box:
    """Rectangle with its text and its tooltip [px]."""

    x: float
    y: float
    width: float
    height: float
    style: str
    text: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Text at a place [px]; anchor is `start`, `middle` or `end`."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Line:
    """Straight line [px]."""

    x1: float
    y1: float
    x2: float
    y2: float
    style: str


@dataclass(frozen=True, slots=True)
class Figure:
    """Layout of one picture: its size [px], what it says in words, its parts from back to front."""

    width: float
    height: float
    title: str
    description: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    texts: tuple[Text, ...]


def schedule_figure(timeline: Timeline, title: str) -> Figure:
    """Return lanes, spans, axis and cuts of a timeline.

    Args:
        timeline: What to draw.
        title: Name of the picture.
    """
    plot = WIDTH - _GUTTER - _RIGHT
    axis = timeline.axis
    top = _TOP if axis.cuts else _TOP_PLAIN
    bottom = top + _LANE * len(timeline.lanes)
    boxes, lines, texts = [], [], []
    for i, lane in enumerate(timeline.lanes):
        texts.append(Text(_GUTTER - 10, top + _LANE * i + 16, lane, "end"))
        y = top + _LANE * (i + 1)
        lines.append(Line(_GUTTER, y, WIDTH - _RIGHT, y, "grid"))
    for place, text in axis.ticks():
        x = _GUTTER + plot * place
        lines.append(Line(x, top, x, bottom + 5, "grid"))
        # the last label must not run over the edge, nor into the lane names
        anchor = "start" if place < 0.02 else "end" if place > 0.97 else "middle"
        texts.append(Text(x, bottom + 18, text, anchor))
    for first, last in axis.cuts:
        x, end = (_GUTTER + plot * axis.place(time) for time in (first, last))
        length = engineering(1e-15 * (last - first), "s", 3)
        boxes.append(Box(x, top, end - x, bottom - top, "cut", "", f"axis cut: {length}"))
        if len(length) * _CHARACTER < end - x:
            texts.append(Text((x + end) / 2, top - 7, length))
    for bar in timeline.bars:
        x, end = (_GUTTER + plot * axis.place(time) for time in (bar.start_fs, bar.end_fs))
        width = max(end - x, 1.0)
        fitting = (text for text in bar.labels if len(text) * _CHARACTER < width - 3)
        boxes.append(
            Box(
                x=x,
                y=top + _LANE * bar.lane + (_LANE - _BAR) / 2,
                width=width,
                height=_BAR,
                style=f"{bar.kind} critical" if bar.critical else bar.kind,
                text="" if bar.kind == "other" else next(fitting, ""),
                title=bar.title,
            )
        )
    share, text = axis.scale_bar()
    if axis.cuts:
        x, y = _GUTTER + plot / 2 - plot * share / 2, bottom + 12
        lines.append(Line(x, y, x + plot * share, y, "scale"))
        texts.append(Text(x + plot * share / 2, y + 14, text))
    critical = [bar.title.partition(":")[0] for bar in timeline.bars if bar.critical]
    return Figure(
        WIDTH,
        bottom + 32,
        title,
        f"{len(timeline.bars)} spans on {len(timeline.lanes)} lanes; critical path: "
        + ", ".join(critical[:12])
        + (" …" if len(critical) > 12 else ""),
        tuple(boxes),
        tuple(lines),
        tuple(texts),
    )


def energy_figure(parts: Sequence[EnergyPart]) -> Figure:
    """Return one bar for each component that spends anything, dynamic part first.

    Args:
        parts: Energy of one inference by component, largest first.
    """
    spending = [part for part in parts if part.total > 0]
    whole = math.fsum(part.total for part in spending)
    room = WIDTH - _GUTTER - 210
    boxes, texts = [], []
    for i, part in enumerate(spending):
        y = 6 + _LANE * i
        texts.append(Text(_GUTTER - 10, y + 15, part.component, "end"))
        x = _GUTTER
        for style, joules in (("dynamic", part.dynamic), ("static", part.static)):
            width = room * joules / spending[0].total
            what = f"{part.component}, {style}: {engineering(joules, 'J')}"
            boxes.append(Box(x, y, width, _BAR, style, "", what))
            x += width
        text = f"{engineering(part.total, 'J')}  ({percent(part.total / whole, 1)})"
        texts.append(Text(x + 8, y + 15, text, "start"))
    words = ", ".join(f"{part.component} {engineering(part.total, 'J')}" for part in spending)
    return Figure(
        WIDTH,
        12 + _LANE * max(1, len(spending)),
        "Energy of one inference by component",
        words or "nothing spends energy",
        tuple(boxes),
        (),
        tuple(texts),
    )


def latency_figure(latency_fs: Times) -> Figure | None:
    """Return a histogram of the latencies, or None where all samples took equally long.

    Args:
        latency_fs: Time from arrival to result of each sample [fs], shape `(n_sample,)`.
    """
    low, high = int(latency_fs.min()), int(latency_fs.max())
    if low == high:
        return None
    # a bin narrower than the grid of integer times would only show the grid
    bins = min(40, high - low)
    counts, edges = np.histogram(latency_fs.astype(np.float64), bins=bins, range=(low, high))
    plot, bottom, tall = WIDTH - _GUTTER - _RIGHT, 150.0, 120.0
    boxes = []
    for i, number in enumerate(counts.tolist()):
        if number:
            height = max(tall * number / counts.max(), 1.0)
            ends = [engineering(1e-15 * float(edge), "s") for edge in edges[i : i + 2]]
            boxes.append(
                Box(
                    _GUTTER + plot * i / bins,
                    bottom - height,
                    plot / bins - 1,
                    height,
                    "sample critical",
                    "",
                    f"{plural(number, 'sample')} from {ends[0]} to {ends[1]}",
                )
            )
    lines = [Line(_GUTTER, bottom, WIDTH - _RIGHT, bottom, "scale")]
    texts = [
        Text(_GUTTER, bottom + 18, engineering(1e-15 * low, "s"), "start"),
        Text(WIDTH - _RIGHT, bottom + 18, engineering(1e-15 * high, "s"), "end"),
        Text(_GUTTER - 10, bottom - tall + 8, plural(int(counts.max()), "sample"), "end"),
        Text(_GUTTER - 10, bottom, "0", "end"),
    ]
    return Figure(
        WIDTH,
        bottom + 28,
        "Latency of all samples",
        f"histogram of {len(latency_fs)} latencies from {texts[0].text} to {texts[1].text}",
        tuple(boxes),
        tuple(lines),
        tuple(texts),
    )


def accuracy_figure(surrogate: float | None, chips: Sequence[float]) -> Figure | None:
    """Return the accuracy of each chip as a mark beside that of the surrogate, or None without.

    The axis spans what was found, not 0 to 100 %: what matters is how chips differ.

    Args:
        surrogate: Accuracy of the trained model; None where there is none.
        chips: Accuracy of each fabricated chip.
    """
    if not chips:
        return None
    known = [*chips] if surrogate is None else [*chips, surrogate]
    low = max(0.0, math.floor(100 * min(known) - 0.5) / 100)
    high = min(1.0, math.ceil(100 * max(known) + 0.5) / 100)
    plot = WIDTH - _GUTTER - 60

    def place(value: float) -> float:
        return _GUTTER + plot * (value - low) / (high - low)

    # Marks of chips that are closer than a mark's width are stacked.
    columns = [round(place(value) / _MARK) for value in chips]
    tallest = max(columns.count(column) for column in columns)
    y = 26.0 + (_MARK + 1) * tallest
    boxes = [
        Box(
            x=_MARK * column - _MARK / 2,
            y=y - (_MARK + 1) * (columns[:i].count(column) + 1),
            width=_MARK,
            height=_MARK,
            style="sample critical",
            title=f"chip {i}: {percent(value)}",
        )
        for i, (value, column) in enumerate(zip(chips, columns, strict=True))
    ]
    lines = [Line(_GUTTER, y, _GUTTER + plot, y, "grid")]
    texts = [
        Text(_GUTTER, y + 18, percent(low, 0), "start"),
        Text(_GUTTER + plot, y + 18, percent(high, 0), "end"),
        Text(_GUTTER - 10, y, "each chip", "end"),
    ]
    if surrogate is not None:
        x = place(surrogate)
        lines.append(Line(x, 18, x, y + 4, "scale"))
        texts.append(Text(x, 12, f"surrogate {percent(surrogate)}"))
    words = ", ".join(percent(value) for value in chips)
    return Figure(
        WIDTH, y + 26, "Accuracy of each chip", words, tuple(boxes), tuple(lines), tuple(texts)
    )
