"""The recipe of tiles against banks runs, and shows what can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.tiles_thesis import main, measure


def test_recipe_writes_table_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--machines", "spintronic_mtj", "--banks", "1", "2", "16", "--blocks", "1"]
    main(["--out", str(tmp_path), *words])
    rows = (tmp_path / "tiles.csv").read_text().splitlines()
    # One bank and sixteen have one order of work, two banks have three.
    assert len(rows) == 1 + 2 + 3
    assert (tmp_path / "tiles.png").read_bytes().startswith(b"\x89PNG")
    assert "written ahead" in capsys.readouterr().out


@pytest.mark.parametrize("banks", [2, 4, 8])
def test_tile_by_tile_the_other_banks_keep_their_tiles(banks: int) -> None:
    # Sixteen tiles in turn, and K banks of which the one needed latest is overwritten: of the
    # fifteen tiles that come before one comes again, K - 1 are there. Twelve steps, 40 samples.
    point = measure("spintronic_mtj", banks, "tile by tile", 1)
    expected = 12 * 16 * (1 - (banks - 1) / 15)
    # The first sample finds K tiles that the set-up has written.
    assert point.writes == pytest.approx(expected, abs=16 / 40)


def test_half_as_many_banks_write_every_tile_in_every_step() -> None:
    point = measure("spintronic_mtj", 8, "side by side", 1)
    assert (point.folds, point.writes) == (2, pytest.approx(12 * 16 - 8 / 40, rel=1e-6, abs=0))
    # Eight tiles are written one after the other by one driver, and at once by eight.
    fast = measure("spintronic_mtj", 8, "side by side", 1, drivers=8)
    assert point.interval_s / fast.interval_s == pytest.approx(8, rel=0.1, abs=0)
