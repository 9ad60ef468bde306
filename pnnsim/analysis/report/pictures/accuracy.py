"""Draw accuracy: software and chips with intervals, confused classes, cost of non-idealities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pnnsim.analysis.report.format import percent, plural
from pnnsim.analysis.report.intervals import wilson
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.record import Record
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.style import COLORS, NARROW, beside, settings, sheet, tooltip

#: Chips and non-idealities that are drawn one by one at most, and classes whose counts are written.
_CHIPS, _MOST, _NAMED = 12, 14, 20


def accuracy_pictures(metrics: Metrics, record: Record | None) -> list[Picture]:
    """Return `accuracy`, `cost` and `confusion`, those for which there are data.

    Args:
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """
    accuracy = metrics.get("accuracy") or {}
    found = []
    if accuracy.get("chips"):
        found.append(_shares(accuracy, int(metrics["samples"])))
    if accuracy.get("ablation"):
        found.append(_cost(accuracy["ablation"]))
    if record is not None and record.confusion:
        found.append(_confusion(record.confusion))
    return found


def _shares(accuracy: Mapping[str, Any], samples: int) -> Picture:
    named = {"float": "software, float", "int8": "software, int8", "surrogate": "surrogate"}
    rows = [(text, float(accuracy[key])) for key, text in named.items() if key in accuracy]
    chips = [float(value) for value in accuracy["chips"]]
    software = len(rows)
    if len(chips) <= _CHIPS:
        rows += [(f"chip {number}", value) for number, value in enumerate(chips)]
    else:
        ranked = sorted(chips)
        middle = ranked[len(chips) // 2]
        rows += [("worst chip", ranked[0]), ("median chip", middle), ("best chip", ranked[-1])]
    ends = [wilson(value, samples) for _, value in rows]

    def draw(width: float) -> Figure:
        with settings():
            drawing = sheet(width, 0.55 + 0.2 * len(rows))
            axes = drawing.add_subplot()
            for place, ((name, value), (low, high)) in enumerate(zip(rows, ends, strict=True)):
                color = COLORS["soft" if place < software else "sample"]
                axes.plot([low, high], [place, place], color=color, linewidth=1.2)
                (mark,) = axes.plot([value], [place], "o", color=color, markersize=4)
                tooltip(mark, f"{name}: {percent(value)} ({percent(low)} to {percent(high)})")
                beside(axes, high, place, percent(value))
            low, high = min(low for low, _ in ends), max(high for _, high in ends)
            room = 0.35 if width < NARROW else 0.12
            axes.set_xlim(low - 0.03 * (high - low), high + room * (high - low))
            axes.set_yticks(range(len(rows)), [name for name, _ in rows])
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            axes.xaxis.set_major_formatter(lambda value, _: percent(value, 1))
            axes.locator_params(axis="x", nbins=4 if width < NARROW else 8)
            axes.grid(axis="x")
        return drawing

    cells = [(n, v, *end) for (n, v), end in zip(rows, ends, strict=True)]
    return Picture(
        "accuracy",
        f"Accuracy in software and on {plural(len(chips), 'chip')}",
        f"With 95 % intervals for {plural(samples, 'sample')} (Wilson); the axis does not start at "
        "zero. All see the same samples, so that differences are surer than the intervals say.",
        ", ".join(f"{name} {percent(value)}" for name, value in rows),
        table_of("what accuracy low_95 high_95", cells),
        draw,
    )


def significant(entry: Mapping[str, Any]) -> bool:
    """Return whether what a non-ideality costs is more than chance; True where nothing says."""
    low, high = entry.get("recovered_low"), entry.get("recovered_high")
    off = low is None or high is None or low > 0 or high < 0
    return off or float(entry.get("alone_low") or 0.0) > 0


def ordered(ablation: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return non-idealities, the most costly first."""
    return sorted(ablation, key=lambda entry: -(entry["recovered"] or 0.0))


