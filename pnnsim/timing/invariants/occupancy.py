"""Invariants of occupancy: no part serves more at once than it can hold."""

from __future__ import annotations

import numpy as np

from pnnsim.common.times import in_order
from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import Columns, Ints, is_shared
from pnnsim.timing.invariants.digital_steps import results_taken_fs
from pnnsim.timing.invariants.faults import fail, first
from pnnsim.timing.invariants.grouping import groups
from pnnsim.timing.invariants.passages import Passages


def parts_serve_one_at_a_time(trace: Columns) -> None:
    """Check that each lane does one thing at a time; the path and the memory do any number.

    Guards "each part serves one sample at a time; propagation does not occupy".
    """
    for lane, rows in groups(trace.unit).items():
        if is_shared(trace.units[lane]):
            continue
        rows = rows[in_order(trace.end_fs[rows], trace.start_fs[rows])]
        busy_until = np.maximum.accumulate(trace.end_fs[rows])
        late = first(trace.start_fs[rows][1:] < busy_until[:-1])
        if late is not None:
            fail(
                trace,
                int(rows[late + 1]),
                f"starts while the lane is busy until {busy_until[late]}",
            )


def memory_holds_its_capacity(run: Passages) -> None:
    """Check that no more states are in memory than fit, each until it is encoded last.

    Guards "`memory` holds the state between steps; capacity in samples". A state that is kept stays
    until the sample behind it in its stream is encoded.
    """
    held = run.hold_rows >= 0
    begins = np.append(np.flatnonzero(run.of_products("begins")), run.products)
    last_fold = run.encode_start[:, begins[1:] - 1]
    begin = run.start(run.hold_rows)
    end = np.zeros_like(begin)
    # A state is held behind the last product of a step, for the step behind it.
    end[:, begins[1:-1] - 1] = last_fold[:, 1:]
    if run.work.stateful:
        block = run.work.control.block
        end[:, -1] = run.end(run.hold_rows)[:, -1]
        end[:-block, -1] = last_fold[block:, 0]
    begin, end = begin[held], end[held]
    order = np.argsort(begin, kind="stable")
    states = under_way(begin[order], end)
    over = first(states > run.work.memory_capacity)
    if over is not None:
        fail(
            run.trace,
            int(run.hold_rows[held][order[over]]),
            f"is state {states[over]} in a memory for {run.work.memory_capacity} states",
        )


def results_find_places(run: Passages) -> None:
    """Results that wait for the readout are those of the blocks in flight and one, at most.

    Guards "Readout. It has places for two blocks".
    """
    done, read = run.end(run.activate_rows)[:, -1], run.start(run.output_rows[:, 0])
    if run.work.converts:
        done, read = run.end(run.digitize_rows)[:, -1], results_taken_fs(run)
    order = np.argsort(done, kind="stable")
    waiting = under_way(done[order], read)
    most = (1 + run.work.control.blocks_in_flight) * run.work.control.block
    over = first(waiting > most)
    if over is not None:
        raise InvariantError(
            f"trace: {waiting[over]} results wait for the readout at {done[order][over]} fs; "
            f"expected at most {most}, those of {most // run.work.control.block} blocks"
        )


def drivers_write_their_number(run: Passages) -> None:
    """No more banks are written at once than there are drivers.

    Guards "one write driver for all banks". The tiles of a logical bank share drivers, which write
    it in turns where they are too few.
    """
    trace = run.trace
    writes = np.concatenate([trace.rows("write"), trace.rows("refresh")])
    writes = writes[in_order(trace.end_fs[writes], trace.start_fs[writes])]
    busy = under_way(trace.start_fs[writes], trace.end_fs[writes])
    over = first(busy > run.drivers)
    if over is not None:
        fail(trace, int(writes[over]), f"is write {busy[over]} of {run.drivers}")


def front_end_does_one_job(run: Passages) -> None:
    """No two jobs of the front end run at once.

    Guards "`front_end`: one engine: two jobs do not run at the same time".
    """
    trace = run.trace
    lanes = [n for n, unit in enumerate(trace.units) if unit.partition(".")[0] == "front_end"]
    rows = np.flatnonzero(np.isin(trace.unit, lanes))
    rows = rows[in_order(trace.end_fs[rows], trace.start_fs[rows])]
    busy = under_way(trace.start_fs[rows], trace.end_fs[rows])
    over = first(busy > 1)
    if over is not None:
        fail(trace, int(rows[over]), f"is job {busy[over]} of a front end that does 1 at once")


def under_way(begin_fs: Ints, end_fs: Ints) -> Ints:
    """Return how many of some stretches are under way at the begin of each, itself counted.

    One that takes no time has ended at its own begin and counts as one that is not there.

    Args:
        begin_fs: Begins, ascending [fs].
        end_fs: Ends, in any order [fs].
    """
    ended = np.searchsorted(np.sort(end_fs), begin_fs, side="right")
    return np.asarray(np.arange(1, len(begin_fs) + 1) - ended, np.int64)
