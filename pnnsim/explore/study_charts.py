"""Charts of a study: parallel coordinates, Pareto fronts, main effects.

Each is a picture for a page or for a paper, with the table of what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pnnsim.analysis.report.format import engineering
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.style import COLORS, NARROW, settings, sheet, si_axis
from pnnsim.common.units import DIMENSIONS
from pnnsim.explore.figures import dimensions
from pnnsim.explore.results import Effect, losses
from pnnsim.explore.store import Record
from pnnsim.explore.study_spec import StudySpec
from pnnsim.explore.tables import Value, feasible, reader, set_keys, unit_of

#: Height of a panel [inch], and panels beside each other.
_HEIGHT, _ACROSS = 3.2, 3

#: Units that take a prefix.
_PREFIXED = frozenset(("s", "J", "W", "Hz", "m", "V", "A", "F", "/s"))

#: Ratio of the largest to the smallest value from which an axis is logarithmic.
_DECADES = 30.0


def parallel_coordinates(spec: StudySpec, records: Sequence[Record], front: set[int]) -> Picture:
    """Return `parallel`: a line for each trial across its keys and figures, the front in colour.

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
    units = [_unit(spec, name) for name in (*keys, *figures)]
    places = [_places(column, unit) for column, unit in zip(columns, units, strict=True)]
    heights = np.array([height for height, *_ in places]) if shown else np.zeros((len(columns), 0))
    ordered = sorted(enumerate(shown), key=lambda pair: pair[1].trial.number in front)

    def draw(width: float) -> Figure:
        narrow = width < NARROW
        with settings():
            drawing = sheet(width, 4.2 if narrow else 3.6)
            axis = drawing.add_subplot()
            for index, record in ordered:
                best = record.trial.number in front
                axis.plot(
                    range(len(columns)),
                    heights[:, index],
                    color=COLORS["write"] if best else COLORS["sample"],
                    linewidth=1.6 if best else 0.6,
                    alpha=1.0 if best else 0.25,
                )
            # On a telephone names stand upright, since there is no room for them side by side.
            names = [*keys, *figures] if narrow else [_broken(n) for n in (*keys, *figures)]
            axis.set_xticks(range(len(columns)), names, rotation=90 if narrow else 0)
            for place, (_, low, high) in enumerate(places):
                axis.axvline(place, color=COLORS["line"], linewidth=0.8, zorder=0)
                for height, text, way in ((-0.03, low, "top"), (1.03, high, "bottom")):
                    axis.text(place, height, text, ha="center", va=way, fontsize=7,
                              color=COLORS["soft"])  # fmt: skip
            axis.set_ylim(-0.14, 1.12)
            axis.set_yticks([])
            for side in axis.spines.values():
                side.set_visible(False)
        return drawing

    rows = [
        (record.trial.number, *cells, "yes" if record.trial.number in front else "no")
        for record, cells in zip(shown, zip(*columns, strict=True), strict=True)
    ]
    return Picture(
        "parallel",
        "Trials across keys and figures",
        f"{len(shown)} trials are drawn; orange lines are those of the front.",
        f"{len(shown)} trials over {', '.join((*keys, *figures))}",
        table_of(" ".join(("trial", *keys, *figures, "front")), rows),
        draw,
    )


def pareto(spec: StudySpec, records: Sequence[Record], front: Sequence[Record]) -> Picture:
    """Return `pareto`: each pair of objectives against each other, the front in colour.

    Args:
        spec: The study.
        records: Trials to draw.
        front: Trials on the front of all objectives.
    """
    goals = [objective.key for objective in spec.objectives]
    pairs = list(combinations(goals, 2))
    shown = [record for record in records if losses(spec, record) is not None]
    good = [feasible(spec, record) for record in shown]
    best = {record.trial.number for record in front}

    def draw(width: float) -> Figure:
        drawing, axes = _chart(len(pairs), width)
        for axis, (first, second) in zip(axes, pairs, strict=False):
            for wanted, style in ((False, "other"), (True, "sample")):
                part = [r for r, g in zip(shown, good, strict=True) if g == wanted]
                _dots(axis, part, first, second, COLORS[style], 9)
            _dots(axis, front, first, second, COLORS["write"], 20)
            for key, way in ((first, "x"), (second, "y")):
                _scale(axis, way, [r.outcome.figures[key] for r in shown], _unit(spec, key))
            axis.set_xlabel(first)
            axis.set_ylabel(second)
        return drawing

    rows = [
        (r.trial.number, *(r.outcome.figures[key] for key in goals), "yes" if g else "no",
         "yes" if r.trial.number in best else "no")
        for r, g in zip(shown, good, strict=True)
    ]  # fmt: skip
    return Picture(
        "pareto",
        "Objectives against each other",
        "Orange: the front. Grey: trials that break a constraint or were stopped.",
        f"{len(shown)} trials, {len(best)} on the front",
        table_of(" ".join(("trial", *goals, "feasible", "front")), rows),
        draw,
    )


