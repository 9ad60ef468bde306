"""The fast way gives every column of the exact way, without simulating every event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.mapping.delays import Stage
from pnnsim.timing.arrivals import Arrivals, periodic
from pnnsim.timing.periodic_trace import PeriodicTrace
from tests.timing.machines import SMALL, machine, machines


def same(case):
    """Run a machine both ways; return the fast trace once it is the exact one."""
    fast = case.run_fast()
    exact = case.run()
    assert fast.expand().equals(exact)
    assert (len(fast), fast.samples) == (len(exact), exact.samples)
    assert fast.makespan_fs == exact.makespan_fs
    assert fast.result_span_fs == exact.result_span_fs
    return fast


@pytest.mark.parametrize("samples", [400, 401, 402, 403])
@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("block", [1, 2, 5])
@pytest.mark.parametrize(
    "plan",
    [
        {"sets": 1, "steps": 3, "banks": 1},
        {"sets": 2, "steps": 5, "banks": 2},
        {"sets": 3, "steps": 4, "banks": 2},
        {"sets": 5, "steps": 7, "banks": 3},
        {"sets": 5, "steps": 7, "banks": 3, "prefetch": True},
        {"sets": 4, "steps": 4, "banks": 3, "prefetch": True, "write_drivers": 2},
    ],
)
def test_repeating_run_is_cut_short_and_loses_nothing(plan, block, overlap, samples):
    fast = same(machine(block=block, overlap=overlap, samples=samples, **plan))
    assert isinstance(fast, PeriodicTrace)
    assert len(fast.base) < len(fast)


@given(machines(samples=(20, 150), ahead=True))
@settings(max_examples=60, deadline=None)
def test_any_machine_gives_the_same_columns_both_ways(case):
    same(case)


@given(machines(samples=(40, 120), ahead=True), st.integers(1, 120), st.integers(1, 3) | st.none())
@settings(max_examples=60, deadline=None)
def test_any_machine_with_periodic_arrivals_gives_the_same_columns_both_ways(case, gap, capacity):
    arrivals = periodic(case.samples, gap * 1e-15, capacity=capacity)
    same(replace(case, arrivals=arrivals))


@pytest.mark.parametrize("gap", [30, 48, 100])
@pytest.mark.parametrize("block", [1, 2])
def test_machine_that_keeps_up_with_periodic_arrivals_is_cut_short(gap, block):
    case = machine(block=block, samples=300, arrivals=periodic(300, gap * 1e-15))
    assert isinstance(same(case), PeriodicTrace)


def test_machine_that_falls_behind_is_simulated_whole():
    # A sample takes 24 fs of the loop and more: the queue grows for ever, so nothing recurs.
    case = machine(samples=200, arrivals=periodic(200, 5e-15))
    assert not isinstance(same(case), PeriodicTrace)


def test_million_samples_are_simulated_as_a_few():
    case = machine(sets=2, steps=12, samples=10**6)
    fast = case.run_fast()
    assert isinstance(fast, PeriodicTrace)
    assert fast.samples == 10**6
    assert fast.base.samples < 50
    # One sample leaves the loop every 12 T_MM + 11 moves + the move back: 12 * (4 + 7) fs.
    assert fast.period_fs == fast.period_samples * 12 * 11


def test_short_runs_are_simulated_whole():
    assert machine(samples=3).run_fast().equals(machine(samples=3).run())


def test_growth_of_a_sample_column_goes_on():
    fast = machine(samples=500).run_fast()
    assert isinstance(fast, PeriodicTrace)
    np.testing.assert_array_equal(
        fast.samples_of(fast.base.begin_fs()), machine(samples=500).run().begin_fs()
    )


def test_counts_stand_for_all_spans_and_samples():
    fast = machine(samples=777, block=2).run_fast()
    assert fast.row_counts().sum() == len(fast)
    assert fast.sample_counts().sum() == 777


def test_rows_that_end_together_stand_in_the_order_of_blocks_steps_and_samples():
    # Without any delay all spans end at 0; each cause must still stand above its effect.
    parts = ("propagate", "mvm", "detect", "activate", "hold", "route", "write")
    nothing = Stage("front_end", "map_input", 0), Stage("encoder", "encode", 0)
    trace = machine(
        samples=6, steps=3, sets=3, block=2,
        input=nothing[:1], encode=nothing[1:], output=(replace(SMALL.output[0], duration_fs=0),),
        **{f"{part}_fs": 0 for part in parts},
    ).run()  # fmt: skip
    assert np.all(trace.cause < np.arange(len(trace)))
    mvm = trace.rows("mvm")
    met = list(zip(trace.sample[mvm] // 2, trace.step[mvm], trace.sample[mvm], strict=True))
    assert met == sorted(met)


def test_first_arrivals_are_those_of_a_run_without_the_others():
    some = Arrivals(3, (0, 5, 9), capacity=2).first(2)
    assert (some.count, some.times_fs, some.capacity) == (2, (0, 5), 2)


@pytest.mark.parametrize("block", [1, 3])
def test_a_readout_that_is_slower_than_the_loop_makes_the_run_periodic_at_its_rate(block):
    case = machine(samples=600, block=block, output=(Stage("readout", "convert", 100),))
    fast = same(case)
    assert isinstance(fast, PeriodicTrace)
    assert fast.period_fs == 100 * fast.period_samples
    # Two blocks wait, one is read, one is in the loop and one sample in the front end.
    latency = fast.base.result_fs - fast.base.arrival_fs
    assert latency.max() <= (4 * block + 1) * 100
