"""The recipe of pipelining gives what the options are for, and says where they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.pipelining import main, measure


def test_blocks_in_flight_fill_the_loop_and_what_cannot_be_is_refused() -> None:
    alone = measure("digital_reference", 1, "one by one")
    filled = measure("digital_reference", 1, "8 in flight")
    assert filled.interval_s == pytest.approx(alone.interval_s / 8, rel=0.01, abs=0.0)
    assert filled.energy_j < alone.energy_j
    assert "memory" in measure("fiber_loop", 1, "8 in flight", samples=20).refused


def test_the_quick_recipe_writes_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("photonic_mrr") == 8
    assert (tmp_path / "pipelining.csv").is_file()
