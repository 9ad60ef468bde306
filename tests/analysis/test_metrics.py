from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from pnnsim.analysis.critical_path import critical_path
from pnnsim.analysis.metrics import (
    interval,
    latencies,
    metrics_from,
    setup,
    utilization,
)
from pnnsim.common.cost import Cost
from pnnsim.errors import ScheduleError
from pnnsim.mapping.delays import Stage
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.tiling import map_network
from pnnsim.timing.arrivals import Arrivals, periodic
from tests.timing.machines import machine, machines

PRICES = PriceTable(
    {("weight_banks", "mvm"): 2e-15, ("readout", "convert"): 5e-15}, {"environment": 1.0}
)

GATED = PriceTable(
    PRICES.dynamic, {"encoder": 0.5, "front_end": 0.25, "environment": 1.0},
    frozenset({"encoder", "front_end"}),
)  # fmt: skip


def figures(case, prices=PRICES):
    return metrics_from(
        case.run(),
        prices,
        network=case.network,
        memory_capacity=case.memory_capacity,
        closed_form_fs=case.closed_form_fs(),
    )


def with_latencies(*values):
    """Return a trace of samples that arrive at once and take the given times [fs]."""
    trace = machine(samples=len(values)).run()
    return replace(
        trace,
        arrival_fs=np.zeros(len(values), dtype=np.int64),
        result_fs=np.array(values, dtype=np.int64),
    )


def test_percentile_is_the_nearest_rank():
    # Of 1 … 20 fs at least half the samples do not exceed 10, 95 % do not exceed 19.
    trace = with_latencies(*range(1, 21))
    found = latencies(trace)
    assert found["p50"] == 10e-15
    assert found["p95"] == 19e-15
    assert found["p99"] == 20e-15
    assert found["mean"] == pytest.approx(10.5e-15, rel=1e-15, abs=0)
    assert (found["first"], found["max"]) == (1e-15, 20e-15)


@pytest.mark.parametrize("samples", [1, 2, 3, 99, 100, 101])
def test_percentile_obeys_its_definition(samples):
    values = np.random.default_rng(samples).permutation(samples) + 7
    found = latencies(with_latencies(*values.tolist()))
    for q in (50, 95, 99):
        least = min(v for v in values if np.mean(values <= v) >= q / 100)
        # Division by 1e15 is correctly rounded.
        assert found[f"p{q}"] == least / 1e15


def test_mean_latency_of_a_long_run_does_not_overflow():
    # Each of these fits in 64 bits, their sum does not.
    found = latencies(with_latencies(*[9 * 10**18] * 3))
    assert found["mean"] == 9000.0


def test_interval_is_the_mean_time_between_results():
    assert interval(with_latencies(10, 20, 50)) == 20e-15
    assert interval(with_latencies(10)) == 10e-15


def test_results_that_come_all_at_once_are_refused():
    with pytest.raises(ScheduleError, match="got 3 results in 0 fs; expected a machine that takes"):
        interval(with_latencies(5, 5, 5))


def test_utilization_of_the_first_drawing():
    # Two samples, makespan 48 fs; busy times read from the drawing.
    used = utilization(machine(samples=2).run(), memory_capacity=1)
    assert used == {
        "detector": 8 / 48,
        "encoder": 20 / 48,
        "front_end": 8 / 48,
        "memory": 2 / 48,
        "nonlinearity": 8 / 48,
        "readout": 6 / 48,
        "switch": 21 / 48,
        # One femtosecond in each of two banks and two samples; light on its way does not count.
        "weight_banks": 4 / (2 * 48),
    }


def test_utilization_of_the_memory_is_shared_by_its_states():
    trace = machine(samples=4, block=2).run()
    two = utilization(trace, memory_capacity=2)["memory"]
    assert utilization(trace, memory_capacity=8)["memory"] == pytest.approx(
        two / 4, rel=1e-15, abs=0
    )


@given(machines())
@settings(max_examples=100, deadline=None)
def test_no_part_is_busier_than_it_can_be(case):
    used = utilization(case.run(), memory_capacity=case.memory_capacity)
    assert all(0 <= share <= 1 for share in used.values())


