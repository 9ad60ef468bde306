"""The recipe of banks against weight sets runs, and shows what the closed form says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from training.banks_thesis import main, measure


def test_recipe_writes_table_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--machines", "photonic_mrr", "--banks", "1", "2", "--steps", "2", "--samples", "6"]
    main(["--out", str(tmp_path), *words])
    rows = json.loads((tmp_path / "banks.json").read_text())
    assert [(row["banks"], row["weight_sets"]) for row in rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert (tmp_path / "banks.png").read_bytes().startswith(b"\x89PNG")
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_rewriting_costs_a_write_in_each_step_and_resident_sets_a_move() -> None:
    # In steady use every step begins with a change of bank, the first one too, which runs beside
    # T_encode. So a pass takes T_in + L_T (T_change + T_MM) + T_nonlinearity + T_out.
    steps = 3
    d = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet(weight_sets=2, steps=steps)).delays()
    edges = d.input_fs + steps * d.mm_fs + d.activate_fs + d.output_fs
    for banks, change in ((1, d.write_fs), (3, d.route_fs)):
        point = measure("photonic_mrr", banks, 3, steps=steps, samples=400)
        # The first of 400 samples finds its bank ready, and the encoder starts after
        # T_nonlinearity.
        expected = (edges + steps * change - d.activate_fs) * 1e-15
        assert point.latency_s == pytest.approx(expected, rel=0.01, abs=0)
        assert point.writes == (pytest.approx(3, rel=0.01, abs=0) if banks == 1 else 0)
