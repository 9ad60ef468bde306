"""Check the trace of every machine that any test simulates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pnnsim import simulator
from pnnsim.cores import AnyTrace
from pnnsim.work import Work

#: Spans above which a check would take longer than the run.
MOST = 200_000


@pytest.fixture(autouse=True)
def every_run_keeps_the_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `time_run`, and all that is built on it, check what it gives; see `tests.machines`."""
    plain = simulator.run_cores

    def checked(run: Callable[..., Any], work: Work, *how: Any) -> AnyTrace:
        trace = plain(run, work, *how)
        if len(trace) <= MOST:
            trace.check(work)
        return trace

    monkeypatch.setattr(simulator, "run_cores", checked)
