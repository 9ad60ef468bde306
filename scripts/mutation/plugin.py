"""pytest plugin of one run of tests: bounds on memory and life, and a record of what tests took.

Loaded by `-p mutation.plugin`. It changes no test: a run without the variables of the environment
is an ordinary one.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from pathlib import Path

import pytest

#: Bound of the address space of a run [byte]; a mutant may fill the memory in a loop.
MEMORY = "PNNSIM_MUTATE_MEMORY"

#: File that takes one JSON line for each phase of each test.
RECORD = "PNNSIM_MUTATE_RECORD"

#: Number of a pipe's open end; the run ends when the process with the other end is gone.
LIFELINE = "PNNSIM_MUTATE_LIFELINE"


def _end_with_the_other_side(lifeline: int) -> None:
    """Wait until the other end of a pipe is closed, and kill this run and what it has started."""
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if os.environ.get(LIFELINE):
    # Not inherited by what the tests start, which may outlive neither this run nor its group.
    _lifeline = int(os.environ.pop(LIFELINE))
    os.set_inheritable(_lifeline, False)
    threading.Thread(target=_end_with_the_other_side, args=(_lifeline,), daemon=True).start()

if os.environ.get(MEMORY):
    _bound = int(os.environ[MEMORY])
    resource.setrlimit(resource.RLIMIT_AS, (_bound, _bound))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Append what one phase of a test took, and whether it passed, to the record."""
    if os.environ.get(RECORD):
        line = json.dumps([report.nodeid, report.duration, report.outcome])
        with Path(os.environ[RECORD]).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