def test_critical_path_of_the_first_drawing():
    # 26 fs: input 4, encode 2, T_MM 4 twice, the move 7 that hides T_state, nonlinearity 2, out 3.
    path = critical_path(machine(samples=2).run())
    shares = {(part["component"], part["action"]): part["share"] for part in path}
    assert shares == {
        ("front_end", "map_input"): 4 / 26,
        ("encoder", "encode"): 2 / 26,
        ("weight_banks", "propagate"): 2 / 26,
        ("weight_banks", "mvm"): 2 / 26,
        ("detector", "detect"): 4 / 26,
        ("switch", "route"): 7 / 26,
        ("nonlinearity", "activate"): 2 / 26,
        ("readout", "convert"): 3 / 26,
    }
    assert [part["share"] for part in path] == sorted(shares.values(), reverse=True)


def test_state_is_critical_where_the_switch_is_fast():
    path = critical_path(machine(route_fs=1).run())
    shares = {(part["component"], part["action"]): part["share"] for part in path}
    assert ("switch", "route") not in shares
    assert shares["memory", "hold"] == 1 / 24


def test_wait_for_the_nonlinearity_is_named():
    # Two samples of two steps, f takes 9 and state 1, all inputs and encodings 1. By hand,
    # departures are 2 and 11 (sample 1 would find f busy until 15), then 20 and 29. Capture is 4
    # later. The result of sample 0 comes at 20 + 4 + 9 + 3 = 36. Back from there:
    #   out 3, f 9, T_MM 4, wait 6 since the drive 11-14 of sample 1, which took 3, and its
    # departure   waited 6 since the drive 2-5 of sample 0; that took 3; encode 1, input 1.
    case = machine(
        sets=1,
        banks=1,
        block=2,
        samples=2,
        activate_fs=9,
        input=(Stage("front_end", "map_input", 1),),
        encode=(Stage("encoder", "encode", 1),),
    )
    trace = case.run()
    assert trace.start_fs[trace.rows("propagate")].tolist() == [2, 11, 20, 29]
    shares = {(part["component"], part["action"]): part["share"] for part in critical_path(trace)}
    assert shares == {
        ("nonlinearity", "wait"): 12 / 36,
        ("nonlinearity", "activate"): 9 / 36,
        ("encoder", "hold_symbol"): 6 / 36,
        ("readout", "convert"): 3 / 36,
        ("detector", "detect"): 2 / 36,
        ("weight_banks", "propagate"): 1 / 36,
        ("weight_banks", "mvm"): 1 / 36,
        ("encoder", "encode"): 1 / 36,
        ("front_end", "map_input"): 1 / 36,
    }


@given(machines())
@settings(max_examples=100, deadline=None)
def test_shares_of_the_critical_path_add_up_to_the_latency(case):
    trace = case.run()
    total = math.fsum(part["share"] for part in critical_path(trace))
    # As many terms as kinds of span, each rounded once.
    assert total == pytest.approx(1.0, rel=1e-14, abs=0)


def test_keys_are_those_of_the_metrics_file():
    found = figures(machine(samples=3))
    assert set(found) == {
        "samples", "latency_s", "queue", "refresh", "makespan_s", "interval_s",
        "throughput_per_s", "closed_form", "energy_j", "power_w", "energy_per_mac_j",
        "tops_per_w", "utilization", "critical_path", "layers", "counts", "events",
    }  # fmt: skip
    assert list(found["latency_s"]) == ["first", "mean", "p50", "p95", "p99", "max"]
    assert set(found["energy_j"]) == {
        "per_inference", "total", "dynamic", "static", "by_component", "static_by_component",
        "by_action",
    }  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_samples_are_those_that_are_served():
    # All six come at once: one begins, two wait, and the queue turns three away.
    found = figures(machine(samples=6, arrivals=Arrivals(6, times_fs=(0,) * 6, capacity=2)))
    assert (found["samples"], found["queue"]["dropped"]) == (3, 3)
    assert found["energy_j"]["per_inference"] * found["samples"] == pytest.approx(
        found["energy_j"]["total"], rel=1e-14, abs=0
    )