def main_effects(spec: StudySpec, effects: Sequence[Effect]) -> Picture:
    """Return `effects`: the mean of a figure at each value of a key, a panel for each effect.

    Args:
        spec: The study.
        effects: What to draw.
    """

    def draw(width: float) -> Figure:
        drawing, axes = _chart(len(effects), width)
        for axis, effect in zip(axes, effects, strict=False):
            numbers = all(isinstance(value, int | float) for value in effect.values)
            if numbers:
                values = [float(value or 0) for value in effect.values]
                axis.plot(values, effect.means, "o-", color=COLORS["sample"], markersize=3)
                _scale(axis, "x", values, _unit(spec, effect.key))
            else:
                axis.plot(range(len(effect.values)), effect.means, "o", color=COLORS["sample"])
                texts = [str(value) for value in effect.values]
                axis.set_xticks(range(len(texts)), texts, fontsize=7, rotation=20)
            _scale(axis, "y", effect.means, _unit(spec, effect.figure))
            axis.set_xlabel(effect.key)
            axis.set_ylabel(effect.figure)
        return drawing

    rows = [
        (effect.key, effect.figure, value, mean)
        for effect in effects
        for value, mean in zip(effect.values, effect.means, strict=True)
    ]
    return Picture(
        "effects",
        "Main effects",
        "Mean over all trials with a value, the largest effects first.",
        ", ".join(f"{effect.key} on {effect.figure}" for effect in effects),
        table_of("key figure value mean", rows),
        draw,
    )


def _chart(count: int, width: float) -> tuple[Figure, list[Axes]]:
    """Return a chart with panels in rows of three, or below each other where it is narrow.

    Args:
        count: Number of panels.
        width: Width of the chart [inch].
    """
    across = 1 if width < NARROW else max(1, min(_ACROSS, count))
    down = max(1, -(-count // across))
    with settings():
        chart = sheet(width, (2.4 if width < NARROW else _HEIGHT) * down)
        axes = [chart.add_subplot(down, across, i + 1) for i in range(max(1, count))]
    return chart, axes


def _places(column: Sequence[Value], unit: str) -> tuple[list[float], str, str]:
    """Return the height of each value between 0 and 1, and the texts at both ends.

    Args:
        column: Values of the trials.
        unit: Their SI unit; may be empty.
    """
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
    ends = [
        engineering(end, unit, 3) if unit in _PREFIXED else f"{end:.3g} {unit}".rstrip()
        for end in (min(numbers), max(numbers))
    ]
    return list((values - low) / span), ends[0], ends[1]


def _dots(
    axis: Axes, records: Sequence[Record], first: str, second: str, color: str, size: float
) -> None:
    found = [record.outcome.figures for record in records]
    axis.scatter([f[first] for f in found], [f[second] for f in found], s=size, color=color)


def _scale(axis: Axes, way: str, values: Sequence[float], unit: str) -> None:
    """Make an axis logarithmic where its values span many decades, and write its unit.

    Args:
        axis: Axes of the chart.
        way: `x` or `y`.
        values: Values along it.
        unit: Their SI unit; may be empty.
    """
    if values and min(values) > 0 and max(values) / min(values) > _DECADES:
        (axis.set_xscale if way == "x" else axis.set_yscale)("log")
    if unit in _PREFIXED:
        si_axis(axis, way, unit)


def _unit(spec: StudySpec, name: str) -> str:
    """Return the SI unit of a figure or a key; empty where it has none.

    Args:
        spec: The study.
        name: Name of the figure, or the key.
    """
    if name not in dimensions():
        return unit_of(spec, name)
    dimension = dimensions()[name]
    return DIMENSIONS[dimension].si if dimension else ""


def _broken(name: str) -> str:
    return name.replace(".", ".\n", 1)
