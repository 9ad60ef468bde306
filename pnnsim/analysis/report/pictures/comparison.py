"""Draw several runs against each other: trade-off, accuracy, and how sure their order is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pnnsim.analysis.report.format import engineering, percent
from pnnsim.analysis.report.intervals import accuracy_interval
from pnnsim.analysis.report.pictures.bands import FIGURES
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.style import COLORS, NARROW, beside, settings, sheet, si_axis, tooltip

if TYPE_CHECKING:
    from pnnsim.analysis.bands.pairs import Pairing

Rows = Sequence[tuple[str, Metrics]]

#: Places at which the name of a point is tried [points], and letters of a name that is not cut.
_PLACES = ((5, 5), (5, -9), (-5, 5), (-5, -9))
_LETTERS = 24


def comparison_pictures(rows: Rows, pairings: Sequence[Pairing]) -> list[Picture]:
    """Return `tradeoff`, `accuracies` and `order`, as far as there is anything to draw.

    Args:
        rows: Label and metrics of each run.
        pairings: How often each machine beats each other over draws from their ranges.
    """
    found = [_tradeoff(rows)]
    if sum(_accuracy(metrics) is not None for _, metrics in rows) > 1:
        found.append(_accuracies(rows))
    if pairings:
        found.append(_order(rows, pairings))
    return found


def undominated(rows: Rows) -> set[int]:
    """Return the numbers of the runs that no other beats or equals in all of what counts.

    What counts is accuracy, latency of the first sample and energy of an inference; a run without
    accuracy has none.

    Args:
        rows: Label and metrics of each run.
    """
    losses = [
        (
            metrics["latency_s"]["first"],
            metrics["energy_j"]["per_inference"],
            -(_accuracy(metrics) or 0.0),
        )
        for _, metrics in rows
    ]
    return {
        place
        for place, mine in enumerate(losses)
        if not any(
            all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine
            for other in losses
        )
    }


def _accuracy(metrics: Metrics) -> float | None:
    found = (metrics.get("accuracy") or {}).get("hardware_mean")
    return None if found is None else float(found)


def _tradeoff(rows: Rows) -> Picture:
    best = undominated(rows)
    points = [
        (label, m["latency_s"]["first"], m["energy_j"]["per_inference"], m.get("band") or {})
        for label, m in rows
    ]

    def draw(width: float) -> Figure:
        narrow = width < NARROW
        with settings():
            drawing = sheet(width, 3.0 if narrow else 3.6)
            axes = drawing.add_subplot()
            axes.set_xscale("log")
            axes.set_yscale("log")
            everywhere: tuple[list[float], list[float]] = ([], [])
            for place, (label, latency, energy, band) in enumerate(points):
                color = COLORS["write" if place in best else "sample"]
                for key, axis in (("latency_s", 0), ("energy_j", 1)):
                    found = band.get(key)
                    ends = [found["p5"], found["p95"]] if found else []
                    everywhere[axis].extend([*ends, (latency, energy)[axis]])
                    if found and axis == 0:
                        axes.plot(ends, [energy] * 2, color=color, alpha=0.4, linewidth=1.0)
                    elif found:
                        axes.plot([latency] * 2, ends, color=color, alpha=0.4, linewidth=1.0)
                (mark,) = axes.plot([latency], [energy], "o", color=color, markersize=5)
                tooltip(mark, f"{label}: {engineering(latency, 's')}, {engineering(energy, 'J')}")
            for way, values in zip("xy", everywhere, strict=True):
                _decades(axes, way, values)
            _names(
                drawing, axes, [(label, x, y) for label, x, y, _ in points], 7.0 if narrow else 8.0
            )
            axes.set_xlabel("latency of the first sample")
            axes.set_ylabel("energy of an inference")
            si_axis(axes, "x", "s")
            si_axis(axes, "y", "J")
            axes.grid()
        return drawing

    cells = []
    for place, (label, latency, energy, band) in enumerate(points):
        ends = [
            (band.get(key) or {}).get(end)
            for key in ("latency_s", "energy_j")
            for end in ("p5", "p95")
        ]
        cells.append((label, latency, *ends[:2], energy, *ends[2:], _accuracy(rows[place][1]),
                      "yes" if place in best else "no"))  # fmt: skip
    return Picture(
        "tradeoff",
        "Latency against energy",
        "Orange: no other run is as good in all of accuracy, latency and energy, and better in "
        "one. Lines: 5 to 95 % of what the stated ranges make of each.",
        ", ".join(f"{n} {engineering(x, 's')} {engineering(y, 'J')}" for n, x, y, _ in points),
        table_of(
            "run latency_s latency_p5 latency_p95 energy_j energy_p5 energy_p95 accuracy pareto",
            cells,
        ),
        draw,
    )


def _decades(axes: Axes, way: str, values: Sequence[float]) -> None:
    """Set the limits of a logarithmic axis, with room for names, and a tick for each decade."""
    low, high = min(values), max(values)
    room = max(0.12 * math.log10(high / low), 0.15)
    low, high = low * 10**-room, high * 10 ** (1.6 * room)
    (axes.set_xlim if way == "x" else axes.set_ylim)(low, high)
    ticks = [10.0**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    if len(ticks) > 1:
        (axes.set_xticks if way == "x" else axes.set_yticks)(ticks[:: -(-len(ticks) // 6)])


def _names(
    figure: Figure, axes: Axes, points: Sequence[tuple[str, float, float]], size: float
) -> None:
    """Write the name of each point beside it, where it covers no other name and no point."""
    figure.draw_without_rendering()
    spots = [axes.transData.transform((x, y)) for _, x, y in points]
    per_point = figure.dpi / 72.0
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in spots]
    frame = axes.bbox
    for (label, x, y), (px, py) in zip(points, spots, strict=True):
        text = label if len(label) <= _LETTERS else f"{label[: _LETTERS - 1]}…"
        wide, tall = 0.62 * size * per_point * len(text), 1.1 * size * per_point
        chosen = _PLACES[0]
        for dx, dy in _PLACES:
            left = px + dx * per_point - (wide if dx < 0 else 0)
            box = (left, py + dy * per_point, left + wide, py + dy * per_point + tall)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1
            if inside and not any(_meet(box, other) for other in taken):
                chosen = (dx, dy)
                taken.append(box)
                break
        axes.annotate(
            text, (x, y), xytext=chosen, textcoords="offset points", fontsize=size,
            ha="right" if chosen[0] < 0 else "left",
        )  # fmt: skip


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Return whether two boxes share any place."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _accuracies(rows: Rows) -> Picture:
    found = [
        (label, value, *(accuracy_interval(metrics) or (None, None)))
        for label, metrics in rows
        if (value := _accuracy(metrics)) is not None
    ]

    def draw(width: float) -> Figure:
        with settings():
            drawing = sheet(width, 0.55 + 0.22 * len(found))
            axes = drawing.add_subplot()
            for place, (label, value, low, high) in enumerate(found):
                if low is not None and high is not None:
                    axes.plot([low, high], [place] * 2, color=COLORS["sample"], linewidth=1.2)
                (mark,) = axes.plot([value], [place], "o", color=COLORS["sample"], markersize=4)
                tooltip(mark, f"{label}: {percent(value)}")
                beside(axes, value if high is None else high, place, percent(value))
            low, high = axes.get_xlim()
            axes.set_xlim(low, high + (0.3 if width < NARROW else 0.1) * (high - low))
            axes.set_yticks(range(len(found)), [label[:_LETTERS] for label, *_ in found])
            axes.set_ylim(len(found) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            axes.xaxis.set_major_formatter(lambda value, _: percent(value, 1))
            axes.locator_params(axis="x", nbins=3 if width < NARROW else 8)
            axes.grid(axis="x")
        return drawing

    return Picture(
        "accuracies",
        "Accuracy on the hardware",
        "Mean of the chips with the 95 % interval that its samples give (Wilson); the axis does "
        "not start at zero. Runs on the same samples differ more surely than the intervals say.",
        ", ".join(f"{label} {percent(value)}" for label, value, *_ in found),
        table_of("run accuracy low_95 high_95", found),
        draw,
    )


def _order(rows: Rows, pairings: Sequence[Pairing]) -> Picture:
    labels = [label for label, _ in rows]
    shares: dict[tuple[str, int, int], float] = {}
    for pair in pairings:
        for key, _, _ in FIGURES:
            shares[key, pair.first, pair.second] = pair.first_wins[key]
            shares[key, pair.second, pair.first] = pair.second_wins[key]
    count = len(labels)

    def draw(width: float) -> Figure:
        narrow = width < NARROW
        with settings():
            drawing = sheet(width, (0.5 + 0.26 * count) * (3 if narrow else 1) + 0.5)
            for number, (key, name, _) in enumerate(FIGURES):
                grid = (3, 1) if narrow else (1, 3)
                axes = drawing.add_subplot(*grid, number + 1)
                _cells(axes, {(i, j): v for (k, i, j), v in shares.items() if k == key}, labels)
                axes.set_title(f"less {name.partition(',')[0]}")
                first = narrow or number == 0
                axes.set_yticks(range(count), [n[:_LETTERS] for n in labels] if first else [])
                axes.set_xticks(range(count), [str(i + 1) for i in range(count)])
                if first:
                    numbered = [f"{i + 1}  {n[:_LETTERS]}" for i, n in enumerate(labels)]
                    axes.set_yticks(range(count), numbered)
        return drawing

    return Picture(
        "order",
        "How sure the order is",
        "Percentage of paired draws in which the run of the line has less than that of the "
        "column. What both assume is drawn alike for both; near 50 the ranges leave it open.",
        ", ".join(
            f"{labels[i]} below {labels[j]} in {percent(v, 0)} of draws ({k})"
            for (k, i, j), v in shares.items()
        ),
        table_of(
            "figure less more share_of_draws",
            [(key, labels[i], labels[j], value) for (key, i, j), value in shares.items()],
        ),
        draw,
    )


def _cells(axes: Axes, shares: dict[tuple[int, int], float], labels: Sequence[str]) -> None:
    """Draw a share for each pair of runs."""
    count = len(labels)
    for (line, column), share in shares.items():
        cell = Rectangle(
            (column - 0.5, line - 0.5), 1, 1, facecolor=(COLORS["sample"], 0.08 + 0.92 * share)
        )
        tooltip(cell, f"{labels[line]} below {labels[column]} in {percent(share, 1)} of draws")
        axes.add_patch(cell)
        ink = COLORS["oncolor" if share > 0.6 else "ink"]
        axes.text(column, line, f"{100 * share:.0f}", ha="center", va="center", color=ink,
                  fontsize=7.0)  # fmt: skip
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
