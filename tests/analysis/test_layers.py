"""Figures by layer: by hand for drawings, and sums that are those of the whole run."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.layers import layers
from pnnsim.analysis.metrics import interval, latencies, utilization
from pnnsim.analysis.report.sections import sections
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.run import run_cores, run_fast
from pnnsim.timing.trace import ACTIONS
from tests.analysis.report_example import make_metrics, make_trace
from tests.timing.machines import machine
from tests.timing.workloads import NUMBERS, dense, job, jobs

PRICES = PriceTable(
    {
        ("front_end", "map_input"): 2.0, ("encoder", "encode"): 3.0, ("weight_banks", "mvm"): 5.0,
        ("weight_banks", "write"): 50.0, ("front_end", "compute"): 7.0,
    },
    {"environment": 1e15},
)  # fmt: skip


def figures(run, workload, prices=PRICES):
    """Return the entries of a run by name."""
    ledger = EnergyLedger.from_trace(run, prices)
    return {layer.pop("name"): layer for layer in layers(run, prices, ledger, workload)}


def test_two_layers_by_hand():
    # Alone on its bank, each of 2 matrices. In 3, convert 1, encode 2, T_MM 4, convert 2, then 3 of
    # digital work: the second is taken at 15, and its last number is scaled at 15 + 12.
    case = job(dense(4, 4, 3), delays=replace(NUMBERS, route_fs=1), banks=2, jobs_fs=(3, 3))
    found = figures(case.run(), case.workload)
    times = {name: layer["latency_s"] for name, layer in found.items()}
    assert times == {"w0": 12e-15, "w1": 12e-15, None: (3 + 4) * 1e-15}
    # 1 W of 1e15 for 31 fs; each layer encodes 4 lines, and computes 2 operations a number.
    expected = {"w0": 12 + 5 + 8 * 7 + 12, "w1": 12 + 5 + 6 * 7 + 12, None: 2 + 7}
    for name, energy in expected.items():
        assert found[name]["energy_j"] == pytest.approx(energy, rel=1e-12, abs=0)
    # Each bank multiplies for 1 of 31 fs.
    assert found["w0"]["utilization"] == found["w1"]["utilization"] == 1 / 62
    assert found[None]["utilization"] == 0


def test_weight_sets_of_a_relaxnet_are_layers():
    # The first drawing: T_in 4, encode 2, T_MM 4; the switch rests at 17; T_MM 4, f 2, out 3.
    case = machine(samples=1, steps=3)
    run = case.run()
    found = figures(run, case.network.workload)
    taken = run.start_fs[run.rows("encode")].tolist()
    last = int(run.end_fs[run.rows("activate")[-1]])
    assert found["weight.1"]["latency_s"] == (taken[2] - taken[1]) * 1e-15
    assert found["weight.0"]["latency_s"] == pytest.approx(
        (taken[1] - taken[0] + last - taken[2]) * 1e-15, rel=1e-14, abs=0
    )
    assert found[None]["latency_s"] == 7e-15


def test_writes_are_paid_by_the_layer_whose_weights_they_are():
    case = job(dense(4, 4, 3), banks=1, samples=2, jobs_fs=(0, 0))
    free = replace(PRICES, dynamic={("weight_banks", "write"): 50.0}, static_w={})
    found = figures(case.run(), case.workload, free)
    # Second matrix, first again, second again, for two samples.
    energies = {name: layer["energy_j"] for name, layer in found.items()}
    assert energies == {"w0": 25.0, "w1": 50.0, None: 0.0}


@given(
    jobs(samples=(1, 60), steps=3),
    st.booleans(),
    st.dictionaries(
        st.tuples(
            st.sampled_from(["front_end", "encoder", "weight_banks", "detector", "readout"]),
            st.sampled_from(ACTIONS),
        ),
        st.floats(1e-18, 1e-6),
    ),
)
@settings(max_examples=80, deadline=None)
def test_figures_of_layers_add_up_to_those_of_the_run(case, exact, dynamic):
    run = case.run() if exact else case.run_fast()
    prices = PriceTable(dynamic, {"environment": 3.0, "encoder": 5.0})
    ledger = EnergyLedger.from_trace(run, prices)
    found = layers(run, prices, ledger, case.workload)
    assert [layer["name"] for layer in found] == [*(m.name for m in case.workload.matrices), None]
    assert all(value >= 0 for layer in found for name, value in layer.items() if name != "name")

    def total(name):
        return math.fsum(layer[name] for layer in found)

    # Sums of some tens of floats.
    assert total("energy_j") == pytest.approx(ledger.total / run.samples, rel=1e-12, abs=1e-300)
    assert total("latency_s") == pytest.approx(latencies(run)["first"], rel=1e-12, abs=1e-300)
    banks = utilization(run, memory_capacity=1)["weight_banks"]
    assert total("utilization") == pytest.approx(banks, rel=1e-12, abs=1e-300)


def test_layers_of_several_cores_share_the_energy_of_all():
    case = machine(samples=9)
    control = case.control.model_copy(update={"cores": 2})
    run = run_cores(run_fast, replace(case.work, control=control), Arrivals(400))
    assert interval(run) > 0
    prices = replace(PRICES, cores=2)
    ledger = EnergyLedger.from_trace(run, prices)
    found = layers(run, prices, ledger, case.network.workload)
    total = math.fsum(layer["energy_j"] for layer in found)
    assert total == pytest.approx(ledger.total / 400, rel=1e-12, abs=0)


def layer(name, energy):
    return {"name": name, "latency_s": 1e-9, "energy_j": energy, "utilization": 0.5}


def test_summary_shows_layers_where_there_are_several():
    metrics = make_metrics(make_trace())
    metrics["layers"] = [layer("conv", 1e-9), layer("fc", 2e-9), layer(None, 3e-9)]
    section = next(s for s in sections(metrics) if s.title.startswith("Layers"))
    assert [row.label for row in section.rows] == ["conv", "fc", "outside layers"]
    metrics["layers"] = [layer("only", 1e-9), layer(None, 3e-9)]
    assert not [s for s in sections(metrics) if s.title.startswith("Layers")]


def test_summary_of_very_many_layers_shows_the_largest():
    metrics = make_metrics(make_trace())
    metrics["layers"] = [*(layer(f"m{n}", n * 1e-9) for n in range(20)), layer(None, 0.0)]
    section = next(s for s in sections(metrics) if s.title.startswith("Layers"))
    assert [row.label for row in section.rows] == [
        *(f"m{n}" for n in range(8, 20)),
        "outside layers",
    ]
    assert "8 smaller ones not shown" in section.title
