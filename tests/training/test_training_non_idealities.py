"""`python -m training.non_idealities` studies each non-ideality alone and all together."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from training.non_idealities import ALL, NONE, Row, as_text, main, write


@pytest.mark.slow
def test_the_recipe_runs_at_a_tiny_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["photonic_mrr", "--quick", "--out", str(tmp_path / "study")])
    printed = capsys.readouterr().out
    with (tmp_path / "study" / "non-idealities.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet()).non_idealities
    names = [row["non_ideality"] for row in rows]
    assert (names[0], names[-1]) == (NONE, ALL)
    assert set(names[1:-1]) == known
    assert all(0.0 <= float(row["accuracy_mean"]) <= 1.0 for row in rows)
    assert {row["samples"] for row in rows} == {"20"}
    assert (tmp_path / "study" / "non-idealities.txt").read_text("utf-8") in printed
    assert (tmp_path / "study" / "non-idealities.png").read_bytes()[:4] == b"\x89PNG"


def test_losses_are_counted_from_the_ideal_machine(tmp_path: Path) -> None:
    rows = [
        Row("a", NONE, 0.95, 0.0, 2, 10),
        Row("a", "detector.noise", 0.90, 0.01, 2, 10),
        Row("a", ALL, 0.50, 0.02, 2, 10),
        Row("b", NONE, 0.80, 0.0, 2, 10),
        Row("b", ALL, 0.85, 0.0, 2, 10),
    ]
    lines = as_text(rows).splitlines()
    assert [line.split()[-1] for line in lines] == [
        "loss",
        "0.00",
        "5.00",
        "45.00",
        "0.00",
        "-5.00",
    ]
    assert "90.00 ± 1.00" in lines[2]
    assert write(rows, tmp_path) == as_text(rows)
