"""Each of many traces that are damaged on purpose is refused, and sound ones pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pnnsim.errors import InvariantError, PnnsimError
from pnnsim.mapping.delays import Stage
from pnnsim.mapping.work import Work
from pnnsim.timing import invariants
from pnnsim.timing.arrivals import Arrivals, poisson
from pnnsim.timing.invariants.occupancy import results_find_places
from pnnsim.timing.invariants.passages import passages
from pnnsim.timing.multicore import ParallelTrace
from pnnsim.timing.run import run_cores, run_timing
from pnnsim.timing.trace import Trace
from tests.timing.machines import Machine, machine
from tests.timing.planted import Fault, added, edit, find, in_order, later, swapped, without

PLAIN = machine(samples=3)
BLOCKS = machine(samples=4, block=2, hold_fs=9)
SAME_BANK = machine(samples=4, block=2, sets=1, banks=1)
TWO_DRIVERS = machine(
    sets=3, steps=6, banks=2, prefetch=True, write_drivers=2, route_fs=3, write_fs=20
)
QUEUE = machine(samples=5, block=5)
APART = machine(samples=2, overlap=False)
REWRITE = machine(samples=2, sets=3, steps=3, route_fs=3, write_fs=10)
AHEAD = machine(samples=2, sets=3, steps=3, banks=2, prefetch=True, route_fs=3, write_fs=20)
#: Bank 0 is refreshed at 15 and 29, see `test_timing_refresh`.
REFRESH = machine(samples=3, block=3, sets=1, steps=1, banks=1, write_fs=10, refresh_fs=12)
TWO_DUE = machine(samples=4, write_fs=10, refresh_fs=25, write_drivers=2)
#: Two tiles on one bank: two products in each of two steps.
FOLDS = machine(samples=2, sets=1, steps=2, banks=1, tile=(2, 4), write_fs=6)
TILES = machine(samples=4, banks=4, tile=(2, 4), write_fs=10, refresh_fs=25, write_drivers=4)
#: A loop with room for two states, each of which comes back after 20.
LOOP = machine(samples=4, block=2, hold_fs=20)
RANDOM = machine(samples=12, block=3, arrivals=poisson(12, 1 / 40e-15, 3))
#: A queue with two places, and more that come.
FULL = machine(
    samples=6, sets=1, steps=1, banks=1, arrivals=Arrivals(6, (0,) * 5 + (40,), capacity=2)
)
TIMES = machine(samples=3, arrivals=Arrivals(3, (0, 5, 60)))
SLOW_READOUT = machine(
    samples=5, sets=1, steps=1, banks=1, output=(Stage("readout", "convert", 16),)
)
CONVERTERS = machine(
    samples=3,
    input=(Stage("front_end", "map_input", 2), Stage("encoder.dac", "convert", 2)),
    output=(Stage("readout", "convert", 3), Stage("front_end.output", "map_output", 4)),
)
KEPT = replace(machine(samples=4, block=2, route_fs=2).work, stateful=True)

FAULTS: list[Fault] = []
Damage = Callable[[Trace], Trace | tuple[Trace, Work]]


def planted(case: Machine | Work, message: str) -> Callable[[Damage], Damage]:
    """Enter a damage into the table, under the name of the function."""

    def enter(damage: Damage) -> Damage:
        work = case.work if isinstance(case, Machine) else case
        requests = case.requests if isinstance(case, Machine) else Arrivals(4)
        FAULTS.append(Fault(damage.__name__, work, requests, damage, message))
        return damage

    return enter


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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found(fault: Fault) -> None:
    trace = run_timing(fault.work, fault.requests)
    trace.check(fault.work, fault.requests)
    damaged = fault.damage(trace)
    damaged, work = damaged if isinstance(damaged, tuple) else (damaged, fault.work)
    with pytest.raises(InvariantError, match=fault.message):
        damaged.check(work, fault.requests)


@pytest.mark.parametrize("action", ["encode", "propagate", "mvm", "detect", "activate", "hold"])
def test_missing_span_is_found(action: str) -> None:
    trace = PLAIN.run()
    row = find(trace, action, 1, 0)
    # Its effects start when it ended; give them its interval, so that only the count is wrong.
    effects = np.flatnonzero(trace.cause == row)
    broken = without(edit(trace, effects, start_fs=trace.start_fs[row]), row)
    with pytest.raises(
        InvariantError, match=f"sample 1 has 0 {action} spans at step 0; expected 1"
    ):
        broken.check(PLAIN.work)


def test_results_beyond_the_places_of_the_readout_are_found() -> None:
    trace = SLOW_READOUT.run()
    # The first result is read when all others have come.
    late = edit(trace, find(trace, "convert", 0), start_fs=trace.end_fs[-1])
    run = passages(late, SLOW_READOUT.work, None)
    text = r"3 results wait for the readout .* expected at most 2"
    with pytest.raises(InvariantError, match=text):
        results_find_places(run)


def test_fault_on_one_of_several_cores_is_found() -> None:
    control = BLOCKS.control.model_copy(update={"cores": 2})
    work = replace(BLOCKS.work, control=control)
    run = run_cores(run_timing, work, Arrivals(8))
    assert isinstance(run, ParallelTrace)
    run.check(work, Arrivals(8))
    first, second = run.parts
    assert isinstance(second, Trace)
    broken = later(second, find(second, "activate", 3, 1), 3, longer=True)
    with pytest.raises(InvariantError, match=r"nonlinearity activate.* takes 5 fs; expected 2"):
        replace(run, parts=(first, broken)).check(work, Arrivals(8))


def test_broken_invariant_is_no_users_error() -> None:
    assert not issubclass(InvariantError, PnnsimError)
    trace = PLAIN.run()
    with pytest.raises(InvariantError, match="timing: internal: the simulated run breaks a rule"):
        edit(trace, 4, sample=3).check(PLAIN.work)


def test_every_invariant_states_the_rule_that_it_guards() -> None:
    helpers = {"check", "check_passages", "gates", "blamed_on_pnnsim", "Passages", "Requests"}
    rules = {
        name: rule
        for name, rule in vars(invariants).items()
        if callable(rule) and name not in helpers and name.islower()
    }
    silent = [name for name, rule in rules.items() if "Guards" not in (rule.__doc__ or "")]
    assert len(rules) > 15
    assert silent == []