def test_figures_of_the_first_drawing():
    found = figures(machine(samples=2))
    # Results at 26 and 48 fs; 4 products of 2 fJ, 2 conversions of 5 fJ, 1 W for 48 fs.
    assert found["latency_s"]["first"] == 26e-15
    assert found["makespan_s"] == 48e-15
    assert found["interval_s"] == 22e-15
    assert found["throughput_per_s"] == pytest.approx(1 / 22e-15, rel=1e-15, abs=0)
    assert found["closed_form"] == {"applies": True, "latency_s": 26e-15}
    # Sums of a handful of floats: a few roundings.
    assert found["energy_j"]["total"] == pytest.approx(66e-15, rel=1e-14, abs=0)
    assert found["energy_j"]["per_inference"] == pytest.approx(33e-15, rel=1e-14, abs=0)
    assert found["power_w"] == pytest.approx(66 / 48, rel=1e-14, abs=0)
    # Two steps of 4 x 4 multiply-accumulates, two operations each.
    assert found["energy_per_mac_j"] == pytest.approx(33e-15 / 32, rel=1e-14, abs=0)
    assert found["tops_per_w"] == pytest.approx(64 / 33e-15 / 1e12, rel=1e-14, abs=0)
    assert found["counts"]["weight_banks.mvm"] == 4
    spans = sum(found["counts"].values())
    assert found["events"] == {"spans": spans, "simulated": spans, "extended": 0}


def test_single_sample_has_its_makespan_as_interval():
    found = figures(machine(samples=1))
    assert found["interval_s"] == found["makespan_s"] == 26e-15


def test_closed_form_is_empty_where_it_does_not_apply():
    assert figures(machine(samples=2, block=2))["closed_form"] == {
        "applies": False,
        "latency_s": None,
    }


def test_static_energy_of_the_parts_is_the_static_energy():
    prices = PriceTable({("switch", "route"): 1.0}, {"environment": 1e15, "switch": 3e15})
    energy = figures(machine(), prices)["energy_j"]
    assert energy["static_by_component"] == {"environment": 26.0, "switch": 78.0}
    assert energy["static"] == 104.0


def test_machine_that_spends_no_energy_has_no_efficiency():
    found = figures(machine(), PriceTable({}, {}))
    assert found["tops_per_w"] is None
    assert found["energy_per_mac_j"] is None


def test_latency_other_than_the_closed_form_is_our_fault():
    case = machine()
    with pytest.raises(
        ScheduleError, match=r"internal: the first sample took 26 fs; .* expects 27"
    ):
        metrics_from(
            case.run(),
            PRICES,
            network=case.network,
            memory_capacity=1,
            closed_form_fs=27,
        )


def test_setup_fills_the_banks_that_will_be_used():
    resident = map_network(hidden=4, weight_sets=2, count=5, rows=4, cols=4)
    found = setup(resident, write_time=3.0, write_energy=5.0, settle_time=1.0)
    assert found == Cost(2, 7.0, 10.0)
    # Parts are on meanwhile.
    powered = setup(resident, write_time=3.0, write_energy=5.0, settle_time=1.0, power=2.0)
    assert (powered.time_s, powered.energy_j) == (7.0, 10.0 + 2.0 * 7.0)
    scarce = map_network(hidden=4, weight_sets=9, count=5, rows=4, cols=4)
    assert setup(scarce, write_time=3.0, write_energy=5.0).count == 5


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("plan", [(1, 1), (2, 2), (5, 3)])
@pytest.mark.parametrize("arrivals", [None, periodic(301, 3e-12)])
def test_every_figure_is_the_same_without_simulating_every_event(plan, block, arrivals):
    sets, banks = plan
    case = machine(sets=sets, steps=5, banks=banks, block=block, samples=301, arrivals=arrivals)
    found = {
        exact: metrics_from(
            run, GATED, network=case.network, memory_capacity=block,
            closed_form_fs=case.closed_form_fs(),
        )
        for exact, run in ((True, case.run()), (False, case.run_fast()))
    }  # fmt: skip
    events = found[False].pop("events")
    assert events["extended"] > 0
    assert events["simulated"] + events["extended"] == events["spans"]
    assert found[True].pop("events") == {
        "spans": events["spans"], "simulated": events["spans"], "extended": 0
    }  # fmt: skip
    assert found[False] == found[True]