def _cost(ablation: Sequence[Mapping[str, Any]]) -> Picture:
    entries = ordered(ablation)
    worth = [e for e in entries if max(abs(e["recovered"]), abs(e.get("alone") or 0.0)) > 0]
    shown = worth[:_MOST]
    sides = (("recovered", "without it, all others on", -0.19, "sample"),
             ("alone", "it alone", 0.19, "write"))  # fmt: skip

    def draw(width: float) -> Figure:
        with settings():
            drawing = sheet(width, 0.85 + 0.3 * max(1, len(shown)))
            axes = drawing.add_subplot()
            for key, label, shift, color in sides:
                if any(key in entry for entry in entries):
                    axes.add_patch(Rectangle((0, 0), 0, 0, color=COLORS[color], label=label))
                for place, entry in enumerate(shown):
                    if entry.get(key) is not None:
                        _bar(axes, entry, key, place + shift, COLORS[color])
            axes.axvline(0, color=COLORS["soft"], linewidth=0.8)
            axes.set_yticks(range(len(shown)), [_name(e, width) for e in shown])
            axes.set_ylim(len(shown) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            axes.set_xlabel("percentage points of accuracy that it costs")
            axes.grid(axis="x")
            drawing.legend(loc="outside upper left", ncols=1 if width < NARROW else 2)
        return drawing

    heads = ["recovered", "recovered_low", "recovered_high", "alone", "alone_low", "alone_high"]
    rest = len(entries) - len(shown)
    return Picture(
        "cost",
        "What each non-ideality costs",
        "Blue: accuracy won by switching it off. Orange: accuracy lost with it alone, on the first "
        "chip. Lines are 95 % intervals of paired differences; grey bars may be chance"
        + (f". {plural(rest, 'smaller one')} not shown." if rest else "."),
        ", ".join(f"{e['non_ideality']} {100 * e['recovered']:+.2f} points" for e in shown),
        table_of(
            "non_ideality accuracy_without_mean " + " ".join(heads),
            [
                (e["non_ideality"], e["accuracy_without_mean"], *(e.get(head) for head in heads))
                for e in entries
            ],
        ),
        draw,
    )


def _bar(axes: Axes, entry: Mapping[str, Any], key: str, place: float, color: str) -> None:
    """Draw one cost with its interval, grey where it may be chance."""
    low, high = entry.get(f"{key}_low"), entry.get(f"{key}_high")
    sure = low is None or high is None or low > 0 or high < 0
    ink = color if sure else COLORS["other"]
    (bar,) = axes.barh([place], [100 * entry[key]], height=0.34, color=ink)
    text = f"{entry['non_ideality']}: {100 * entry[key]:+.2f} points"
    if low is not None and high is not None:
        axes.plot([100 * low, 100 * high], [place] * 2, color=COLORS["ink"], linewidth=0.8)
        text += f" ({100 * low:+.2f} to {100 * high:+.2f})"
    tooltip(bar, text)


def _name(entry: Mapping[str, Any], width: float) -> str:
    name = str(entry["non_ideality"])
    return name.replace(".", ".\n", 1) if width < NARROW else name


def _confusion(table: Sequence[Sequence[int]]) -> Picture:
    count = len(table)
    wrong = sorted(
        ((table[i][j], i, j) for i in range(count) for j in range(count) if i != j and table[i][j]),
        reverse=True,
    )

    def draw(width: float) -> Figure:
        side = min(width, 1.2 + 0.34 * count if count <= _NAMED else 6.0)
        with settings():
            drawing = sheet(side, side)
            axes = drawing.add_subplot()
            for i, row in enumerate(table):
                whole = sum(row) or 1
                for j, number in enumerate(row):
                    if not number:
                        continue
                    share = number / whole
                    color = COLORS["sample" if i == j else "write"]
                    # Confusions are few: a share of a tenth must be seen.
                    alpha = 0.12 + 0.88 * share if i == j else min(1.0, 0.15 + 4 * share)
                    cell = Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=(color, alpha))
                    axes.add_patch(cell)
                    if count <= _NAMED:
                        tooltip(cell, f"class {i} taken for {j}: {number} ({percent(share)})")
                        ink = COLORS["oncolor" if alpha > 0.6 else "ink"]
                        size = 6.0 if width < NARROW or number > 999 else 7.5
                        axes.text(j, i + 0.02, str(number), ha="center", va="center", color=ink,
                                  fontsize=size)  # fmt: skip
            axes.set_xlim(-0.5, count - 0.5)
            axes.set_ylim(count - 0.5, -0.5)
            axes.set_aspect("equal")
            if count <= _NAMED:
                axes.set_xticks(range(count))
                axes.set_yticks(range(count))
            axes.tick_params(length=0)
            axes.set_xlabel("class found by the chips")
            axes.set_ylabel("true class")
        return drawing

    worst = "; ".join(f"{i} taken for {j} {n} times" for n, i, j in wrong[:3])
    return Picture(
        "confusion",
        "Which classes are confused",
        "Over all chips; right on the diagonal."
        + (f" Most often: {worst}." if worst else " No class is confused."),
        worst or "no class is confused",
        table_of(
            "true found count", [(i, j, table[i][j]) for i in range(count) for j in range(count)]
        ),
        draw,
    )
