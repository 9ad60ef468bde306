"""Map from each line of the code to the tests that run it, from one run of the tests with coverage.

A line that runs only while its module is imported (a constant, a default, a field of a class) is
run by no test alone: every test that runs anything of the module stands for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData

from .plugin import RECORD
from .tree import copy, pytest_run


@dataclass(frozen=True, slots=True)
class CoverageMap:
    """Which tests run which line, and how long each takes.

    Args:
        seconds: Duration of each test that passed, by its identity in pytest [s].
        lines: Tests by file, then by line number.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    def tests(self, path: str, first: int, last: int) -> set[str]:
        """Return the tests that run a line of a statement, or its module if none does.

        Args:
            path: File of the statement, relative to the root.
            first: First line of the statement.
            last: Last line of the statement.
        """
        of_file = self.lines.get(path, {})
        found = {test for line in range(first, last + 1) for test in of_file.get(line, ())}
        if not found and any(line in of_file for line in range(first, last + 1)):
            found = {test for tests in of_file.values() for test in tests}
        return found


def record(root: Path, workspace: Path, folders: Sequence[str], markers: str = "") -> CoverageMap:
    """Run tests once with coverage, in a copy of the tree, and return the map.

    Args:
        root: Root of the tree.
        workspace: Empty folder for the copy.
        folders: Folders or files of tests; empty for all.
        markers: Which of them by their markers, as `-m` of pytest; empty for all.
    """
    folder = copy(root, workspace / "coverage")
    data, log = workspace / "coverage.data", workspace / "tests.jsonl"
    arguments = ["--cov=pnnsim", "--cov-context=test", "--cov-report=", "-m", markers, *folders]
    environment = {"COVERAGE_FILE": str(data), RECORD: str(log)}
    status, output = pytest_run(folder, arguments, limit=None, extra=environment)
    if status not in (0, 1):
        raise SystemExit(f"mutate: the run with coverage failed (pytest: {status})\n{output}")
    return CoverageMap(*_read(folder, data, log))


def _read(
    folder: Path, data: Path, log: Path
) -> tuple[dict[str, float], dict[str, dict[int, list[str]]]]:
    """Return durations and lines of a run; a test that failed in any phase is left out."""
    seconds: dict[str, float] = {}
    failed = set()
    for line in log.read_text("utf-8").splitlines():
        test, took, outcome = json.loads(line)
        seconds[test] = seconds.get(test, 0.0) + took
        if outcome != "passed":
            failed.add(test)
    seconds = {test: took for test, took in seconds.items() if test not in failed}
    covered = CoverageData(basename=str(data))
    covered.read()
    lines = {}
    for file in covered.measured_files():
        by_line = covered.contexts_by_lineno(file)
        lines[Path(file).relative_to(folder).as_posix()] = {
            number: sorted({name.rpartition("|")[0] for name in names} & set(seconds))
            for number, names in by_line.items()
        }
    return seconds, lines


def write(found: CoverageMap, path: Path) -> None:
    """Write a map as JSON; each identity of a test stands in the file once.

    Args:
        found: The map.
        path: The file.
    """
    order = sorted(found.seconds)
    number = {test: index for index, test in enumerate(order)}
    lines = {
        file: {str(line): [number[test] for test in tests] for line, tests in by_line.items()}
        for file, by_line in found.lines.items()
    }
    text = json.dumps({"tests": [[test, found.seconds[test]] for test in order], "lines": lines})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def read(path: Path) -> CoverageMap:
    """Read a map that `write` wrote."""
    stored = json.loads(path.read_text("utf-8"))
    order = [test for test, _ in stored["tests"]]
    lines = {
        file: {int(line): [order[index] for index in tests] for line, tests in by_line.items()}
        for file, by_line in stored["lines"].items()
    }
    return CoverageMap(dict(stored["tests"]), lines)
