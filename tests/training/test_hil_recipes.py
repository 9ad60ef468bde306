"""Every recipe with a machine in the loop runs at its quick size and writes what it says."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path

import pytest

#: Recipe with its words, its tables, and its pictures.
RECIPES = {
    "hil_physics_aware": ([], ["accuracy"], ["accuracy"]),
    "hil_physics_aware --choose": (["--choose"], ["choice"], []),
    "hil_rules": ([], ["costs", "rules"], ["rules"]),
    "hil_remote": ([], ["remote"], []),
    "hil_drift": (["--machine", "photonic_mrr"], ["drift"], ["drift"]),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long if name == "hil_rules" else ()) for name in RECIPES],
)
def test_a_quick_recipe_writes_tables_and_pictures(name: str, tmp_path: Path) -> None:
    words, tables, pictures = RECIPES[name]
    recipe = importlib.import_module(f"training.{name.split()[0]}")
    recipe.main(["--quick", "--out", str(tmp_path), *words])
    for table in tables:
        rows = list(csv.reader((tmp_path / f"{table}.csv").read_text().splitlines()))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}
    for picture in pictures:
        assert (tmp_path / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_costs_are_told_without_training(tmp_path: Path) -> None:
    importlib.import_module("training.hil_rules").main(
        ["--quick", "--dry-run", "--out", str(tmp_path)]
    )
    assert (tmp_path / "costs.csv").exists()
    assert not (tmp_path / "rules.csv").exists()
