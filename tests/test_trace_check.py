"""The checker finds each of many traces broken on purpose, and passes them unbroken."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from pnnsim import trace_check
from pnnsim.arrivals import Arrivals
from pnnsim.delays import Stage
from pnnsim.errors import ScheduleError
from pnnsim.trace import ACTIONS, Trace
from tests.machines import machine

PLAIN = machine(waves=3)
BLOCKS = machine(waves=4, block=2, hold_fs=9)
REWRITE = machine(waves=2, sets=3, steps=3, route_fs=3, write_fs=10)


def find(trace, action, wave=None, step=None):
    """Return the only row, or the first, of an action."""
    rows = trace.rows(action)
    if wave is not None:
        rows = rows[trace.wave[rows] == wave]
    if step is not None:
        rows = rows[trace.step[rows] == step]
    return int(rows[0])


def edit(trace, row, **changes):
    """Return the trace with some cells of a row changed."""
    columns = {name: getattr(trace, name).copy() for name in changes}
    for name, value in changes.items():
        columns[name][row] = value
    return replace(trace, **columns)


def without(trace, row):
    """Return the trace without a row, causes renumbered; its effects get its cause."""
    cause = np.where(trace.cause == row, trace.cause[row], trace.cause)
    cause = cause - (cause > row)
    columns = {
        field.name: np.delete(getattr(trace, field.name), row)
        for field in fields(Trace)
        if field.name not in {"units", "folds", "arrival_fs", "result_fs", "dropped", "cause"}
    }
    return replace(trace, cause=np.delete(cause, row), **columns)


def found(case, trace, text):
    with pytest.raises(ScheduleError, match=text):
        trace.check(case.work)


@pytest.mark.parametrize("case", [PLAIN, BLOCKS, REWRITE])
def test_sound_trace_passes(case):
    assert case.run().check(case.work) is None


def test_span_that_ends_before_it_starts():
    trace = PLAIN.run()
    found(PLAIN, edit(trace, 3, start_fs=trace.end_fs[3] + 1), "row 3 .* ends before it starts")


def test_rows_out_of_order():
    trace = PLAIN.run()
    order = np.arange(len(trace))
    later = int(np.flatnonzero(np.diff(trace.end_fs) > 0)[5])
    order[[later, later + 1]] = order[[later + 1, later]]
    columns = {
        field.name: getattr(trace, field.name)[order]
        for field in fields(Trace)
        if field.name not in {"units", "folds", "arrival_fs", "result_fs", "dropped"}
    }
    found(PLAIN, replace(trace, **columns), f"row {later + 1} .* stands below row {later}")


def test_wave_that_does_not_exist():
    trace = PLAIN.run()
    found(PLAIN, edit(trace, 4, wave=3), "row 4 .* none of the 3")


def test_result_before_arrival():
    trace = PLAIN.run()
    found(PLAIN, edit(trace, 1, result_fs=trace.arrival_fs[1] - 1), "wave 1 .* before its arrival")


def test_result_that_no_span_delivers():
    trace = PLAIN.run()
    found(PLAIN, edit(trace, 1, result_fs=trace.result_fs[1] + 1), "wave 1 .* but its spans run")


def test_missing_result():
    trace = PLAIN.run()
    found(PLAIN, replace(trace, result_fs=trace.result_fs[:2]), "got 2 results; expected .* 3 wav")


def test_span_without_cause():
    trace = PLAIN.run()
    row = find(trace, "encode", 0, 1)
    found(PLAIN, edit(trace, row, cause=-1), "has no cause and is no arrival")


def test_cause_that_comes_later():
    trace = PLAIN.run()
    row = find(trace, "detect", 1, 0)
    found(PLAIN, edit(trace, row, cause=row + 1), f"has row {row + 1} as its cause; expected an ea")


def test_start_before_the_cause_ends():
    trace = PLAIN.run()
    row = find(trace, "encode", 0, 1)
    found(PLAIN, edit(trace, row, start_fs=trace.start_fs[row] - 1), "starts before its cause")


def test_start_later_than_the_cause_ends():
    trace = PLAIN.run()
    row = find(trace, "detect", 0, 0)
    found(PLAIN, edit(trace, row, start_fs=trace.start_fs[row] + 1), "starts later than its cause")


@pytest.mark.parametrize("action", ["encode", "propagate", "mvm", "detect", "activate", "hold"])
def test_missing_span(action):
    trace = PLAIN.run()
    row = find(trace, action, 1, 0)
    # Its effects start when it ended; give them its interval, so that only the count is wrong.
    effects = np.flatnonzero(trace.cause == row)
    broken = edit(trace, effects, start_fs=trace.start_fs[row])
    found(PLAIN, without(broken, row), f"wave 1 has 0 {action} spans at step 0; expected 1")


def test_span_of_a_wave_that_was_served_before():
    trace = PLAIN.run()
    found(
        PLAIN,
        edit(trace, find(trace, "mvm", 1, 0), wave=0),
        "wave 0 has 2 mvm spans at step 0; expected 1",
    )


def test_state_held_after_the_last_step():
    trace = PLAIN.run()
    row = find(trace, "hold", 0, 0)
    found(PLAIN, edit(trace, row, step=1), "wave 0 has 0 hold spans at step 0; expected 1")


def test_step_beyond_the_network():
    trace = PLAIN.run()
    row = find(trace, "mvm", 0, 1)
    found(PLAIN, edit(trace, row, step=2), "serves no wave or no step of the network")


def test_part_before_the_part_ahead_of_it():
    trace = PLAIN.run()
    # Step 0 and step 1 of the nonlinearity exchanged: step 1 is activated before it is detected.
    rows = [find(trace, "activate", 0, 0), find(trace, "activate", 0, 1)]
    found(PLAIN, edit(trace, rows, step=[1, 0]), "before the wave has been through the part ahead")


def test_step_before_the_state_is_held():
    trace = PLAIN.run()
    row, cause = find(trace, "encode", 0, 1), find(trace, "activate", 0, 0)
    broken = edit(trace, row, start_fs=trace.end_fs[cause], cause=cause)
    found(PLAIN, broken, "starts before the state of the step before is held")


def test_two_things_at_once_on_one_lane():
    trace = BLOCKS.run()
    # Readout and encoder work side by side; on one lane they must not.
    lane, other = trace.units.index("readout"), trace.units.index("encoder")
    found(
        BLOCKS, replace(trace, unit=np.where(trace.unit == lane, other, trace.unit)), "lane is busy"
    )


def test_more_states_than_the_memory_holds():
    trace = BLOCKS.run()
    with pytest.raises(ScheduleError, match="is state 2 in a memory for 1 states"):
        trace.check(replace(BLOCKS.work, memory_capacity=1))


def test_block_that_enters_too_early():
    # Blocks of two are not what a control of single waves allows.
    with pytest.raises(ScheduleError, match="starts while the block before is in the loop"):
        BLOCKS.run().check(replace(BLOCKS.work, control=PLAIN.control))


def test_switch_that_moves_while_a_wave_is_under_way():
    trace = PLAIN.run()
    row = find(trace, "route")
    cause = find(trace, "propagate", 0, 0)
    broken = edit(trace, row, start_fs=trace.end_fs[cause], cause=cause)
    found(PLAIN, broken, "is under way while the switch moves")


def test_departure_before_the_switch_rests():
    trace = PLAIN.run()
    row, cause = find(trace, "propagate", 0, 1), find(trace, "encode", 0, 1)
    broken = edit(trace, row, start_fs=trace.end_fs[cause], cause=cause)
    found(PLAIN, broken, "is under way while the switch moves")


def test_bank_that_is_not_selected():
    trace = PLAIN.run()
    row = find(trace, "mvm", 1, 1)
    broken = edit(trace, row, bank=0, unit=trace.units.index("weight_banks.0"))
    found(PLAIN, broken, "uses a bank while the switch rests on 1")


def test_move_that_goes_to_another_bank():
    trace = PLAIN.run()
    found(PLAIN, edit(trace, find(trace, "route"), bank=0), "while the switch rests on 0")


def test_weight_set_of_another_step():
    trace = PLAIN.run()
    found(PLAIN, edit(trace, find(trace, "mvm", 1, 1), weight_set=0), "uses weight set 0; expected")


def test_bank_that_holds_another_set():
    trace = REWRITE.run()
    found(
        REWRITE,
        edit(trace, find(trace, "write"), weight_set=1),
        "uses bank 1, which holds set 1",
    )


def test_missing_write():
    trace = REWRITE.run()
    row = find(trace, "write")
    effects = np.flatnonzero(trace.cause == row)
    # The departure that waited for it may start later than the new cause ended.
    assert {ACTIONS[action] for action in trace.action[effects]} == {"propagate", "drive"}
    found(REWRITE, without(trace, row), "uses bank 1, which holds set 1")


def test_write_during_a_product():
    trace = REWRITE.run()
    row = find(trace, "write")
    cause = find(trace, "propagate", 0, 1)
    broken = edit(trace, row, start_fs=trace.end_fs[cause], cause=cause, unit=0)
    # Lane 0 is idle by then, so the lanes alone do not show it.
    found(REWRITE, broken, "multiplies while bank 1 is written")


def test_wave_that_is_served_before_it_arrives():
    case = machine(waves=3, arrivals=Arrivals(3, (0, 5, 60)))
    trace = case.run()
    trace.check(case.work)
    found(case, edit(trace, 2, arrival_fs=61), "wave 2 arrives at 61 fs .* but its spans run from")


def test_wave_that_waits_for_nobody():
    # Wave 1 comes at 1 and begins when the front end is free; without a cause that is no reason.
    case = machine(waves=2, arrivals=Arrivals(2, (0, 1)))
    trace = case.run()
    found(case, edit(trace, find(trace, "map_input", 1), cause=-1), "has no cause and is no arri")


def test_write_ahead_into_the_bank_in_use():
    case = machine(waves=2, sets=3, steps=3, banks=2, prefetch=True, route_fs=3, write_fs=20)
    trace = case.run()
    row = find(trace, "write")
    cause = find(trace, "propagate", 0, 0)
    broken = edit(trace, row, start_fs=trace.end_fs[cause], cause=cause)
    found(case, broken, "write, wave 0, .* starts while the lane is busy until 8")


#: Bank 0 is refreshed at 15 and 29, see `test_timing_refresh`.
REFRESHED = machine(waves=3, block=3, sets=1, steps=1, banks=1, write_fs=10, refresh_fs=12)


def test_refresh_that_begins_by_itself_and_one_that_waits_are_sound():
    REFRESHED.run().check(REFRESHED.work)


def test_refresh_with_another_set():
    case = machine(waves=3, sets=2, steps=2, write_fs=10, refresh_fs=25)
    trace = case.run()
    found(case, edit(trace, find(trace, "refresh"), weight_set=1), "refreshes bank 0, which holds")


def test_refresh_that_comes_too_early():
    trace = REFRESHED.run()
    later = REFRESHED.control.model_copy(update={"refresh_interval": 16e-15})
    with pytest.raises(ScheduleError, match="comes 15 fs after the write before it"):
        trace.check(replace(REFRESHED.work, control=later))


def test_refresh_while_a_wave_is_on_its_way():
    trace = REFRESHED.run()
    row = find(trace, "refresh")
    # Wave 1 departs at 11 and is captured at 15.
    broken = edit(trace, row, start_fs=14, cause=-1)
    found(REFRESHED, broken, "multiplies while bank 0 is written")


def test_more_writes_than_drivers():
    case = machine(waves=4, write_fs=10, refresh_fs=25, write_drivers=2)
    trace = case.run()
    with pytest.raises(ScheduleError, match="is write 2 of 1"):
        trace.check(replace(case.work, control=machine().control))


def test_tiles_of_a_matrix_share_the_drivers():
    # Both matrices are two tiles each: four drivers write both at once, two write one.
    both = {"waves": 4, "banks": 4, "tile": (2, 4), "write_fs": 10, "refresh_fs": 25}
    trace = machine(**both, write_drivers=4).run()
    with pytest.raises(ScheduleError, match="is write 2 of 1"):
        trace.check(machine(**both, write_drivers=2).work)


#: Two tiles on one bank: two products in each of two steps.
FOLDED = machine(waves=2, sets=1, steps=2, banks=1, tile=(2, 4), write_fs=6)


def test_step_that_leaves_out_a_fold():
    trace = FOLDED.run()
    row = int(trace.rows("mvm")[2])
    found(FOLDED, edit(trace, row, step=3), "wave 0 has 0 mvm spans at step 2; expected 1")


def test_activation_in_the_middle_of_a_step():
    trace = FOLDED.run()
    row = int(trace.rows("activate")[0])
    found(FOLDED, edit(trace, row, step=0), "wave 0 has 1 activate spans at step 0; expected 0")


def test_fold_that_is_multiplied_with_the_wrong_tile():
    trace = FOLDED.run()
    rows = trace.rows("mvm")[1:2]
    found(FOLDED, edit(trace, rows, weight_set=0), "uses weight set 0; expected that of its step")


def test_more_results_in_front_of_the_readout_than_it_has_places_for():
    case = machine(waves=5, sets=1, steps=1, banks=1, output=(Stage("readout", "convert", 16),))
    trace = case.run()
    outputs = [row for row in trace.rows("convert") if trace.step[row] < 0]
    # The first result is read when all others have come.
    late = edit(trace, outputs[0], start_fs=trace.end_fs[-1])
    with pytest.raises(
        ScheduleError, match=r"3 results wait for the readout .* expected at most 2"
    ):
        trace_check._check_results(late, case.control)
