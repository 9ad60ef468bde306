"""Write the page of a study: its question, the front, charts, and every failure with its reason.

The page needs nothing else: no script, no font, no network. Of many trials some are drawn; the
tables beside it have all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pnnsim.analysis.report.files import write_pieces
from pnnsim.analysis.report.format import engineering
from pnnsim.common.units import DIMENSIONS
from pnnsim.explore.axes import Span
from pnnsim.explore.figures import dimensions
from pnnsim.explore.results import effects, front_of
from pnnsim.explore.store import Record, Store
from pnnsim.explore.study_charts import main_effects, parallel_coordinates, pareto, svg
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
    environment = Environment(
        loader=PackageLoader("pnnsim.explore", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("study.html.j2").render(_content(spec, store))
    write_pieces(path, [page])


def _content(spec: StudySpec, store: Store) -> dict[str, Any]:
    """Return everything that the template names."""
    counts = store.counts()
    front = front_of(spec, store)
    drawn = _some(store, sum(counts.values()))
    numbers = {record.trial.number for record in front}
    shown = effects(spec, store)[:_PANELS]
    ended = [record for record in drawn if record.state == "done"]
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
        "parallel": _markup(parallel_coordinates(spec, ended, numbers)) if ended else "",
        "pareto": _markup(pareto(spec, ended, front)) if len(spec.objectives) > 1 else "",
        "effects": _markup(main_effects(shown)) if shown else "",
        "failures": _failures(store),
        "drawn": len(drawn),
        "identity": spec.identity,
    }


def _markup(chart: Any) -> Markup:
    """Return a chart as markup; its texts are escaped where they are drawn."""
    return Markup(svg(chart))


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
