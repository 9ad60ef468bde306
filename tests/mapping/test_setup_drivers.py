"""Write drivers beyond the banks save nothing more, and are no reason to refuse a machine."""

from __future__ import annotations

import pytest

from pnnsim.analysis.metrics import setup
from pnnsim.inference.chip import Chip
from pnnsim.mapping.tiling import map_network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec


@pytest.mark.parametrize("tiles", [1, 4])
@pytest.mark.parametrize("banks", [2, 3])
def test_filling_the_banks_takes_at_least_one_write(tiles: int, banks: int) -> None:
    width = {1: 4, 4: 8}[tiles]
    mapping = map_network(hidden=width, weight_sets=banks, count=banks * tiles, rows=4, cols=4)
    assert (mapping.tiles, mapping.used) == (tiles, banks)
    for drivers in range(1, 4 * banks * tiles):
        groups = max(1, drivers // tiles)  # whole matrices side by side
        turns = sum(1 for _ in range(0, banks, groups))
        each = sum(1 for _ in range(0, tiles, drivers))
        found = setup(mapping, write_time=3.0, write_energy=5.0, write_drivers=drivers)
        assert (found.count, found.energy_j) == (banks, 5.0 * banks)
        assert found.time_s == 3.0 * turns * each


def test_a_machine_with_more_drivers_than_banks_is_refreshed() -> None:
    changes = [("control.write_drivers", "7"), ("control.refresh_interval", "10 ms")]
    spec = load_spec("photonic_mrr", changes)
    chip = Chip.nominal(spec, ReLaXNet(weight_sets=2, steps=2))
    assert len(time_run(chip, 3).trace.rows("write")) == 0
