"""Results of trials as text: JSON lines to go on from, and a table for a reader."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from .operators import Mutant
from .sample import package_of
from .trial import Trial

_OUTCOMES = ("killed", "timeout", "survived", "no test")


def line_of(trial: Trial) -> str:
    """Return a trial as one line of JSON."""
    return json.dumps(asdict(trial))


def read(path: Path) -> dict[Mutant, Trial]:
    """Return the trials in a file of JSON lines; a last line that was cut off is left out."""
    found = {}
    text = path.read_text("utf-8") if path.exists() else ""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            stored = json.loads(line)
            mutant = Mutant(**stored["mutant"])
            found[mutant] = Trial(mutant, stored["outcome"], stored["tests"], stored["covering"])
    return found


def keep(path: Path, trials: Iterable[Trial]) -> None:
    """Write trials as a file of JSON lines, to which others can be appended.

    Args:
        path: The file; it is replaced at once, never left half.
        trials: The trials.
    """
    partial = path.with_suffix(".partial")
    partial.write_text("".join(line_of(trial) + "\n" for trial in trials), encoding="utf-8")
    partial.replace(path)


def table(trials: Sequence[Trial]) -> str:
    """Return the outcomes by package, then each mutant that no test saw.

    The score is the share of killed mutants and timeouts among those that some test runs.
    """
    packages = sorted({package_of(trial.mutant.path) for trial in trials})
    lines = [f"{'package':12}" + "".join(f"{name:>10}" for name in (*_OUTCOMES, "score"))]
    for package in packages:
        counts = Counter(
            trial.outcome for trial in trials if package_of(trial.mutant.path) == package
        )
        lines.append(_row(package, counts))
    lines.append(_row("all", Counter(trial.outcome for trial in trials)))
    for outcome in ("survived", "no test"):
        found = [trial for trial in trials if trial.outcome == outcome]
        if found:
            lines += ["", f"{outcome} ({len(found)})"]
            lines += [_survivor(trial) for trial in found]
    return "\n".join(lines) + "\n"


def _row(name: str, counts: Counter[str]) -> str:
    """Return one row of the table."""
    tested = counts["killed"] + counts["timeout"] + counts["survived"]
    score = f"{(tested - counts['survived']) / tested:.0%}" if tested else "-"
    return f"{name:12}" + "".join(f"{counts[each]:>10}" for each in _OUTCOMES) + f"{score:>10}"


def _survivor(trial: Trial) -> str:
    """Return where a mutant is, what stood there and what stands there now."""
    mutant = trial.mutant
    before, after = (" ".join(text.split()) for text in (mutant.original, mutant.mutated))
    where = f"{mutant.path}:{mutant.line}"
    tests = f"{trial.tests} of {trial.covering} tests"
    return f"  {where}  {mutant.operator}, {tests}\n    - {before}\n    + {after}"
