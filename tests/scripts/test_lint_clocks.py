"""Tests wait for events and read no clock: what depends on time fails on a busy computer."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = sorted(Path(__file__).parent.rglob("test_*.py"))


def clocks(text: str) -> list[int]:
    """Return the lines of a module that read the clock of the computer or wait for it."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names} & {"time", "timeit"}
        elif isinstance(node, ast.ImportFrom) and node.module in {"time", "timeit"}:
            names = {node.module}
        else:
            continue
        found += [node.lineno] * bool(names)
    return found


@pytest.mark.parametrize("line", ["import time", "from time import sleep", "import os, timeit"])
def test_a_module_that_reads_a_clock_is_found(line: str) -> None:
    assert clocks(f"import json\n{line}\n") == [2]


def test_no_test_reads_a_clock() -> None:
    assert {path.name: clocks(path.read_text(encoding="utf-8")) for path in TESTS} == {
        path.name: [] for path in TESTS
    }
