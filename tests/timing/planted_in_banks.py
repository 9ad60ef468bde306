"""Damages of what banks, switch and schedule do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.timing.machines import machine
from tests.timing.planted import added, edit, find, in_order, later, without
from tests.timing.planted_cases import (
    AHEAD,
    APART,
    CONVERTERS,
    FULL,
    LOOP,
    PLAIN,
    RANDOM,
    REFRESH,
    REWRITE,
    SAME_BANK,
    TIMES,
    TWO_DRIVERS,
    planted,
)

# Switch and contents.


@planted(PLAIN, "is under way while the switch moves")
def switch_that_moves_while_a_sample_is_under_way(trace):
    cause = find(trace, "propagate", 0, 0)
    return edit(trace, find(trace, "route"), start_fs=trace.end_fs[cause], cause=cause)


@planted(PLAIN, "is under way while the switch moves")
def departure_before_the_switch_rests(trace):
    row, cause = find(trace, "propagate", 0, 1), find(trace, "encode", 0, 1)
    return edit(trace, row, start_fs=trace.end_fs[cause], cause=cause)


@planted(PLAIN, "uses a bank while the switch rests on 1")
def bank_that_is_not_selected(trace):
    return edit(trace, find(trace, "mvm", 1, 1), bank=0, unit=trace.units.index("weight_banks.0"))


@planted(PLAIN, "while the switch rests on 0")
def move_that_goes_to_another_bank(trace):
    return edit(trace, find(trace, "route"), bank=0)


@planted(PLAIN, "uses weight set 0; expected")
def weight_set_of_another_step(trace):
    return edit(trace, find(trace, "mvm", 1, 1), weight_set=0)


@planted(REWRITE, "uses bank 1, which holds set 1")
def bank_that_holds_another_set(trace):
    return edit(trace, find(trace, "write"), weight_set=1)


@planted(REWRITE, "uses bank 1, which holds set 1")
def missing_write(trace):
    return without(trace, find(trace, "write"))


@planted(AHEAD, "starts while the lane is busy until 8")
def write_ahead_into_the_bank_in_use(trace):
    cause = find(trace, "propagate", 0, 0)
    return edit(trace, find(trace, "write"), start_fs=trace.end_fs[cause], cause=cause)


@planted(
    machine(samples=3, sets=2, steps=2, write_fs=10, refresh_fs=25), "refreshes bank 0, which h"
)
def refresh_with_another_set(trace):
    return edit(trace, find(trace, "refresh"), weight_set=1)


# Durations.


@planted(PLAIN, r"nonlinearity activate, sample 1.* takes 5 fs; expected 2")
def activation_that_takes_longer(trace):
    return later(trace, find(trace, "activate", 1, 0), 3, longer=True)


@planted(PLAIN, r"switch route.* takes 9 fs; expected 7")
def move_that_takes_longer(trace):
    return later(trace, find(trace, "route"), 2, longer=True)


@planted(REWRITE, r"weight_banks.1 write.* takes 9 fs; expected 10")
def write_that_takes_less_time(trace):
    return later(trace, find(trace, "write"), -1, longer=True)


@planted(CONVERTERS, r"front_end.output map_output, sample 2.* takes 5 fs; expected 4")
def output_map_that_takes_longer(trace):
    return later(trace, find(trace, "map_output", 2), 1, longer=True)


@planted(PLAIN, r"encoder hold_symbol, sample 2, product 1.* takes 2 fs; expected 3")
def symbol_that_is_not_kept_until_the_capture(trace):
    row = find(trace, "hold_symbol", 2, 1)
    return in_order(edit(trace, row, end_fs=trace.end_fs[row] - 1))


# Writes and moves that nothing needs, and those of another plan.


@planted(REWRITE, "is a write that no access needs")
def superfluous_write(trace):
    last = len(trace) - 1
    end = int(trace.end_fs[last])
    return added(trace, "write", "weight_banks.0", step=2, bank=0, weight_set=1, start_fs=end,
                 end_fs=end + 10, cause=last)  # fmt: skip


@planted(PLAIN, "is a route that no access needs")
def superfluous_move(trace):
    last = len(trace) - 1
    end = int(trace.end_fs[last])
    return added(trace, "route", "switch", sample=2, step=1, bank=0, weight_set=0, start_fs=end,
                 end_fs=end + 7, cause=last)  # fmt: skip


@planted(PLAIN, "is route 0 with sample -1; the plan has 0")
def move_for_no_sample(trace):
    return edit(trace, find(trace, "route"), sample=-1)


@planted(AHEAD, "uses bank 0; expected bank 1, as planned")
def plan_for_writing_ahead_where_nothing_is(trace):
    control = AHEAD.control.model_copy(update={"prefetch": False})
    return trace, replace(AHEAD.work, control=control)


# Waits for nothing, and haste.


@planted(PLAIN, r"encoder hold_symbol, sample 1, product 0.* waits for nothing since")
def departure_that_waits_for_nothing(trace):
    return later(trace, find(trace, "propagate", 1, 0), 2)


@planted(PLAIN, r"encoder encode, sample 0, product 1.* starts before the bank was ready")
def overlap_where_it_is_off(trace):
    control = PLAIN.control.model_copy(update={"overlap": False})
    return trace, replace(PLAIN.work, control=control)


@planted(APART, r"encoder encode, sample 0, product 1.* waits for nothing since")
def no_overlap_where_it_is_on(trace):
    control = APART.control.model_copy(update={"overlap": True})
    return trace, replace(APART.work, control=control)


@planted(SAME_BANK, r"encoder encode, sample ., product .* (waits for nothing|starts before)")
def blocks_that_wait_though_more_samples_fit(trace):
    control = SAME_BANK.control.model_copy(update={"block": 4})
    return trace, replace(SAME_BANK.work, control=control, memory_capacity=4)


@planted(PLAIN, r"front_end map_input, sample 2.* waits for nothing since .* the encoder took")
def front_end_that_idles(trace):
    row = find(trace, "map_input", 2)
    other = int(np.flatnonzero(trace.end_fs > trace.start_fs[row])[0])
    start = int(trace.end_fs[other])
    idle = edit(trace, row, start_fs=start, end_fs=start + 4, cause=other)
    return in_order(edit(idle, 2, arrival_fs=start))


@planted(TIMES, "sample 2 arrives at 60 fs .* but its spans run from|waits|has no cause")
def sample_that_comes_to_an_idle_front_end_and_waits(trace):
    return edit(later(trace, find(trace, "map_input", 2), 4), 2, arrival_fs=60)


@planted(RANDOM, "starts before the sample arrived|but its spans run from")
def sample_that_is_served_before_it_comes(trace):
    sample = int(np.flatnonzero(np.diff(trace.arrival_fs) > 60)[0]) + 1
    return edit(trace, sample, arrival_fs=trace.arrival_fs[sample] + 1)


@planted(
    AHEAD, r"weight_banks.1 write.* waits for nothing since 19 fs, when the last use of the ba"
)
def second_driver_that_idles(trace):
    control = AHEAD.control.model_copy(update={"write_drivers": 2})
    return trace, replace(AHEAD.work, control=control)


@planted(TWO_DRIVERS, "is write 2 of 1")
def writes_ahead_by_more_drivers_than_there_are(trace):
    control = TWO_DRIVERS.control.model_copy(update={"write_drivers": 1})
    return trace, replace(TWO_DRIVERS.work, control=control)


@planted(LOOP, "starts later than its cause")
def state_that_is_taken_from_the_loop_late(trace):
    return later(trace, find(trace, "encode", 0, 1), 2)


# Refreshes.


@planted(REFRESH, "comes 15 fs after the write before it")
def refresh_that_comes_too_early(trace):
    later_on = REFRESH.control.model_copy(update={"refresh_interval": 16e-15})
    return trace, replace(REFRESH.work, control=later_on)


@planted(REFRESH, "multiplies while bank 0 is written|starts while the lane is busy")
def refresh_while_a_sample_is_on_its_way(trace):
    return edit(trace, find(trace, "refresh"), start_fs=14, cause=-1)


@planted(REFRESH, r"weight_banks.0 refresh.* waits for nothing since 29 fs, due at 27 fs")
def late_refresh(trace):
    row = find(trace, "refresh", nth=1)
    return in_order(edit(trace, row, start_fs=31, end_fs=41, cause=-1))


@planted(REFRESH, "bank 0 is not refreshed from 29 fs on, due at 27 fs")
def missing_refresh(trace):
    return without(trace, find(trace, "refresh", nth=1))


@planted(REFRESH, "refreshes a bank that needs no refresh")
def refresh_that_was_not_ordered(trace):
    never = REFRESH.control.model_copy(update={"refresh_interval": None})
    return trace, replace(REFRESH.work, control=never)


# Requests.


@planted(FULL, "request 1 is dropped at 0 fs, though 0 wait in a queue for 2")
def other_requests_dropped(trace):
    return replace(trace, dropped=np.array([1, 2]))


@planted(FULL, "4 samples and 1 dropped requests; expected 6 in all")
def request_that_is_lost(trace):
    return replace(trace, dropped=trace.dropped[:1])


@planted(PLAIN, "request 0 is dropped, though nothing limits the queue|expected 3 in all")
def request_dropped_where_all_find_a_place(trace):
    return replace(trace, dropped=np.array([0]))
