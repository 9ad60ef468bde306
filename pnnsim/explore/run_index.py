"""Index of what has been run: run folders and studies below a folder, with their figures.

Nothing is computed again and nothing is written. What cannot be read is listed with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pnnsim.common.files import FileError, open_regular
from pnnsim.common.json_text import FormatError, parse_json
from pnnsim.errors import InputError, PnnsimError
from pnnsim.explore.figures import figures_of
from pnnsim.explore.requirements import Requirement

#: Levels of folders that are looked into, and bytes of a metrics file.
_DEPTH, _MOST_BYTES = 4, 20_000_000

#: Levels of JSON in a metrics file.
_LEVELS = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """Run or study that was found.

    Args:
        path: Its folder.
        kind: `run` or `study`.
        when: When it was last written, UTC.
        machine: Name of the machine.
        task: Name of the task; of a study how its trials stand.
        figures: Figures of a run; of a study the best of each objective.
        problem: Why it cannot be read; empty where it can.
    """

    path: Path
    kind: str
    when: datetime
    machine: str = ""
    task: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


def index(folder: Path) -> list[Entry]:
    """Return every run and study below a folder, the newest first.

    Args:
        folder: Where to look.

    Raises:
        InputError: If it is no folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; expected one with runs in it")
    found = [_entry(path) for path in _folders(folder, _DEPTH)]
    return sorted(found, key=lambda entry: (entry.when, str(entry.path)), reverse=True)


def chosen(
    entries: list[Entry], *, where: Requirement | None, sort: str | None, most_first: bool = False
) -> list[Entry]:
    """Return the entries that meet a requirement, in an order.

    Args:
        entries: What was found.
        where: Requirement on figures; None for all.
        sort: Figure by which they are sorted, those without it last; None for when.
        most_first: Whether the largest comes first.
    """
    met = [entry for entry in entries if where is None or not where.broken(entry.figures)]
    if sort is None:
        return met
    having = [entry for entry in met if sort in entry.figures]
    having.sort(key=lambda entry: entry.figures[sort], reverse=most_first)
    return [*having, *(entry for entry in met if sort not in entry.figures)]


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folders of runs and studies; what is inside one is a part of it."""
    names = {entry.name for entry in os.scandir(folder)}
    if names & {"metrics.json", "study.yaml"}:
        yield folder
        return
    if depth == 0:
        return
    with os.scandir(folder) as entries:
        inner = [e.path for e in entries if e.is_dir(follow_symlinks=False)]
    for path in sorted(inner):
        if not Path(path).name.startswith("."):
            yield from _folders(Path(path), depth - 1)


def _entry(path: Path) -> Entry:
    file = path / "metrics.json"
    if os.path.lexists(file):
        return _run(path, file)
    return _study(path, path / "study.yaml")


def _run(path: Path, file: Path) -> Entry:
    when = _when(file)
    try:
        with open_regular(file, _MOST_BYTES) as (content, size):
            text = content.read(size).decode("utf-8")
        metrics: Any = parse_json(text, _LEVELS)
        figures = figures_of(metrics)
        machine, task = str(metrics["hardware"]), str(metrics["task"]["name"])
    except OSError as error:
        return Entry(path, "run", when, problem=f"metrics.json: {error.strerror or error}")
    except (FileError, UnicodeDecodeError, FormatError) as error:
        return Entry(path, "run", when, problem=f"metrics.json: {error}")
    except (KeyError, TypeError, AttributeError):
        return Entry(path, "run", when, problem="metrics.json is not that of a run")
    return Entry(path, "run", when, machine, task, figures)


def _study(path: Path, file: Path) -> Entry:
    from pnnsim.explore.study import Study

    when = _when(file)
    try:
        study = Study.open(path)
        if not study.spec.storage and not (path / "trials.sqlite").exists():
            return Entry(path, "study", when, study.spec.name, "not begun")
        counts = study.counts()
        best = study.front()
    except (PnnsimError, OSError) as error:
        return Entry(path, "study", when, problem=str(error).splitlines()[0])
    figures = {}
    for goal in study.spec.objectives:
        values = [record.outcome.figures[goal.key] for record in best]
        if values:
            figures[goal.key] = min(values, key=goal.loss)
    stands = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    newest = path / "trials.csv"
    return Entry(
        path, "study", _when(newest) if newest.exists() else when, study.spec.name, stands, figures
    )


def _when(file: Path) -> datetime:
    # Of a link itself: what it leads to may be gone.
    return datetime.fromtimestamp(file.lstat().st_mtime, UTC)
