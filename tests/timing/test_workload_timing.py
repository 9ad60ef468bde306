"""Timing of any workload: invariants hold, both ways of timing and the closed form agree."""

from __future__ import annotations

from hypothesis import given, settings

from tests.timing.workloads import jobs


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
