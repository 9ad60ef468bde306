"""Draw the machine: its parts in the order of a sample, with time, power and the bottleneck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from pnnsim.analysis.report.format import engineering, percent
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.pictures.rate import limiting
from pnnsim.analysis.report.record import PartTime, Record
from pnnsim.analysis.report.rows import energy_parts
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.style import COLORS, NARROW, settings, tooltip

#: Parts in the order in which a sample meets them; those of the loop are between the ends.
_ORDER = (
    "front_end", "encoder", "switch", "weight_banks", "detector", "nonlinearity", "memory",
    "readout",
)  # fmt: skip
_LOOP = _ORDER[1:-1]
#: Size of a box, distance between boxes, height of one that no sample meets, width on a telephone,
#: and height of a row of boxes with its arrow [inch].
_WIDE, _TALL, _GAP = 1.17, 1.0, 0.13
_LOW = 0.5
_PHONE_WIDE, _ROW = 1.55, _TALL + 0.42


@dataclass(frozen=True, slots=True)
class Part:
    """One box of the diagram.

    Args:
        name: Part of the machine.
        times: What it does, and for how long [s].
        power: Mean power over the run [W].
        share: Share of the latency of the first sample.
    """

    name: str
    times: tuple[tuple[str, float], ...]
    power: float
    share: float


def machine_picture(metrics: Metrics, record: Record) -> Picture:
    """Return `machine`, the block diagram.

    Args:
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """
    parts = parts_of(metrics, record.times)
    slow, why = limiting(metrics, record.loads)

    def draw(width: float) -> Figure:
        wide = _PHONE_WIDE if width < NARROW else _WIDE
        met = sum(part.name in _ORDER for part in parts)
        across = min(met, max(1, int((width + _GAP) // (wide + _GAP))))
        down = math.ceil(met / across) + (len(parts) > met)
        height = _ROW * down + 0.05 - (_TALL - _LOW if len(parts) > met else 0)
        with settings():
            drawing = Figure(figsize=(width, height))
            axes = drawing.add_axes((0, 0, 1, 1))
            axes.set_xlim(0, width)
            axes.set_ylim(height, 0)
            axes.set_axis_off()
            places = _places(parts, across, width, wide)
            for (x, y), part in zip(places, parts, strict=True):
                _box(axes, x, y, wide, part, slow.partition(".")[0] == part.name)
            _arrows(axes, places, parts, wide, height)
        return drawing

    network = metrics["network"]
    return Picture(
        "machine",
        "The machine, in the order in which a sample meets its parts",
        f"Times are of one action each, powers are means over the run. Between encoder and memory "
        f"is the loop of {network['steps']} steps. Orange: the bottleneck. {why}",
        ", ".join(part.name for part in parts) + f"; bottleneck {slow}",
        table_of(
            "part action time_s power_w share_of_latency",
            [
                (part.name, action, time, part.power, part.share)
                for part in parts
                for action, time in part.times or (("", None),)
            ],
        ),
        draw,
    )


def parts_of(metrics: Metrics, times: Sequence[PartTime]) -> list[Part]:
    """Return the parts that the machine has, in the order of a sample.

    Args:
        metrics: Content of `metrics.json`.
        times: What each action of the machine takes.
    """
    makespan, samples = metrics["makespan_s"], metrics["samples"]
    spent = {part.component: part.total * samples / makespan for part in energy_parts(metrics)}
    share: dict[str, float] = {}
    for entry in metrics["critical_path"]:
        share[entry["component"]] = share.get(entry["component"], 0.0) + entry["share"]
    known = set(spent) | {time.component for time in times}
    names = [name for name in _ORDER if name in known]
    names += sorted(known - set(_ORDER))
    return [
        Part(
            name,
            tuple(
                (time.action, time.time_s)
                for time in sorted(times, key=lambda time: -time.time_s)
                if time.component == name and time.time_s > 0
            ),
            spent.get(name, 0.0),
            share.get(name, 0.0),
        )
        for name in names
    ]


def _places(
    parts: Sequence[Part], across: int, width: float, wide: float
) -> list[tuple[float, float]]:
    """Return the upper left corner of each box, row by row; what no sample meets comes last [inch].

    Args:
        parts: What the boxes stand for.
        across: Boxes in a row.
        width: Width of the picture [inch].
        wide: Width of a box [inch].
    """
    left = (width - across * wide - (across - 1) * _GAP) / 2
    met = sum(part.name in _ORDER for part in parts)
    slots = [*range(met), *(-(-met // across) * across + i for i in range(len(parts) - met))]
    return [
        (left + (slot % across) * (wide + _GAP), 0.06 + (slot // across) * _ROW) for slot in slots
    ]


def _box(axes: Axes, x: float, y: float, wide: float, part: Part, slow: bool) -> None:
    """Draw one part, with its longest action."""
    edge = COLORS["write" if slow else "soft"]
    tall = _TALL if part.name in _ORDER else _LOW
    shape = FancyBboxPatch(
        (x, y), wide, tall, boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=(COLORS["write"], 0.12) if slow else (COLORS["other"], 0.25),
        edgecolor=edge, linewidth=2.0 if slow else 0.8,
    )  # fmt: skip
    detail = ", ".join(f"{name} {engineering(time, 's')}" for name, time in part.times)
    tooltip(shape, f"{part.name}: {detail or 'takes no time'}")
    axes.add_patch(shape)
    axes.text(x + 0.08, y + 0.19, part.name.replace("_", " "), fontweight="bold", fontsize=8.5)
    lines = [f"{name.replace('_', ' ')} {engineering(t, 's', 3)}" for name, t in part.times[:2]]
    lines.append(f"{engineering(part.power, 'W', 3)}")
    if part.share >= 0.0005:
        lines.append(f"{percent(part.share, 1)} of latency")
    for i, line in enumerate(lines):
        axes.text(x + 0.08, y + 0.38 + 0.17 * i, line, fontsize=7.2)


def _arrows(
    axes: Axes,
    places: Sequence[tuple[float, float]],
    parts: Sequence[Part],
    wide: float,
    height: float,
) -> None:
    """Draw the way of a sample, and back from the last part of the loop to its first.

    Args:
        axes: Where to draw.
        places: Upper left corner of each box [inch].
        parts: What they stand for.
        wide: Width of a box [inch].
        height: Height of the picture [inch].
    """
    half = wide / 2

    def way(color: str, *points: tuple[float, float]) -> None:
        """Draw a line through some points, with a head at the last."""
        axes.plot(*zip(*points, strict=True), color=COLORS[color], linewidth=1.2)
        axes.add_patch(
            FancyArrowPatch(
                points[-2], points[-1], arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=0,
                color=COLORS[color], linewidth=1.2,
            )
        )  # fmt: skip

    met = [i for i, part in enumerate(parts) if part.name in _ORDER]
    for one, two in pairwise(met):
        (x, y), (u, v) = places[one], places[two]
        if v == y:
            way("soft", (x + wide, y + _TALL / 2), (u, v + _TALL / 2))
        else:
            between = (y + _TALL + v) / 2
            way("soft", (x + half, y + _TALL), (x + half, between), (u + half, between),
                (u + half, v))  # fmt: skip
    loop = [i for i in met if parts[i].name in _LOOP]
    (x, y), (u, v) = places[loop[-1]], places[loop[0]]
    if v == y and len(loop) > 1:
        below = min(y + _TALL + 0.24, height - 0.04)
        way("sample", (x + half, y + _TALL), (x + half, below), (u + half, below),
            (u + half, v + _TALL))  # fmt: skip
