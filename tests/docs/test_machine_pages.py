"""Pages about shipped and published machines show the figures of today."""

from __future__ import annotations

from pathlib import Path

import pytest

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.report.format import engineering
from pnnsim.common.units import from_fs
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs

ROOT = Path(__file__).parents[2]
NETWORK = ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)
PAGES = [ROOT / "README.md", ROOT / "docs" / "reference" / "machine-bands.md"]


@pytest.mark.parametrize("name", sorted(available_specs()))
def test_pages_show_latency_and_energy_of_each_shipped_machine_as_it_is(name: str) -> None:
    timing = time_run(Chip.nominal(load_spec(name), NETWORK), 64)
    trace = timing.trace
    latency = from_fs(int(trace.result_fs[0] - trace.arrival_fs[0]))
    energy = EnergyLedger.from_trace(trace, timing.prices).total / trace.samples
    for page in PAGES:
        rows = [
            line
            for line in page.read_text("utf-8").splitlines()
            if line.startswith(f"| `{name}` |")
        ]
        shown = " ".join(rows)
        assert f"| {engineering(latency, 's')} |" in shown
        assert f"| {engineering(energy, 'J')} |" in shown
