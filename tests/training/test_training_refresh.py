"""`training.refresh_interval`: old weights cost accuracy, and so do waits, by themselves."""

from __future__ import annotations

import csv

import pytest

from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from training.refresh_interval import CORNERS, corner, main, measure, timed

#: Two banks of 16 x 16 pairs of cells, one cell after the other, ten pulses of 200 ns and 100 pJ.
WRITE = 16 * 16 * 2 * 10 * 200e-9
WRITE_ENERGY = 16 * 16 * 2 * 10 * 100e-12


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("refresh")
    main(["--quick", "--seeds", "1", "--out", str(folder)])
    assert (folder / "refresh.png").read_bytes().startswith(b"\x89PNG")
    return list(csv.DictReader((folder / "refresh.csv").read_text().splitlines()))


def accuracy(row: dict[str, str], name: str) -> float:
    return float(row[f"{name} [%]"].split()[0])


@pytest.mark.long
def test_old_weights_and_waits_cost_accuracy(rows: list[dict[str, str]]) -> None:
    never, often, too_often = rows
    worst = "electrical, worst"
    assert accuracy(never, worst) < accuracy(often, worst) - 2
    # Nothing fades in less than 20 s, but a tenth of the samples meets a bank that is being
    # written.
    assert accuracy(too_often, worst) == accuracy(too_often, "shipped")
    assert accuracy(too_often, worst) < accuracy(often, worst) - 5
    assert float(often["p99 [s]"]) == float(never["p99 [s]"]) < 1e-6
    assert WRITE / 2 < float(too_often["p99 [s]"]) < 3 * WRITE


@pytest.mark.long
def test_refreshes_are_paid_for_in_energy_and_wear(rows: list[dict[str, str]]) -> None:
    never, often, _ = rows
    assert (never["of it refresh [J]"], never["cells last [days]"]) == ("0.0", "inf")
    # A hundred thousand programmings of ten pulses, a minute apart.
    assert float(often["cells last [days]"]) == pytest.approx(1e5 * 60 / 86400, rel=1e-12, abs=0)
    more = float(often["energy [J]"]) - float(never["energy [J]"])
    assert more == pytest.approx(float(often["of it refresh [J]"]), rel=1e-3, abs=0)


def test_timing_of_a_run_is_that_of_its_requests_and_refreshes() -> None:
    network = ReLaXNet(hidden=16, weight_sets=2, steps=3)
    timing = timed(network, 60.0, 20, quick=True)
    refreshed = len(timing.run.base.rows("refresh"))
    # A bank is due a minute after it was last written, from the first request on.
    assert refreshed == 2 * int(timing.run.makespan_fs * 1e-15 / 60.0)
    point = measure(timing, {}, [], None)
    assert point.refresh_energy == pytest.approx(refreshed * WRITE_ENERGY / 20, rel=1e-12, abs=0)


def test_corners_differ_in_values_alone() -> None:
    network = ReLaXNet(hidden=16, weight_sets=2, steps=3)
    chips = [Chip.nominal(corner(name, quick=True), network) for name in CORNERS]
    assert all(chip.delays() == chips[0].delays() for chip in chips)
    assert all(chip.prices() == chips[0].prices() for chip in chips)
