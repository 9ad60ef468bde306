"""Draw what limits the rate, what makes the latency, and the latency of all samples."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from pnnsim.analysis.report.format import engineering, percent, plural
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.record import Load, Record
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.style import COLORS, NARROW, beside, settings, sheet, si_axis, tooltip

#: Units that are drawn at most, and the share of the interval from which one limits the rate.
_MOST, _FULL = 12, 0.98
#: Shares of the latency that get a segment and a color of their own.
_SEGMENTS = 7
_SHADES = ("sample", "route", "write", "digital", "static", "soft", "other")


def rate_pictures(metrics: Metrics, record: Record) -> list[Picture]:
    """Return `rate`, `path` and, where latencies differ, `latency`.

    Args:
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """
    found = [_bounds(metrics, record), _path(metrics)]
    if record.latency.kind != "same":
        found.append(_latency(metrics, record))
    return found


def limiting(metrics: Metrics, loads: Sequence[Load]) -> tuple[str, str]:
    """Return the unit that limits the rate, and why in a sentence.

    Where no unit is always at work, the samples wait for each other in the loop: then the largest
    part of the latency limits the rate.

    Args:
        metrics: Content of `metrics.json`.
        loads: What each unit is taken for, the longest first.
    """
    interval = metrics["interval_s"]
    units = [load for load in loads if load.name != "loop"]
    first = units[0] if units else Load("", 0.0)
    share = first.time_s / interval if interval else 0.0
    if share >= _FULL:
        return first.name, (
            f"{first.name} limits the rate: each inference takes it for "
            f"{engineering(first.time_s, 's')}, and it is never free."
        )
    loop = next((load.time_s for load in loads if load.name == "loop"), 0.0)
    path = metrics["critical_path"]
    slow = path[0]["component"] if path else first.name
    if interval and loop / interval >= 0.9:
        return slow, (
            f"No unit is always at work ({first.name} most, {percent(share, 1)}); the loop is: the "
            f"next samples enter it when those before have left it. Of the latency, "
            f"{percent(path[0]['share'], 1)} is {path[0]['component']}.{path[0]['action']}."
        )
    return first.name, (
        f"{first.name} is taken most, for {percent(share, 1)} of the time between two results."
    )


def _bounds(metrics: Metrics, record: Record) -> Picture:
    loads = record.loads[:_MOST]
    interval = metrics["interval_s"]

    def draw(width: float) -> Figure:
        with settings():
            drawing = sheet(width, 0.6 + 0.2 * len(loads))
            axes = drawing.add_subplot()
            slow, _ = limiting(metrics, record.loads)
            for place, load in enumerate(loads):
                limits = load.name.startswith(slow) or load.time_s >= _FULL * interval
                (bar,) = axes.barh(
                    [place], [load.time_s], height=0.66,
                    color=COLORS["write" if limits else "sample"],
                )  # fmt: skip
                tooltip(bar, f"{load.name}: {engineering(load.time_s, 's')} for each inference")
                text = engineering(load.time_s, "s", 3)
                # Beside the bar, but not over the line of the interval.
                if load.time_s > 0.25 * interval:
                    inside = {"ha": "right", "color": COLORS["oncolor"]}
                    beside(axes, load.time_s, place, text, **inside)
                else:
                    beside(axes, load.time_s, place, text)
            axes.set_xscale("log")
            least = min(load.time_s for load in loads)
            low = 10 ** (-0.3) * least
            axes.set_xlim(low, 1.5 * interval)
            axes.set_yticks(range(len(loads)), [load.name for load in loads])
            axes.set_ylim(len(loads) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            axes.axvline(interval, color=COLORS["ink"], linestyle="--", linewidth=1.0, zorder=3)
            si_axis(axes, "x", "s")
            axes.grid(axis="x")
            if width < NARROW:
                axes.xaxis.set_major_locator(LogLocator(numticks=4))
        return drawing

    words = ", ".join(f"{load.name} {engineering(load.time_s, 's')}" for load in loads)
    rows = [
        (load.name, load.time_s, load.time_s / interval if interval else None)
        for load in record.loads
    ]
    return Picture(
        "rate",
        "What limits the rate: how long each inference takes each unit",
        f"{limiting(metrics, record.loads)[1]} Dashed: the time between two results, "
        f"{engineering(interval, 's')}. A bar that reaches it cannot serve faster; loop is all "
        "from encoder to nonlinearity together.",
        words,
        table_of("unit time_s share_of_interval", rows),
        draw,
    )


def _path(metrics: Metrics) -> Picture:
    path = sorted(metrics.get("critical_path") or (), key=lambda entry: -entry["share"])
    shown = path[:_SEGMENTS] if len(path) <= _SEGMENTS else path[: _SEGMENTS - 1]
    segments = [(f"{e['component']}.{e['action']}", float(e["share"])) for e in shown]
    rest = 1 - sum(share for _, share in segments)
    if len(path) > len(shown):
        segments.append(("all others", rest))
    first = metrics["latency_s"]["first"]

    def draw(width: float) -> Figure:
        narrow = width < NARROW
        with settings():
            lines = -(-len(segments) // (1 if narrow else 3))
            drawing = sheet(width, 0.5 + 0.17 * lines)
            axes = drawing.add_subplot()
            at = 0.0
            for (name, share), shade in zip(segments, _SHADES, strict=False):
                label = f"{name} {percent(share, 1)}"
                (bar,) = axes.barh(
                    [0], [share], left=at, height=0.8, color=COLORS[shade], label=label,
                    edgecolor=COLORS["oncolor"], linewidth=0.6,
                )  # fmt: skip
                tooltip(bar, f"{label}, {engineering(share * first, 's')}")
                at += share
            axes.set_xlim(0, 1)
            axes.set_axis_off()
            drawing.legend(loc="outside lower left", ncols=1 if narrow else 3, handlelength=1.0)
        return drawing

    rows = [(e["component"], e["action"], e["share"], e["share"] * first) for e in path]
    return Picture(
        "path",
        f"Critical path of the first sample: {engineering(first, 's')}",
        "What its result waited for, from arrival to result.",
        ", ".join(f"{name} {percent(share)}" for name, share in segments),
        table_of("component action share time_s", rows),
        draw,
    )


def _latency(metrics: Metrics, record: Record) -> Picture:
    found, figures = record.latency, metrics["latency_s"]
    order = found.kind == "order"

    def draw(width: float) -> Figure:
        with settings():
            drawing = sheet(width, 2.0)
            axes = drawing.add_subplot()
            if order:
                axes.plot(found.place, found.latency_s, "o-", markersize=2.5, linewidth=0.8,
                          color=COLORS["sample"])  # fmt: skip
                axes.set_xlabel("sample, in order of arrival")
                axes.set_ylim(0, 1.08 * max(found.latency_s))
                si_axis(axes, "y", "s")
            else:
                axes.plot(found.latency_s, found.place, color=COLORS["sample"])
                for name in ("p50", "p95", "p99"):
                    share = float(name[1:]) / 100
                    axes.plot([figures[name]], [share], "o", color=COLORS["write"], markersize=4)
                    beside(axes, figures[name], share - 0.06, name)
                axes.set_ylabel("share of the samples")
                axes.set_ylim(0, 1.03)
                si_axis(axes, "x", "s")
            axes.grid()
        return drawing

    named = ", ".join(f"{n} {engineering(figures[n], 's')}" for n in figures)
    what = (
        "Each sample in order of arrival"
        + (f"; from sample {found.settled} on latencies repeat." if found.settled else ".")
        if order
        else "Share of the samples that take at most so long."
    )
    heads = "sample latency_s" if order else "share_at_most latency_s"
    return Picture(
        "latency",
        f"Latency of {plural(metrics['samples'], 'sample')}",
        f"{what} {named[0].upper()}{named[1:]}.",
        named,
        table_of(heads, list(zip(found.place, found.latency_s, strict=True))),
        draw,
    )
