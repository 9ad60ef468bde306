"""The simulated latency and interval against sums written down by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.timing.trace import ACTIONS
from tests.timing.machines import SMALL, delay_sets, machine, machines

SHAPES = [(sets, steps) for sets in (1, 2, 3, 12) for steps in (1, 2, 7, 12) if sets <= steps]


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("banks", [1, 2, 12])
@pytest.mark.parametrize(("sets", "steps"), SHAPES)
def test_first_latency_is_the_closed_form_to_the_femtosecond(sets, steps, banks, overlap):
    case = machine(sets=sets, steps=steps, banks=banks, overlap=overlap, samples=3)
    trace = case.run()
    assert trace.result_fs[0] - trace.arrival_fs[0] == case.closed_form_fs()


@given(delay_sets(), st.sampled_from(SHAPES), st.sampled_from([1, 2, 12]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_first_latency_is_the_closed_form_for_any_delays(delays, shape, banks, overlap):
    sets, steps = shape
    case = machine(delays, sets=sets, steps=steps, banks=banks, overlap=overlap, samples=1)
    trace = case.run()
    assert trace.result_fs[0] - trace.arrival_fs[0] == case.closed_form_fs()


@pytest.mark.parametrize(
    ("sets", "banks", "overlap", "expected"),
    [
        # T_in 4, T_encode 2, 12 T_MM of 4, T_nonlinearity 2 and T_out 3 make 59; T_state is 5.
        (1, 1, True, 59 + 11 * 5),
        (1, 1, False, 59 + 11 * 5),
        (2, 2, True, 59 + 11 * 7),
        (2, 2, False, 59 + 11 * (7 + 5)),
        (12, 1, True, 59 + 11 * 20),
        (12, 1, False, 59 + 11 * (20 + 5)),
        # Sets 0 and 1 are there: one move; then the bank just used is the one needed again latest,
        # so it is written ten times in place.
        (12, 2, True, 59 + 7 + 10 * 20),
        (12, 2, False, 59 + (7 + 5) + 10 * (20 + 5)),
    ],
)
def test_closed_form_has_the_value_worked_out_by_hand(sets, banks, overlap, expected):
    case = machine(sets=sets, steps=12, banks=banks, overlap=overlap)
    assert case.closed_form_fs() == expected


def test_write_and_move_are_both_charged_where_both_happen():
    # Banks start with sets 0 and 1. Step 2 needs set 2; set 1 comes next, set 0 last, so bank 0
    # is written and then selected: 20 + 7. Back to bank 1 at step 3: 7.
    case = machine(sets=3, steps=4, banks=2, order=(0, 1, 2, 1))
    assert case.closed_form_fs() == 4 + 2 + 4 * 4 + 7 + (20 + 7) + 7 + 2 + 3


def test_closed_form_does_not_apply_to_blocks():
    assert machine(block=2).closed_form_fs() is None


def test_paper_machine_in_seconds_that_floats_would_miss():
    # Eight steps of 12.5 ps are 100 ps, exactly.
    case = machine(
        sets=1, steps=8, banks=1, propagate_fs=0, mvm_fs=12_500, detect_fs=0, activate_fs=0,
        hold_fs=0, encode=(SMALL.encode[0].__class__("encoder", "encode", 0),),
    )  # fmt: skip
    assert case.run().result_fs[0] == 4 + 100_000 + 3


@given(delay_sets(), st.integers(1, 3), st.integers(1, 6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_steady_interval_is_the_slowest_of_front_end_loop_and_readout(delays, sets, more, overlap):
    # With resident weights, one sample in flight and T_0 the change back to the bank of step 0, the
    # loop takes from one departure to the next
    #   L_T T_MM + sum of max(T_change, T_state) + max(T_0, T_nonlinearity + T_encode).
    steps = sets + more - 1
    samples = 40
    # With an output map the front end would work for both ends in turns.
    delays = replace(delays, output=delays.output[:1])
    case = machine(delays, sets=sets, steps=steps, banks=sets, overlap=overlap, samples=samples)
    order = case.order
    moves = [delays.route_fs * (order[t] != order[t - 1]) for t in range(steps)]
    join = max if overlap else (lambda a, b: a + b)
    loop = steps * delays.mm_fs + sum(join(move, delays.state_fs) for move in moves[1:])
    loop += join(moves[0], delays.activate_fs + delays.encode_fs)
    interval = max(delays.input_fs, loop, delays.output_fs)
    # The transient is over when queues have formed; a slow readout needs no waiting.
    results = case.run().result_fs
    assert np.diff(results)[-10:].tolist() == [interval] * 10


@given(machines())
@settings(max_examples=100, deadline=None)
def test_first_sample_of_any_machine_obeys_the_closed_form_where_it_applies(case):
    # Alone; with others behind it, its output may have to wait for the front end as well.
    expected = case.closed_form_fs()
    if expected is not None:
        trace = replace(case, samples=1).run()
        assert trace.result_fs[0] - trace.arrival_fs[0] == expected
        trace = case.run()
        (out,) = np.flatnonzero((trace.sample == 0) & (trace.action == ACTIONS.index("map_output")))
        read = np.flatnonzero(
            (trace.sample == 0) & (trace.step < 0) & (np.arange(len(trace)) < out)
        )
        waited = trace.start_fs[out] - trace.end_fs[read[-1]]
        assert trace.result_fs[0] - trace.arrival_fs[0] == expected + waited
