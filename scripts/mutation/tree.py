"""Copies of the tree in which tests are run, and the run itself.

The tree that is copied is never written to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .plugin import LIFELINE, MEMORY, RECORD

#: Folder with the results and the coverage map of a tree, which git ignores.
CACHE = ".mutate"

#: What decides what a mutant does, beside the tests.
DECIDING = ("pnnsim", "hardware_specs", "pyproject.toml")

#: Address space that a run of tests may take [byte]; torch alone maps about 6 GiB.
ADDRESS_SPACE = 24 * 2**30

#: Exit status of a run that was ended at its time limit, as of `timeout`.
TIMED_OUT = 124


def files(root: Path) -> list[str]:
    """Return the files of a tree that git tracks or would track, relative to its root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted({name for name in listed.split("\0") if name and (root / name).is_file()})


def digest(root: Path, tests: Sequence[str], markers: str = "") -> str:
    """Return 16 digits that change with the code, the machines and the tests of a tree.

    Args:
        root: Root of the tree.
        tests: Folders or files of tests; empty for all.
        markers: Which of them by their markers; empty for all.
    """
    deciding = [(root / name).resolve() for name in (*DECIDING, *(tests or ["tests"]))]
    total = hashlib.sha256("\0".join([*sorted(tests), markers]).encode())
    for name in files(root):
        path = (root / name).resolve()
        if any(path.is_relative_to(each) for each in deciding):
            total.update(f"{name}\0".encode())
            total.update(hashlib.sha256((root / name).read_bytes()).digest())
    return total.hexdigest()[:16]


def copy(root: Path, folder: Path) -> Path:
    """Copy a tree and compile it once.

    Args:
        root: Root of the tree.
        folder: Folder of the copy, which does not exist.

    Returns:
        `folder`. Its compiled modules are checked against the contents of their source, not its
        time: two mutants of one length may be written within one second.
    """
    for name in files(root):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    compiler = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
    subprocess.run([*compiler, "pnnsim"], cwd=folder, check=True)
    return folder


def pytest_run(
    folder: Path, arguments: Sequence[str], *, limit: float | None, extra: Mapping[str, str]
) -> tuple[int, str]:
    """Run pytest in a copy and return its exit status and its output.

    Args:
        folder: Root of the copy, which stands before the installed package.
        arguments: Arguments of pytest.
        limit: Time after which the run and all that it started are ended [s]; None for no limit.
        extra: Variables added to the environment.
    """
    shutil.rmtree(folder / ".hypothesis", ignore_errors=True)  # no example of an earlier mutant
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    inherited = {name: value for name, value in os.environ.items() if name != RECORD}
    environment = {
        **inherited,
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        MEMORY: str(ADDRESS_SPACE),
        **extra,
    }
    fixed = ["-q", "-p", "mutation.plugin", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    # The run watches one end: however this process ends, the kernel closes the other.
    theirs, ours = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *fixed, *arguments],
            cwd=folder,
            env={**environment, LIFELINE: str(theirs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=(theirs,),
        )
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return TIMED_OUT, output
        return process.returncode, output
    finally:
        os.close(theirs)
        os.close(ours)
