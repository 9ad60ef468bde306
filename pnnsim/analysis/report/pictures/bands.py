"""Draw bands: the figures of all draws beside the value, and what they hang on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pnnsim.analysis.report.format import engineering, percent, plural
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.record import Record
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.style import COLORS, NARROW, settings, sheet, si_axis, tooltip

#: Figures of a band: key, name and unit, in the order of the columns of the draws.
FIGURES = (
    ("latency_s", "latency, first", "s"),
    ("interval_s", "interval", "s"),
    ("energy_j", "energy", "J"),
)


def band_pictures(metrics: Metrics, record: Record | None) -> list[Picture]:
    """Return `bands` and `assumptions` where something was drawn.

    Args:
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """
    band = metrics.get("band") or {}
    shown = [figure for figure in FIGURES if band.get(figure[0])]
    if not shown:
        return []
    found = [_bands(band, record)]
    if band["hangs_on"]:
        found.append(_assumptions(band))
    return found


def _bands(band: Mapping[str, Any], record: Record | None) -> Picture:
    shown = [(n, *figure) for n, figure in enumerate(FIGURES) if band.get(figure[0])]
    drawn = () if record is None else record.drawn

    def draw(width: float) -> Figure:
        narrow = width < NARROW
        with settings():
            drawing = sheet(width, 0.95 * len(shown) if narrow else 1.35)
            for place, (number, key, name, unit) in enumerate(shown):
                at = (len(shown), 1, place + 1) if narrow else (1, len(shown), place + 1)
                axes = drawing.add_subplot(*at)
                found = band[key]
                values = [value for row in drawn if (value := row[number]) is not None]
                # Every other draw a little higher, so that close ones stay apart.
                heights = [0.35 + 0.22 * ((7 * i) % 5) / 4 for i in range(len(values))]
                axes.plot(values, heights, "o", color=COLORS["sample"], alpha=0.35, markersize=2.5)
                (bar,) = axes.plot([found["p5"], found["p95"]], [0.14, 0.14],
                                   color=COLORS["sample"], linewidth=3.0)  # fmt: skip
                ends = [engineering(found[end], unit, 3) for end in ("p5", "p95")]
                tooltip(bar, f"5 to 95 %: {ends[0]} to {ends[1]}")
                axes.plot([found["p50"]], [0.14], "|", color=COLORS["ink"], markersize=9)
                axes.plot([found["value"]], [0.14], "D", color=COLORS["write"], markersize=4)
                everything = [*values, found["p5"], found["p95"], found["value"]]
                low, high = min(everything), max(everything)
                if low > 0 and high / low > 3:
                    axes.set_xscale("log")
                    _few(axes, low, high)
                else:
                    axes.locator_params(axis="x", nbins=3)
                si_axis(axes, "x", unit)
                axes.set_title(f"{name}: {ends[0]} to {ends[1]}")
                axes.set_ylim(0, 0.7)
                axes.set_yticks([])
                axes.spines["left"].set_visible(False)
                axes.grid(axis="x")
        return drawing

    rows = [
        (key, found["value"], found["p5"], found["p50"], found["p95"])
        for _, key, _, _ in shown
        for found in (band[key],)
    ]
    return Picture(
        "bands",
        "What the stated ranges make of the figures",
        f"{plural(band['draws'], 'description')} drawn from "
        f"{plural(band['assumptions'], 'assumption')}; dots are draws, the bar 5 to 95 % of them, "
        "the diamond the value of the description itself.",
        ", ".join(f"{key} {low:.4g} to {high:.4g}" for key, _, low, _, high in rows),
        table_of("figure value p5 p50 p95", rows),
        draw,
    )


def _assumptions(band: Mapping[str, Any]) -> Picture:
    keys = list(dict.fromkeys(item["key"] for item in band["hangs_on"]))
    shares = {(item["figure"], item["key"]): item for item in band["hangs_on"]}
    figures = [f for f in FIGURES if any(item["figure"] == f[0] for item in band["hangs_on"])]
    colors = dict(zip((f[0] for f in FIGURES), ("sample", "route", "write"), strict=True))

    def draw(width: float) -> Figure:
        with settings():
            drawing = sheet(width, 0.8 + 0.36 * len(keys))
            axes = drawing.add_subplot()
            step = 0.8 / len(figures)
            for number, (figure, name, _) in enumerate(figures):
                color = COLORS[colors[figure]]
                axes.add_patch(Rectangle((0, 0), 0, 0, color=color, label=name))
                for place, key in enumerate(keys):
                    item = shares.get((figure, key))
                    if item is None:
                        continue
                    at = place - 0.4 + step * (number + 0.5)
                    (bar,) = axes.barh([at], [100 * item["share"]], height=0.85 * step, color=color)
                    tooltip(bar, f"{key}: {percent(item['share'], 0)} of the {name}")
                    ends = [100 * max(0.0, item["low"]), 100 * min(1.0, item["high"])]
                    axes.plot(ends, [at, at], color=COLORS["ink"], linewidth=0.8)
            names = [k.replace(".", ".\n", 1) if width < NARROW else k for k in keys]
            axes.set_yticks(range(len(keys)), names)
            axes.set_ylim(len(keys) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            axes.set_xlim(0, 104)
            axes.set_xlabel("% of the variance of the draws")
            axes.grid(axis="x")
            drawing.legend(loc="outside upper left", ncols=3)
        return drawing

    return Picture(
        "assumptions",
        "What the bands hang on: measure this first",
        "Share of the variance that each assumption explains by itself, with its interval.",
        ", ".join(f"{i['key']} {percent(i['share'], 0)} ({i['figure']})" for i in band["hangs_on"]),
        table_of(
            "figure assumption share low high",
            [(i["figure"], i["key"], i["share"], i["low"], i["high"]) for i in band["hangs_on"]],
        ),
        draw,
    )


def _few(axes: Any, low: float, high: float) -> None:
    """Set two to four round ticks on a logarithmic axis."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [m * 10.0**k for k in range(first, last + 1) for m in (1, 2, 5)]
    inside = [tick for tick in ticks if low * 0.98 <= tick <= high * 1.02] or [low, high]
    axes.set_xticks(inside[:: -(-len(inside) // 3)])
    axes.set_xticks([], minor=True)
