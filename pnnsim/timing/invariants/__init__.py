"""Check that a trace keeps the rules of its machine, one named invariant after the other.

This reads a trace and what was to be done (`pnnsim.mapping.work.Work`: delays, order, mapping,
control) and shares no code with the simulation or its planning, so that it can find their faults.
Each invariant is one function whose docstring names the rule of the design that it guards. A broken
one is a fault of pnnsim, never a user's error.

    order, causes        `order`         rows ascend, what begins was released by what ended
    occupancy            `occupancy`     no part, memory, driver or queue holds more than it can
    passages             `passages`      every sample passes every part once for each product
    turns                `turns`         blocks are served in turns
    contents             `contents`      the switch rests, banks hold what is used
    durations, amounts   `durations`     every span takes the delay of its part, and counts
    schedule             `schedule`      writes and moves are those needed, none else
    eagerness            `eagerness`     what could start does; what starts, may
    programming          `programming`   writes and refreshes begin when due and possible
    requests             `requests`      samples are the requests, drops have a reason
"""

from __future__ import annotations

from pnnsim.mapping.actions import Columns
from pnnsim.mapping.work import Work
from pnnsim.timing.invariants.blocks import Requests
from pnnsim.timing.invariants.contents import banks_hold_what_is_used, switch_rests
from pnnsim.timing.invariants.durations import (
    spans_count_what_is_priced,
    spans_last_as_long_as_parts_take,
)
from pnnsim.timing.invariants.eagerness import (
    encoder_starts_when_it_can,
    front_end_starts_when_it_can,
    readout_starts_when_it_can,
    samples_depart_when_they_can,
    switch_moves_when_it_can,
)
from pnnsim.timing.invariants.faults import blamed_on_pnnsim
from pnnsim.timing.invariants.occupancy import (
    drivers_write_their_number,
    front_end_does_one_job,
    memory_holds_its_capacity,
    parts_serve_one_at_a_time,
    results_find_places,
)
from pnnsim.timing.invariants.order import causes_precede, times_ascend
from pnnsim.timing.invariants.passages import Passages, passages
from pnnsim.timing.invariants.programming import (
    gates,
    refreshes_start_when_due,
    writes_start_when_they_can,
)
from pnnsim.timing.invariants.requests import (
    requests_are_dropped_where_the_queue_is_full,
    samples_arrive_when_requested,
)
from pnnsim.timing.invariants.schedule import changes_are_those_of_the_plan
from pnnsim.timing.invariants.turns import blocks_take_turns

__all__ = ["Requests", "check", "check_passages"]


def check(trace: Columns, work: Work, requests: Requests | None = None) -> None:
    """Raise if a trace of one core breaks an invariant; return nothing if it keeps them all.

    Args:
        trace: The trace of a whole run.
        work: What was to be done, and with what.
        requests: Whom it was to serve; where not given, the arrivals of the trace are believed.

    Raises:
        InvariantError: The first invariant that is broken, and the row that breaks it.
    """
    with blamed_on_pnnsim():
        times_ascend(trace)
        causes_precede(trace, work.trains_fs, double_buffered=work.delays.double_buffered)
        parts_serve_one_at_a_time(trace)
        run = passages(trace, work, requests)
        samples_arrive_when_requested(run)
        requests_are_dropped_where_the_queue_is_full(run)
        check_passages(run)


def check_passages(run: Passages) -> None:
    """Apply every invariant of what samples pass; those behind rely on those ahead of them."""
    trace, work = run.trace, run.work
    switch_rests(trace)
    banks_hold_what_is_used(trace, work.order)
    spans_last_as_long_as_parts_take(run)
    spans_count_what_is_priced(run)
    memory_holds_its_capacity(run)
    results_find_places(run)
    drivers_write_their_number(run)
    front_end_does_one_job(run)
    blocks_take_turns(run)
    changes = changes_are_those_of_the_plan(run)
    jobs = gates(run, changes)
    front_end_starts_when_it_can(run)
    encoder_starts_when_it_can(run, changes)
    samples_depart_when_they_can(run, changes, jobs)
    readout_starts_when_it_can(run)
    switch_moves_when_it_can(run, changes)
    writes_start_when_they_can(run, changes, jobs)
    refreshes_start_when_due(run, jobs)
