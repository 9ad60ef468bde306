"""`python -m training.effects` changes one effect of a machine at a time."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pnnsim import available_specs, load_spec
from training.effects import EFFECTS, SHIPPED, Row, cells, main


def test_every_machine_has_effects_that_its_description_takes() -> None:
    assert set(EFFECTS) == set(available_specs())
    for machine, effects in EFFECTS.items():
        shipped = load_spec(machine)
        hashes = {load_spec(machine, settings).sha256() for settings in effects.values()}
        assert len(hashes) == len(effects)
        assert shipped.sha256() not in hashes


def test_figures_are_written_in_their_units() -> None:
    row = Row("m", SHIPPED, (0.95, 0.01), 1.5e-7, 2e-9, 3e-6, 0.25)
    assert cells([row]) == [("m", SHIPPED, "95.00", "1.00", "150", "2", "3000", "250")]


@pytest.mark.long
def test_the_recipe_runs_at_a_tiny_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["photonic_mzi", "--quick", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    with (tmp_path / "effects.csv").open(encoding="utf-8") as file:
        rows = {row["change"]: row for row in csv.DictReader(file)}
    assert list(rows) == [SHIPPED, *EFFECTS["photonic_mzi"]]
    assert (tmp_path / "effects.txt").read_text("utf-8") in printed
    # What holds the phases is paid for; what they do costs no time.
    assert float(rows["no lock"]["power mW"]) < float(rows[SHIPPED]["power mW"]) - 1900.0
    assert len({row["latency ns"] for row in rows.values()}) == 1
