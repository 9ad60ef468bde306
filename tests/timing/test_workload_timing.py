"""Timing of any workload: invariants hold, both ways of timing and the closed form agree."""

from __future__ import annotations

from hypothesis import given, settings

from pnnsim.timing.periodic_trace import PeriodicTrace
from tests.timing.workloads import convolution, job, jobs


@given(jobs())
@settings(max_examples=200, deadline=None)
def test_any_workload_keeps_the_invariants(case):
    case.run()


@given(jobs(refresh=True))
@settings(max_examples=60, deadline=None)
def test_any_workload_with_refreshes_keeps_the_invariants(case):
    case.run()


@given(jobs(samples=(30, 120), steps=3))
@settings(max_examples=60, deadline=None)
def test_any_workload_gives_the_same_columns_both_ways(case):
    exact, fast = case.run(), case.run_fast()
    assert fast.expand().equals(exact)
    assert (len(fast), fast.samples) == (len(exact), exact.samples)
    assert fast.makespan_fs == exact.makespan_fs


@given(jobs(samples=(1, 1), prefetch=False))
@settings(max_examples=200, deadline=None)
def test_a_sample_alone_takes_the_time_of_the_closed_form(case):
    trace, expected = case.run(), case.closed_form_fs()
    if expected is not None:
        assert trace.result_fs[0] - trace.arrival_fs[0] == expected


def test_a_run_whose_slowest_part_is_the_digital_engine_is_cut_short():
    # While sample n is computed, two more wait or are in the loop, and the input of n + 3 is
    # mapped: the end of the run is felt three samples early.
    case = job(convolution(), banks=1, samples=300, jobs_fs=(100,))
    fast = case.run_fast()
    assert isinstance(fast, PeriodicTrace)
    assert fast.period_fs == 3 + 100 + 4
    assert fast.expand().equals(case.run())
