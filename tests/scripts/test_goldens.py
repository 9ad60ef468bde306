"""Times and counts of the shipped machines are those that the repository has recorded."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDENS = runpy.run_path(str(ROOT / "scripts" / "goldens.py"))
RECORDED = json.loads((ROOT / "tests" / "goldens" / "timing.json").read_text("utf-8"))
CASES = {"/".join(case): case for case in GOLDENS["timing_cases"]()}


def test_every_case_is_recorded() -> None:
    assert set(RECORDED) == set(CASES)
    assert any("refused" in entry for entry in RECORDED.values())


@pytest.mark.parametrize("name", sorted(CASES))
def test_times_and_counts_are_those_recorded(name: str) -> None:
    assert GOLDENS["timing_case"](*CASES[name]) == RECORDED[name]
