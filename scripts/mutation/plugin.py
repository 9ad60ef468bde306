"""pytest plugin of one run of tests: a bound on memory, and a record of what each test took.

Loaded by `-p mutation.plugin`. It changes no test: a run without the two variables of the
environment is an ordinary one.
"""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest

#: Bound of the address space of a run [byte]; a mutant may fill the memory in a loop.
MEMORY = "PNNSIM_MUTATE_MEMORY"

#: File that takes one JSON line for each phase of each test.
RECORD = "PNNSIM_MUTATE_RECORD"

if os.environ.get(MEMORY):
    _bound = int(os.environ[MEMORY])
    resource.setrlimit(resource.RLIMIT_AS, (_bound, _bound))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Append what one phase of a test took, and whether it passed, to the record."""
    if os.environ.get(RECORD):
        line = json.dumps([report.nodeid, report.duration, report.outcome])
        with Path(os.environ[RECORD]).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
