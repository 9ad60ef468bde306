"""The command line of mutation testing."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import coverage_map
from .sample import changed_lines, library_files, stratified
from .table import keep, line_of, read, table
from .tree import CACHE, copy, digest
from .trial import attempts, check_copy


def main(arguments: Sequence[str], *, root: Path) -> int:
    """Draw mutants, try those without a result, and print the table.

    Args:
        arguments: Arguments of the command.
        root: Root of the tree.

    Returns:
        Exit status: 1 if a mutant survived or no test runs its line.
    """
    options = _parser().parse_args(arguments)
    if options.changed:
        files = changed_lines(root, options.changed)
    elif options.files:
        files = dict.fromkeys(_existing(root, options.files))
    else:
        files = dict.fromkeys(library_files(root, options.packages))
    drawn = stratified(root, files, count=options.count, seed=options.seed)
    if options.list:
        print("\n".join(f"{m.path}:{m.line}: {m.original!r} -> {m.mutated!r}" for m in drawn))
        return 0

    # The digest covers all that a result depends on: another tree or other tests start anew.
    name = digest(root, options.tests, options.select)
    stored = root / CACHE / f"map-{name}.json"
    results = root / CACHE / f"results-{name}.jsonl"
    with tempfile.TemporaryDirectory(prefix="pnnsim-mutate-") as workspace:
        covered = _map(root, Path(workspace), stored, options)
        done = read(results)
        waiting = [mutant for mutant in drawn if mutant not in done]
        if waiting:
            folders = [
                copy(root, Path(workspace) / f"copy{number}") for number in range(options.workers)
            ]
            start_s = check_copy(folders[0], covered)
            keep(results, done.values())
            with results.open("a", encoding="utf-8") as file:
                for trial in attempts(waiting, folders, covered, start_s=start_s):
                    file.write(line_of(trial) + "\n")
                    file.flush()
                    done[trial.mutant] = trial
                    where = f"{trial.mutant.path}:{trial.mutant.line}"
                    print(f"{trial.outcome:9} {where}", file=sys.stderr, flush=True)
    trials = [done[mutant] for mutant in drawn]
    print(table(trials), end="")
    return int(any(trial.outcome in ("survived", "no test") for trial in trials))


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="mutate", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--files", nargs="+", default=[], help="mutate these files")
    what.add_argument("--changed", metavar="BASE", help="mutate lines that differ from a commit")
    what.add_argument("--packages", nargs="+", default=[], help="packages (default: all)")
    parser.add_argument("--tests", nargs="+", default=[], help="folders of tests (default: all)")
    parser.add_argument(
        "--select", default="", metavar="EXPR", help="tests by marker: -m of pytest"
    )
    parser.add_argument("--count", type=int, default=60, help="number of mutants (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default: 1)")
    parser.add_argument("--workers", type=int, default=1, help="copies at a time (default: 1)")
    parser.add_argument("--list", action="store_true", help="print the sample, run nothing")
    return parser


def _existing(root: Path, files: Sequence[str]) -> list[str]:
    """Return some files of the tree relative to its root; stop at one that is not there."""
    for file in files:
        if not (root / file).is_file():
            raise SystemExit(f"mutate: no file {file} below {root}")
    return [(root / file).resolve().relative_to(root.resolve()).as_posix() for file in files]


def _map(
    root: Path, workspace: Path, stored: Path, options: argparse.Namespace
) -> coverage_map.CoverageMap:
    """Return the coverage map of a tree, recorded now unless it is stored."""
    if not stored.exists():
        print("mutate: running the tests with coverage", file=sys.stderr, flush=True)
        found = coverage_map.record(root, workspace, options.tests, options.select)
        coverage_map.write(found, stored)
    return coverage_map.read(stored)
