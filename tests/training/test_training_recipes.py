"""Every recipe runs at its quick size, writes its table and figure, and goes on where it was."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path

import pytest

from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from training import relaxnet_budget, relaxnet_svhn
from training.common import Cells, ideal_machine
from training.figures import spread, write_table
from training.relaxnet_budget import width_of_budget

#: Recipe, its tables, and its pictures.
RECIPES = {
    "relaxnet_svhn": (["sweep", "grid", "machines"], ["sweep", "grid"]),
    "relaxnet_budget": (["budget", "machines"], ["budget"]),
    "relaxnet_shakespeare": (["loss"], ["loss"]),
    "lrunet_machines": (["machines"], ["machines"]),
    "lrunet_images": (["sweep", "reuse", "machines"], ["sweep"]),
}


#: Recipes whose quick form takes many seconds.
LONG = ("lrunet_images", "lrunet_machines", "relaxnet_budget")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in LONG else ()) for name in RECIPES]
)
def test_a_quick_recipe_writes_tables_and_pictures(name: str, tmp_path: Path) -> None:
    recipe = importlib.import_module(f"training.{name}")
    recipe.main(["--quick", "--seeds", "1", "--out", str(tmp_path)])
    tables, pictures = RECIPES[name]
    for table in tables:
        rows = list(csv.reader((tmp_path / f"{table}.csv").read_text().splitlines()))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}
        assert len((tmp_path / f"{table}.txt").read_text().splitlines()) == len(rows) + 1
    for picture in pictures:
        assert (tmp_path / f"{picture}.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "note.txt").read_text().strip()


def test_settings_are_compared_without_the_test_part(tmp_path: Path) -> None:
    relaxnet_svhn.main(["--quick", "--choose", "--out", str(tmp_path)])
    rows = list(csv.DictReader((tmp_path / "choice.csv").read_text().splitlines()))
    errors = [float(row["validation error [%]"]) for row in rows]
    assert errors == sorted(errors)
    assert {row["settings"] for row in rows} <= set(relaxnet_svhn.CANDIDATES)
    assert relaxnet_svhn.CHOSEN in relaxnet_svhn.CANDIDATES


def test_cells_are_computed_once(tmp_path: Path) -> None:
    calls = []

    def compute() -> dict[str, float]:
        calls.append(1)
        return {"error": 0.5}

    assert Cells(tmp_path).get("a", compute) == {"error": 0.5}
    assert Cells(tmp_path).get("a", compute) == {"error": 0.5}
    assert len(calls) == 1


def test_widths_spend_a_budget_and_not_more() -> None:
    """Widths for 49,920 hidden parameters, by hand from N^2 + N."""
    found = [width_of_budget(49920, sets) for sets in (1, 2, 3, 4, 6, 8, 12)]
    assert found == [222, 157, 128, 111, 90, 78, 64]
    for sets in range(1, 13):
        width = width_of_budget(5000, sets)
        assert sets * (width**2 + width) <= 5000 < sets * ((width + 1) ** 2 + width + 1)


def test_the_ideal_machine_holds_every_network_of_the_budgets() -> None:
    for budget in relaxnet_budget.BUDGETS:
        for sets in relaxnet_budget.WEIGHT_SETS:
            network = ReLaXNet(hidden=width_of_budget(budget, sets), weight_sets=sets, steps=12)
            assert Chip.nominal(ideal_machine(network), network).mapping.resident


def test_mean_and_deviation_are_those_of_a_sample(tmp_path: Path) -> None:
    assert spread([1.0, 3.0]) == (2.0, 2.0**0.5)
    assert spread([4.0]) == (4.0, 0.0)
    assert write_table(tmp_path, "t", ("a", "bb"), [(1, 0.25), (20, "")]).splitlines() == [
        " a    bb", "--  ----", " 1  0.25", "20      ",
    ]  # fmt: skip


def test_the_ideal_machine_has_relu() -> None:
    machine = ideal_machine(ReLaXNet())
    assert getattr(machine.nonlinearity, "function") == "relu"  # noqa: B009
