"""Charts of a study: parallel coordinates, Pareto fronts, main effects.

Each returns a Matplotlib figure, for a page or for a paper; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pnnsim.analysis.report.canvas import COLORS, settings
from pnnsim.common.units import DIMENSIONS
from pnnsim.explore.figures import dimensions
from pnnsim.explore.results import Effect, losses
from pnnsim.explore.store import Record
from pnnsim.explore.study_spec import StudySpec
from pnnsim.explore.tables import Value, feasible, reader, set_keys

#: Size of a chart [inch], and charts beside each other.
_WIDTH, _HEIGHT, _ACROSS = 10.0, 3.6, 3

#: Ratio of the largest to the smallest value from which an axis is logarithmic.
_DECADES = 30.0


def parallel_coordinates(spec: StudySpec, records: Sequence[Record], front: set[int]) -> Figure:
    """Return a line for each trial across its keys and figures, the front in colour.

    Args:
        spec: The study.
        records: Trials to draw.
        front: Numbers of the trials on the front.
    """
    keys, figures = set_keys(spec), spec.keys
    read = {key: reader(spec, key) for key in keys}
    shown = [r for r in records if all(name in r.outcome.figures for name in figures)]
    columns: list[list[Value]] = [
        [read[key](dict(record.trial.overrides)[key]) for record in shown] for key in keys
    ]
    columns += [[record.outcome.figures[name] for record in shown] for name in figures]
    chart, axes = _chart(1)
    axis = axes[0]
    places = [_places(column) for column in columns]
    heights = np.array([height for height, *_ in places]) if shown else np.zeros((len(columns), 0))
    for index, record in sorted(enumerate(shown), key=lambda pair: pair[1].trial.number in front):
        best = record.trial.number in front
        axis.plot(
            range(len(columns)),
            heights[:, index],
            color=COLORS["write"] if best else COLORS["sample"],
            linewidth=1.6 if best else 0.6,
            alpha=1.0 if best else 0.25,
        )
    axis.set_xticks(range(len(columns)), [_broken(n) for n in (*keys, *figures)], fontsize=8)
    for place, (_, low, high) in enumerate(places):
        axis.axvline(place, color=COLORS["line"], linewidth=0.8, zorder=0)
        axis.text(place, -0.03, low, ha="center", va="top", fontsize=7, color=COLORS["soft"])
        axis.text(place, 1.03, high, ha="center", va="bottom", fontsize=7, color=COLORS["soft"])
    axis.set_ylim(-0.14, 1.12)
    axis.set_yticks([])
    for side in axis.spines.values():
        side.set_visible(False)
    return chart


def pareto(spec: StudySpec, records: Sequence[Record], front: Sequence[Record]) -> Figure:
    """Return each pair of objectives against each other, the front in colour.

    Args:
        spec: The study.
        records: Trials to draw.
        front: Trials on the front of all objectives.
    """
    pairs = list(combinations([objective.key for objective in spec.objectives], 2))
    chart, axes = _chart(len(pairs))
    shown = [record for record in records if losses(spec, record) is not None]
    for axis, (first, second) in zip(axes, pairs, strict=False):
        good = [feasible(spec, record) for record in shown]
        for wanted, style in ((False, "other"), (True, "sample")):
            part = [r for r, g in zip(shown, good, strict=True) if g == wanted]
            _dots(axis, part, first, second, COLORS[style], 9)
        _dots(axis, front, first, second, COLORS["write"], 20)
        axis.set_xlabel(_labelled(first), fontsize=9)
        axis.set_ylabel(_labelled(second), fontsize=9)
        _scale(axis.set_xscale, [r.outcome.figures[first] for r in shown])
        _scale(axis.set_yscale, [r.outcome.figures[second] for r in shown])
    return chart


def main_effects(effects: Sequence[Effect]) -> Figure:
    """Return the mean of a figure at each value of a key, a panel for each effect.

    Args:
        effects: What to draw.
    """
    chart, axes = _chart(len(effects))
    for axis, effect in zip(axes, effects, strict=False):
        numbers = all(isinstance(value, int | float) for value in effect.values)
        if numbers:
            values = [float(value or 0) for value in effect.values]
            axis.plot(values, effect.means, "o-", color=COLORS["sample"], markersize=3)
            _scale(axis.set_xscale, values)
        else:
            axis.plot(range(len(effect.values)), effect.means, "o", color=COLORS["sample"])
            texts = [str(value) for value in effect.values]
            axis.set_xticks(range(len(texts)), texts, fontsize=7, rotation=20)
        axis.set_xlabel(effect.key, fontsize=9)
        axis.set_ylabel(_labelled(effect.figure), fontsize=9)
    return chart


def svg(chart: Figure) -> str:
    """Return a chart as an SVG element for a page."""
    with settings():
        file = StringIO()
        chart.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def _chart(count: int) -> tuple[Figure, list[Axes]]:
    """Return a chart with panels in rows of three."""
    across = max(1, min(_ACROSS, count))
    down = max(1, -(-count // across))
    with settings():
        chart = Figure(figsize=(_WIDTH, _HEIGHT * down), layout="constrained")
        axes = [chart.add_subplot(down, across, i + 1) for i in range(max(1, count))]
        for axis in axes:
            axis.tick_params(labelsize=8)
    return chart, axes


def _places(column: Sequence[Value]) -> tuple[list[float], str, str]:
    """Return the height of each value between 0 and 1, and the texts at both ends."""
    numbers = [value for value in column if isinstance(value, int | float)]
    if not column or len(numbers) < len(column):
        texts = list(dict.fromkeys(str(value) for value in column)) or [""]
        last = max(1, len(texts) - 1)
        return [texts.index(str(v)) / last for v in column], texts[0], texts[-1]
    values = np.array(numbers, dtype=float)
    low, high = values.min(), values.max()
    if low > 0 and high / low > _DECADES:
        values, low, high = np.log(values), np.log(low), np.log(high)
    span = (high - low) or 1.0
    return list((values - low) / span), f"{min(numbers):.3g}", f"{max(numbers):.3g}"


def _dots(
    axis: Axes, records: Sequence[Record], first: str, second: str, color: str, size: float
) -> None:
    found = [record.outcome.figures for record in records]
    axis.scatter([f[first] for f in found], [f[second] for f in found], s=size, color=color)


def _scale(set_scale: Callable[[str], None], values: Sequence[float]) -> None:
    """Make a side of a chart logarithmic where its values span many decades."""
    if values and min(values) > 0 and max(values) / min(values) > _DECADES:
        set_scale("log")


def _labelled(figure: str) -> str:
    """Return the name of a figure with its unit."""
    dimension = dimensions().get(figure, "")
    unit = DIMENSIONS[dimension].si if dimension else ""
    return f"{figure} [{unit}]" if unit else figure


def _broken(name: str) -> str:
    return name.replace(".", ".\n", 1)
