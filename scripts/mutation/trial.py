"""Trials of mutants: each against the tests that run its line, in a copy of the tree.

A mutant meets at most `MOST_TESTS` tests that took at most `MOST_SECONDS` together (one test at
least, whatever it takes). They come from as many files of tests as possible, those of the folder
named as the package first and the quickest of each file first, and run in the order of their
durations until one fails.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .coverage_map import CoverageMap
from .operators import Mutant
from .sample import package_of
from .tree import TIMED_OUT, pytest_run

Outcome = Literal["killed", "timeout", "survived", "no test"]

#: Most tests for one mutant.
MOST_TESTS = 400

#: Most seconds that these tests took together when they were recorded [s].
MOST_SECONDS = 40.0

#: A run may take this many times what a run without a fault took: the computer may be busy.
SLOWER = 10.0

#: Exit status of pytest where tests were not found: the mutant stopped the import of their module,
#: or changed the names of their parameters.
_NOT_FOUND = (4, 5)


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one mutant.

    Args:
        mutant: The mutant.
        outcome: `killed` by a failing test, `timeout`, `survived`, or `no test` runs its line.
        tests: Number of tests that it met.
        covering: Number of tests that run its line, of which those are the first.
    """

    mutant: Mutant
    outcome: Outcome
    tests: int
    covering: int


def covering_tests(mutant: Mutant, covered: CoverageMap) -> list[str]:
    """Return the tests that a mutant meets, the quickest first.

    Args:
        mutant: The mutant.
        covered: Which tests run which line.
    """
    by_file: dict[str, list[str]] = {}
    for test in covered.tests(mutant.path, mutant.first, mutant.last):
        by_file.setdefault(test.partition("::")[0], []).append(test)
    own = f"tests/{package_of(mutant.path)}/"
    ranked = []
    for file, tests in by_file.items():
        tests.sort(key=lambda test: (covered.seconds[test], test))
        far = not file.startswith(own)
        ranked += [(rank, far, covered.seconds[test], test) for rank, test in enumerate(tests)]
    chosen: list[str] = []
    total = 0.0
    for _, _, seconds, test in sorted(ranked):
        if chosen and (len(chosen) == MOST_TESTS or total + seconds > MOST_SECONDS):
            continue
        chosen.append(test)
        total += seconds
    return sorted(chosen[:MOST_TESTS], key=lambda test: (covered.seconds[test], test))


def attempt(mutant: Mutant, folder: Path, covered: CoverageMap, *, start_s: float) -> Trial:
    """Run the tests of one mutant in a copy and restore the copy.

    Args:
        mutant: The mutant.
        folder: Root of the copy.
        covered: Which tests run which line.
        start_s: Duration of a run without a fault, of tests that take no time [s].
    """
    tests = covering_tests(mutant, covered)
    if not tests:
        return Trial(mutant, "no test", 0, 0)
    limit = SLOWER * (start_s + sum(covered.seconds[test] for test in tests))
    target = folder / mutant.path
    source = target.read_text("utf-8")
    target.write_text(mutant.apply(source), encoding="utf-8")
    try:
        status, _ = pytest_run(folder, ["-x", *tests], limit=limit, extra={})
        if status in _NOT_FOUND:
            files = sorted({test.partition("::")[0] for test in tests})
            status, _ = pytest_run(folder, ["-x", *files], limit=limit, extra={})
    finally:
        target.write_text(source, encoding="utf-8")
    outcome: Outcome = "killed"
    if status == 0:
        outcome = "survived"
    elif status == TIMED_OUT:
        outcome = "timeout"
    covering = covered.tests(mutant.path, mutant.first, mutant.last)
    return Trial(mutant, outcome, len(tests), len(covering))


def check_copy(folder: Path, covered: CoverageMap) -> float:
    """Run the quickest tests in a copy without a fault, and stop unless they pass.

    Args:
        folder: Root of the copy.
        covered: Which tests run which line.

    Returns:
        Duration of the run [s], most of it start and imports.
    """
    begin = time.monotonic()
    quickest = sorted(covered.seconds, key=lambda test: (covered.seconds[test], test))[:20]
    status, output = pytest_run(folder, ["-x", *quickest], limit=None, extra={})
    if status:
        raise SystemExit(f"mutate: tests fail without a fault (pytest: {status})\n{output}")
    return time.monotonic() - begin


def attempts(
    mutants: Iterable[Mutant], folders: list[Path], covered: CoverageMap, *, start_s: float
) -> Iterator[Trial]:
    """Yield trials as they end, one at a time in each copy.

    Args:
        mutants: The mutants.
        folders: Roots of the copies.
        covered: Which tests run which line.
        start_s: Duration of a run without a fault, of tests that take no time [s].
    """
    free: queue.Queue[Path] = queue.Queue()
    for folder in folders:
        free.put(folder)

    def run(mutant: Mutant) -> Trial:
        folder = free.get()
        try:
            return attempt(mutant, folder, covered, start_s=start_s)
        finally:
            free.put(folder)

    with ThreadPoolExecutor(len(folders)) as pool:
        waiting = [pool.submit(run, mutant) for mutant in mutants]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            for each in waiting:
                each.cancel()
