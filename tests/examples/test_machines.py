"""The machines of `examples/machines` are whole, sourced, and give what a run needs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pnnsim import Chip, ReLaXNet, load_spec, time_run

MACHINES = sorted((Path(__file__).parents[2] / "examples" / "machines").glob("*.yaml"))


@pytest.mark.parametrize("file", MACHINES, ids=lambda file: file.stem)
def test_a_machine_is_sourced_and_its_run_has_its_closed_form(file: Path) -> None:
    spec = load_spec(file)
    assert spec.name == file.stem
    assert spec.unsourced() == []
    assert [w for w in spec.warnings() if "is extrapolated" not in w] == []
    chip = Chip.nominal(spec, ReLaXNet(hidden=8, weight_sets=2, steps=3))
    assert chip.warnings() == ()
    assert math.isfinite(chip.unit_input)
    assert time_run(chip, 2).trace.makespan_fs > 0


def test_every_kind_that_no_shipped_machine_has_a_machine() -> None:
    kinds = {spec.weight_banks.kind for spec in map(load_spec, MACHINES)}
    assert kinds == {"streamed", "mram_column", "spin_diode"}
