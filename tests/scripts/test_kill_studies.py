"""Random kills of workers and drivers lose no trial and count none twice."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_studies.py"


@pytest.mark.long
def test_kills_lose_no_trial_and_count_none_twice(tmp_path: Path) -> None:
    script = runpy.run_path(str(SCRIPT))
    killed = script["disturb"](tmp_path / "studies", kills=4, trials=150)
    assert killed.total() >= 1
