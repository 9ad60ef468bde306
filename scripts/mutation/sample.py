"""Seeded samples of mutants: over the packages of the library, over files, or over a change.

At most one mutant comes from one line as long as there are lines left, so that a line with many
constants does not weigh more than another.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from .operators import Mutant, is_a_fault, mutants

#: What is mutated.
LIBRARY = "pnnsim"

_HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")


def package_of(path: str) -> str:
    """Return the package that a file counts to: `physics` for all below `pnnsim/physics`."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else parts[0]


def library_files(root: Path, packages: Collection[str]) -> list[str]:
    """Return the files of some packages of the library, all where none is named.

    Args:
        root: Root of the tree.
        packages: Names of packages.
    """
    found = sorted(path.relative_to(root).as_posix() for path in (root / LIBRARY).rglob("*.py"))
    present = {package_of(path) for path in found}
    unknown = sorted(set(packages) - present)
    if unknown:
        expected = ", ".join(sorted(present))
        raise SystemExit(f"mutate: no package {', '.join(unknown)}; expected some of {expected}")
    return [path for path in found if not packages or package_of(path) in packages]


def changed_lines(root: Path, base: str) -> dict[str, set[int]]:
    """Return the lines of the library that differ from a commit, by file.

    Args:
        root: Root of the tree.
        base: Commit, as git names it; the tree is compared as it stands.
    """
    command = ["git", "diff", "--unified=0", "--no-color", "--no-ext-diff", base, "--", LIBRARY]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"mutate: no difference to {base!r}: {run.stderr.strip()}")
    found: dict[str, set[int]] = {}
    path = ""
    for line in run.stdout.splitlines():
        if line.startswith("+++ "):
            path = line[6:]
        elif (hunk := _HUNK.match(line)) and path.endswith(".py"):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            found.setdefault(path, set()).update(range(first, first + count))
    return found


def stratified(
    root: Path, files: Mapping[str, Collection[int] | None], *, count: int, seed: int
) -> list[Mutant]:
    """Draw mutants, the same number from each package as far as it has so many lines.

    Args:
        root: Root of the tree.
        files: Lines that may be mutated by file; None for all of a file.
        count: Number of mutants; fewer where there are no more.
        seed: The same seed draws the same mutants from the same tree.

    Returns:
        Mutants in the order of packages and files.
    """
    packages = sorted({package_of(path) for path in files})
    drawn: list[Mutant] = []
    queues = {
        package: _shuffled(
            root,
            {path: lines for path, lines in sorted(files.items()) if package_of(path) == package},
            random.Random(f"{seed}:{package}"),
        )
        for package in packages
    }
    while queues and len(drawn) < count:
        for package in list(queues):
            mutant = next(queues[package], None)
            if mutant is None:
                del queues[package]
            elif len(drawn) < count:
                drawn.append(mutant)
    return sorted(drawn, key=lambda each: (package_of(each.path), each.path, each.start))


def _shuffled(
    root: Path, files: Mapping[str, Collection[int] | None], generator: random.Random
) -> Iterator[Mutant]:
    """Yield the mutants of some files at random, one of each line before the second of any."""
    sources = {path: (root / path).read_text("utf-8") for path in files}
    by_line: dict[tuple[str, int], list[Mutant]] = {}
    for path, lines in files.items():
        for mutant in mutants(path, sources[path]):
            if lines is None or mutant.line in lines:
                by_line.setdefault((path, mutant.line), []).append(mutant)
    waiting = list(by_line.values())
    generator.shuffle(waiting)
    for same_line in waiting:
        generator.shuffle(same_line)
    while waiting:
        for same_line in waiting:
            while same_line:
                mutant = same_line.pop()
                if is_a_fault(mutant, sources[mutant.path]):
                    yield mutant
                    break
        waiting = [same_line for same_line in waiting if same_line]
