"""Small studies and how they are run, for the tests of this folder."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Timing alone: 2 banks x 3 rise times, in milliseconds each.
TIMING: dict[str, Any] = {
    "schema": 1,
    "base": "photonic_mrr",
    "set": {"simulation.samples": "8"},
    "vary": {"weight_banks.count": ["2", "3"], "switch.rise_time": ["1 ns", "2 ns", "4 ns"]},
    "objectives": [{"minimize": "latency_s.first"}, {"minimize": "energy_j.per_inference"}],
}

#: A short training each, of two that differ in what training sees.
TRAINED: dict[str, Any] = {
    "schema": 1,
    "base": "photonic_mrr",
    "set": {
        "training.epochs": "1",
        "training.examples": "64",
        "simulation.samples": "20",
        "simulation.chips": "2",
    },
    "vary": {"weight_banks.bits": ["4", "8"], "switch.rise_time": ["1 ns", "2 ns"]},
    "objectives": [{"maximize": "accuracy.hardware_mean"}],
}


def command(*words: str | Path) -> subprocess.Popen[str]:
    """Start `pnnsim` in a process group of its own."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "pnnsim", *map(str, words)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait until something holds, and fail where it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.05)


def ended(out: Path) -> int:
    """Return how many trials of a study in a folder are done, which may not have begun."""
    if not (out / "trials.sqlite").exists():
        return 0
    connection = sqlite3.connect(out / "trials.sqlite")
    try:
        query = "SELECT COUNT(*) FROM pnnsim_trial WHERE state = 'done'"
        return int(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # before the tables are made
        return 0
    finally:
        connection.close()
