"""Write the page of a study: its question, the front, charts, and every failure with its reason.

Of many trials some are drawn; the tables beside it have all of them. Markup is in
`study.html.j2` of `pnnsim.analysis.report`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pnnsim.analysis.report.format import engineering
from pnnsim.analysis.report.page import plates, write_page
from pnnsim.common.units import DIMENSIONS
from pnnsim.explore.axes import Span
from pnnsim.explore.figures import dimensions
from pnnsim.explore.results import effects, front_of
from pnnsim.explore.store import Record, Store
from pnnsim.explore.study_charts import main_effects, parallel_coordinates, pareto
from pnnsim.explore.study_spec import StudySpec

#: Trials in a chart, rows of a table, panels of main effects, and values that are listed.
_DRAWN, _ROWS, _PANELS, _LISTED = 1500, 50, 12, 12


def write_study_html(path: Path, spec: StudySpec, store: Store) -> None:
    """Write the page.

    Args:
        path: File to write, usually `study.html`.
        spec: The study.
        store: Its trials.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_page(path, "study.html.j2", _content(spec, store))


def _content(spec: StudySpec, store: Store) -> dict[str, Any]:
    """Return everything that the template names."""
    counts = store.counts()
    front = front_of(spec, store)
    drawn = _some(store, sum(counts.values()))
    numbers = {record.trial.number for record in front}
    shown = effects(spec, store)[:_PANELS]
    ended = [record for record in drawn if record.state == "done"]
    charts = [parallel_coordinates(spec, ended, numbers)] if ended else []
    if ended and len(spec.objectives) > 1:
        charts.insert(0, pareto(spec, ended, front))
    if shown:
        charts.append(main_effects(spec, shown))
    keys = spec.keys or ("latency_s.first", "energy_j.per_inference")
    return {
        "title": f"Study of {spec.name}",
        "counts": counts,
        "total": sum(counts.values()),
        "asked": _asked(spec),
        "columns": keys,
        "front": [_row(record, keys) for record in front[:_ROWS]],
        "left_out": max(0, len(front) - _ROWS),
        "command": _command(spec, front[0]) if front else "",
        "best": _best(spec, front),
        "plates": plates(charts),
        "failures": _failures(store),
        "identity": spec.identity,
    }


def _best(spec: StudySpec, front: list[Record]) -> list[tuple[str, str, int]]:
    """Return the best of each objective on the front, and which trial has it."""
    found = []
    for goal in spec.objectives if front else ():
        record = min(front, key=lambda r, g=goal: g.loss(r.outcome.figures[g.key]))  # type: ignore[misc]
        what = f"{'largest' if goal.maximize else 'smallest'} {goal.key}"
        found.append(
            (what, _shown(goal.key, record.outcome.figures[goal.key]), record.trial.number)
        )
    return found


def _some(store: Store, total: int) -> list[Record]:
    """Return trials evenly spread over all, as many as a chart shows."""
    step = max(1, -(-total // _DRAWN))
    return [record for index, record in enumerate(store.records()) if index % step == 0]


def _asked(spec: StudySpec) -> list[tuple[str, str]]:
    """Return what the study varies and its figures, in words."""
    found = []
    for axis in spec.axes:
        if isinstance(axis, Span):
            low, high = axis.text(axis.low), axis.text(axis.high)
            found.append((axis.key, f"{low} to {high}, {axis.scale}"))
        else:
            more = ", …" if len(axis.texts) > _LISTED else ""
            found.append((axis.key, ", ".join(axis.texts[:_LISTED]) + more))
    found += [("maximize" if goal.maximize else "minimize", goal.key) for goal in spec.objectives]
    found += [("constraint", str(constraint)) for constraint in spec.constraints]
    found += [("a chip must meet", str(spec.require))] if spec.require is not None else []
    return found


def _row(record: Record, keys: tuple[str, ...]) -> dict[str, Any]:
    return {
        "number": record.trial.number,
        "set": ", ".join(f"{key}={text}" for key, text in record.trial.overrides),
        "figures": [_shown(key, record.outcome.figures.get(key)) for key in keys],
    }


def _shown(key: str, value: float | None) -> str:
    dimension = dimensions()[key]
    if dimension in ("fraction", "area") and value is not None:
        return f"{value:.4g}" + (" m²" if dimension == "area" else "")
    return engineering(value, DIMENSIONS[dimension].si if dimension else "")


def _command(spec: StudySpec, record: Record) -> str:
    """Return the command that runs a trial by itself, with its report."""
    pairs = [*spec.fixed, *record.trial.overrides]
    return f"pnnsim run {spec.name} " + " ".join(f"--set '{key}={text}'" for key, text in pairs)


def _failures(store: Store) -> list[tuple[str, int, int]]:
    """Return each reason of a failure or a stop, how often it occurs, and the first trial."""
    found: dict[str, tuple[int, int]] = {}
    for record in store.records():
        if record.state in ("failed", "stopped") and record.outcome.reason:
            reason = record.outcome.reason
            if reason not in found and len(found) >= _ROWS:
                reason = "further reasons"
            count, first = found.get(reason, (0, record.trial.number))
            found[reason] = count + 1, first
    ordered = sorted(found.items(), key=lambda item: -item[1][0])
    return [(reason, count, first) for reason, (count, first) in ordered]
