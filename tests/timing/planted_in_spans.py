"""Damages of spans: times, causes, work and lanes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.timing.planted import added, edit, find, in_order, swapped, without
from tests.timing.planted_cases import (
    BLOCKS,
    CONVERTERS,
    FOLDS,
    KEPT,
    PLAIN,
    QUEUE,
    SAME_BANK,
    TILES,
    TWO_DUE,
    planted,
)

# Times and causes.


@planted(PLAIN, "row 3 .* ends before it starts")
def span_that_ends_before_it_starts(trace):
    return edit(trace, 3, start_fs=trace.end_fs[3] + 1)


@planted(PLAIN, "stands below row")
def rows_out_of_order(trace):
    return swapped(trace)


@planted(PLAIN, "row 4 .* none of the 3")
def sample_that_does_not_exist(trace):
    return edit(trace, 4, sample=3)


@planted(PLAIN, "sample 1 .* before its arrival")
def result_before_arrival(trace):
    return edit(trace, 1, result_fs=trace.arrival_fs[1] - 1)


@planted(PLAIN, "sample 1 .* but its spans run")
def result_that_no_span_delivers(trace):
    return edit(trace, 1, result_fs=trace.result_fs[1] + 1)


@planted(PLAIN, "got 2 results; expected .* 3 sam")
def missing_result(trace):
    return replace(trace, result_fs=trace.result_fs[:2])


@planted(PLAIN, "has no cause and is no arrival")
def span_without_cause(trace):
    return edit(trace, find(trace, "encode", 0, 1), cause=-1)


@planted(PLAIN, "as its cause; expected an earlier row")
def cause_that_comes_later(trace):
    row = find(trace, "detect", 1, 0)
    return edit(trace, row, cause=row + 1)


@planted(PLAIN, "starts before its cause")
def start_before_the_cause_ends(trace):
    row = find(trace, "encode", 0, 1)
    return edit(trace, row, start_fs=trace.start_fs[row] - 1)


@planted(PLAIN, "starts later than its cause")
def start_later_than_the_cause_ends(trace):
    row = find(trace, "detect", 0, 0)
    return edit(trace, row, start_fs=trace.start_fs[row] + 1)


# The way of each sample.


@planted(PLAIN, "sample 0 has 2 mvm spans at step 0; expected 1")
def span_of_a_sample_that_was_served_before(trace):
    return edit(trace, find(trace, "mvm", 1, 0), sample=0)


@planted(PLAIN, "sample 0 has 0 hold spans at step 0; expected 1")
def state_held_after_the_last_step(trace):
    return edit(trace, find(trace, "hold", 0, 0), step=1)


@planted(PLAIN, "serves no sample or no step of the network")
def step_beyond_the_network(trace):
    return edit(trace, find(trace, "mvm", 0, 1), step=2)


@planted(PLAIN, "sample 1 has 0 map_input spans outside the loop; expected 1")
def missing_input_map(trace):
    row = find(trace, "map_input", 1)
    effects = np.flatnonzero(trace.cause == row)
    broken = edit(edit(trace, effects, start_fs=trace.start_fs[row]), 1, arrival_fs=0)
    return without(broken, row)


@planted(CONVERTERS, "sample 2 has 0 convert spans outside the loop; expected 1")
def input_that_is_not_converted(trace):
    lane = trace.units.index("encoder.dac")
    row = int(np.flatnonzero((trace.unit == lane) & (trace.sample == 2))[0])
    effects = np.flatnonzero(trace.cause == row)
    return without(edit(trace, effects, start_fs=trace.start_fs[row]), row)


@planted(PLAIN, "is work for which the machine has no part")
def work_that_no_part_does(trace):
    last, end = len(trace) - 1, int(trace.end_fs[-1])
    return added(trace, "map_output", "front_end", sample=2, start_fs=end, end_fs=end, cause=last)


@planted(PLAIN, "is on the lane of another part; expected nonlinearity")
def activation_on_the_lane_of_the_memory(trace):
    return edit(trace, find(trace, "activate", 0, 0), unit=trace.units.index("memory"))


@planted(PLAIN, r"starts before|waits for nothing")
def part_before_the_part_ahead_of_it(trace):
    # Step 1 is activated before it is detected.
    rows = [find(trace, "activate", 0, 0), find(trace, "activate", 0, 1)]
    return edit(trace, rows, step=[1, 0])


@planted(PLAIN, "starts before the state was held")
def step_before_the_state_is_held(trace):
    row, cause = find(trace, "encode", 0, 1), find(trace, "activate", 0, 0)
    start = trace.end_fs[cause]
    return in_order(edit(trace, row, start_fs=start, end_fs=start + 2, cause=cause))


@planted(FOLDS, "sample 0 has 0 mvm spans at step 2; expected 1")
def step_that_leaves_out_a_fold(trace):
    return edit(trace, int(trace.rows("mvm")[2]), fold=1)


@planted(FOLDS, "sample 0 has 1 activate spans at step 0; expected 0")
def activation_in_the_middle_of_a_step(trace):
    return edit(trace, int(trace.rows("activate")[0]), fold=0)


@planted(KEPT, "sample 3 has 0 hold spans at step 1; expected 1")
def kept_state_that_is_not_held(trace):
    return without(trace, find(trace, "hold", 3, 1))


# Occupancy.


@planted(BLOCKS, "starts while the lane is busy")
def two_things_at_once_on_one_lane(trace):
    lane, other = trace.units.index("readout"), trace.units.index("encoder")
    return replace(trace, unit=np.where(trace.unit == lane, other, trace.unit))


@planted(BLOCKS, "is state 2 in a memory for 1 states")
def more_states_than_the_memory_acquires(trace):
    return trace, replace(BLOCKS.work, memory_capacity=1)


@planted(QUEUE, "is state 4 in a memory for 3 states")
def more_states_than_the_memory_keeps_until_they_are_encoded(trace):
    # Each is acquired within 1 fs, so that no two of them are acquired at once.
    return trace, replace(QUEUE.work, memory_capacity=3)


@planted(TWO_DUE, "is write 2 of 1")
def more_writes_than_drivers(trace):
    control = TWO_DUE.control.model_copy(update={"write_drivers": 1})
    return trace, replace(TWO_DUE.work, control=control)


@planted(TILES, "is write 2 of 1")
def tiles_of_a_matrix_that_do_not_share_the_drivers(trace):
    # Both matrices are two tiles each: four drivers write both at once, two write one.
    control = TILES.control.model_copy(update={"write_drivers": 2})
    return trace, replace(TILES.work, control=control)


@planted(SAME_BANK, r"encoder encode, sample ., product .* starts before")
def blocks_of_two_where_single_samples_were_ordered(trace):
    return trace, replace(SAME_BANK.work, control=PLAIN.control)
