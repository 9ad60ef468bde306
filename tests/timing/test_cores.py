"""Cores that work side by side: who gets which sample, and what the figures of all of them are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.analysis.energy import EnergyLedger, counts, power_trace
from pnnsim.analysis.metrics import interval, latencies, utilization
from pnnsim.analysis.report.lanes import lane_order
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.mapping.prices import PriceTable
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.simulate import chip_outputs, simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import Arrivals, periodic
from pnnsim.timing.multicore import ParallelTrace
from pnnsim.timing.run import run_cores, run_fast, run_timing
from tests.timing.machines import machine, machines

NETWORK = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)


def on_cores(case, cores, run=run_fast):
    control = case.control.model_copy(update={"cores": cores})
    return run_cores(run, replace(case.work, control=control), case.arrivals or case.samples)


def test_blocks_are_dealt_in_turn():
    # Seven samples in blocks of two on three cores: 0 1 | 2 3 | 4 5, then 6 for core 0 again.
    run = on_cores(machine(samples=7, block=2), 3)
    assert [run.samples_of_core(core).tolist() for core in range(3)] == [[0, 1, 6], [2, 3], [4, 5]]
    # Each core does what it would do alone.
    alone = machine(samples=3, block=2).run()
    assert run.expand().result_fs[[0, 1, 6]].tolist() == alone.result_fs.tolist()
    assert run.expand().result_fs[[2, 3]].tolist() == alone.result_fs[:2].tolist()


def test_one_core_is_the_machine_itself():
    case = machine(samples=5)
    assert on_cores(case, 1).expand().equals(case.run())


@pytest.mark.parametrize(("block", "gap"), [(1, 30), (2, 30), (2, 5)])
def test_requests_keep_their_times_of_arrival(block, gap):
    case = machine(samples=50, block=block, arrivals=periodic(50, gap * 1e-15))
    trace = on_cores(case, 3).expand()
    assert trace.arrival_fs.tolist() == list(range(0, 50 * gap, gap))


def test_each_core_has_a_queue_of_its_own():
    # All ten come at once; each of two cores takes one and has room for two more.
    crowd = Arrivals(10, (0,) * 10, capacity=2)
    run = on_cores(machine(samples=10, arrivals=crowd), 2)
    assert run.dropped.tolist() == [6, 7, 8, 9]
    assert run.served.tolist() == [0, 1, 2, 3, 4, 5]
    assert run.expand().dropped.tolist() == [6, 7, 8, 9]


@given(machines(samples=(1, 60), ahead=True), st.integers(2, 5), st.integers(0, 60))
@settings(max_examples=25, deadline=None)
def test_any_cores_keep_the_laws_and_both_ways_agree(case, cores, gap):
    if gap:
        case = replace(case, arrivals=periodic(case.samples, gap * 1e-15, capacity=2))
    fast, exact = on_cores(case, cores), on_cores(case, cores, run_timing)
    assert fast.expand().equals(exact.expand())
    # Without the requests a trace does not tell how many places their queue has.
    fast.check(case.work, case.arrivals)
    trace = exact.expand()
    # Rows stand in the order of their ends, causes above effects, and lanes are never shared.
    assert np.all(np.diff(trace.end_fs) >= 0)
    assert np.all(trace.cause < np.arange(len(trace)))
    lanes = [unit.rpartition(".core")[2] for unit in trace.units]
    core = np.array([int(lane) for lane in lanes])[trace.unit]
    caused = trace.cause >= 0
    assert np.array_equal(core[caused], core[trace.cause[caused]])
    # Figures from the short form are those of all spans.
    assert counts(fast) == counts(trace)
    assert (fast.makespan_fs, fast.result_span_fs) == (trace.makespan_fs, trace.result_span_fs)
    assert latencies(fast) == latencies(exact)
    assert len(fast) == len(trace)
    assert np.array_equal(trace.result_fs, exact.expand().result_fs)


def test_many_samples_on_many_cores_are_simulated_as_a_few():
    run = on_cores(machine(samples=10**6), 4)
    assert isinstance(run, ParallelTrace)
    assert run.samples == 10**6
    assert run.base.samples < 200
    # Every core gives a result each 2 (4 + 7) fs, four of them together four.
    assert interval(run) == pytest.approx(22e-15 / 4, rel=1e-3, abs=0)


def test_throughput_is_the_sum_over_cores_even_for_a_sample_each():
    alone = machine(samples=1).run()
    run = on_cores(machine(samples=4), 4)
    assert interval(run) == pytest.approx(interval(alone) / 4, rel=1e-12, abs=0)


def test_standing_power_is_drawn_by_every_core_and_gated_parts_by_those_at_work():
    # Two of three cores work; a sample takes 26 fs, of which the encoder is on for 5 + 7.
    run = on_cores(machine(samples=2), 3)
    prices = PriceTable(
        {("readout", "convert"): 1.0},
        {"environment": 3e15, "encoder": 6e15},
        frozenset({"encoder"}),
        cores=3,
    )
    ledger = EnergyLedger.from_trace(run, prices)
    assert ledger.static_by_component() == {
        "environment": pytest.approx(3 * 26.0, rel=1e-12, abs=0),
        "encoder": pytest.approx(2 * 12 * 2.0, rel=1e-12, abs=0),
    }
    assert ledger.dynamic == 2.0
    assert power_trace(run, prices).energy() == pytest.approx(ledger.total, rel=1e-12, abs=0)


def test_idle_cores_count_in_the_utilization():
    one, three = (on_cores(machine(samples=1), cores) for cores in (1, 3))
    for part, share in utilization(one, memory_capacity=1).items():
        assert utilization(three, memory_capacity=1)[part] == pytest.approx(
            share / 3, rel=1e-12, abs=0
        )


def test_lanes_of_a_core_stand_together():
    run = on_cores(machine(samples=4, sets=12, steps=12, banks=12), 2).expand()
    names = [run.units[lane] for lane in lane_order(run)]
    banks = [name for name in names if name.startswith("weight_banks.1")]
    assert banks == [f"weight_banks.{bank}.core{core}" for core in (0, 1) for bank in (1, 10, 11)]


# On a described machine.


def spec(cores):
    return load_spec("photonic_mrr", [("control.cores", str(cores))])


def test_cores_multiply_power_area_and_set_up_but_not_the_latency():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((24, 6), generator=generator, dtype=torch.float64)
    y = torch.zeros(24, dtype=torch.int64)
    found = {}
    for cores in (1, 3):
        parameters = Surrogate(NETWORK, spec(cores), dtype=torch.float64).parameter_set()
        found[cores] = simulate(spec(cores), parameters, x, y, chips=1).metrics
    one, three = found[1], found[3]
    assert three["closed_form"] == one["closed_form"]
    assert three["latency_s"]["first"] == one["latency_s"]["first"]
    assert three["counts"] == one["counts"]
    assert three["energy_j"]["dynamic"] == pytest.approx(
        one["energy_j"]["dynamic"], rel=1e-12, abs=0
    )
    assert three["setup"]["time_s"] == one["setup"]["time_s"]
    assert three["setup"]["writes"] == 3 * one["setup"]["writes"]
    assert three["setup"]["energy_j"] == pytest.approx(
        3 * one["setup"]["energy_j"], rel=1e-12, abs=0
    )
    # Eight samples each instead of 24: three times the results per time, but for the first ones.
    assert three["throughput_per_s"] == pytest.approx(3 * one["throughput_per_s"], rel=0.01, abs=0)


def test_area_is_that_of_all_cores():
    def areas(cores):
        machine = load_spec("spintronic_mtj", [("control.cores", str(cores))])
        return Chip.nominal(machine, NETWORK).areas()

    one, two = areas(1), areas(2)
    assert two == {part: 2 * area for part, area in one.items()}
    assert one


def test_each_core_has_its_own_spread_and_the_first_is_that_of_a_machine_alone():
    chip = Chip.nominal(spec(2), NETWORK)
    real = chip.fabricate(0, 0)
    assert real.core(0) is real
    assert chip.core(1) is chip
    state, other = real.states[0], real.core(1).states[0]
    assert all(not torch.equal(state[key], other[key]) for key in state)
    assert all(torch.equal(real.core(1).states[0][key], other[key]) for key in other)


def test_answers_are_those_of_each_core_for_its_own_samples():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((10, 6), generator=generator, dtype=torch.float64)
    parameters = Surrogate(NETWORK, spec(2), dtype=torch.float64).parameter_set()
    chip = Chip.nominal(spec(2), NETWORK)
    run = time_run(chip, 10)
    alone = time_run(Chip.nominal(spec(1), NETWORK), 5)
    assert np.array_equal(run.accesses.bank[::2], alone.accesses.bank)
    assert np.array_equal(run.accesses.held_s[1::2], alone.accesses.held_s)

    real = chip.fabricate(3, 0)
    answers = chip_outputs(real, parameters, x, run)
    for core in (0, 1):
        expected = outputs(real.core(core), parameters, x[core::2], alone.accesses)
        assert torch.equal(answers[core::2], expected)
    assert not torch.equal(answers, outputs(real, parameters, x, run.accesses))


KEPT = ReLaXNet(
    inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3, injection="every", stateful=True
)


def cores_that_keep(cores, block):
    """Return a run of four blocks on each core of a machine with a stateful network."""
    changes = [("control.cores", str(cores)), ("control.block", str(block))]
    machine = load_spec("photonic_mrr", [*changes, ("memory.capacity", "4")])
    chip = Chip.nominal(machine, KEPT)
    return chip, time_run(chip, 4 * cores * block)


@pytest.mark.parametrize(("cores", "block"), [(2, 1), (2, 3), (3, 2)])
def test_streams_of_a_core_go_on_on_this_core(cores, block):
    chip, run = cores_that_keep(cores, block)
    parameters = Surrogate(KEPT, chip.spec, dtype=torch.float64).parameter_set()
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((run.run.samples, 6), generator=generator, dtype=torch.float64)
    found = chip_outputs(chip, parameters, x, run, without=sorted(chip.non_idealities))
    expected = ideal_outputs(chip, parameters, x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_kept_states_wait_on_several_cores_as_on_one():
    _, alone = cores_that_keep(1, 3)
    _, two = cores_that_keep(2, 3)
    assert np.array_equal(alone.accesses.held_s[3:, 0] > 0.0, np.full(9, True))
    for core in (0, 1):
        mine = two.run.samples_of_core(core)
        assert np.array_equal(two.accesses.held_s[mine], alone.accesses.held_s)


@pytest.mark.parametrize("cores", ["0", "2.5", "100000"])
def test_number_of_cores_is_whole_and_at_least_one(cores):
    with pytest.raises(SpecError, match=r"control\.cores"):
        load_spec("photonic_mrr", [("control.cores", cores)])
