"""Time a run: simulate its events, or as many of them as decide all others.

The exact way simulates every event (`pnnsim.timing.core`). The fast way simulates a shorter run of
the same machine. Every span begins when the last of some earlier spans ends (or, for a departure,
at a fixed time after one), and these belong to the same block of samples or to one of a few blocks
before. So when a few blocks in a row look exactly like a few blocks earlier, at the same place of
the plan, all later blocks repeat what came in between. This is seen in whole numbers; nothing is
fitted.

Reference: the schedule is a max-plus linear system, and such systems become periodic: Baccelli,
Cohen, Olsder and Quadrat, Synchronization and Linearity, Wiley, 1992, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pnnsim.common.times import Times
from pnnsim.common.units import from_fs, to_fs
from pnnsim.errors import ScheduleError
from pnnsim.mapping.actions import ACTIONS, NO_CAUSE, TABLE, Ints
from pnnsim.mapping.plan import period_within
from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.core import Core, Progress
from pnnsim.timing.multicore import AnyTrace, ParallelTrace
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.steady_state import Blocks, find_period
from pnnsim.timing.trace import Trace

Flags = NDArray[np.bool_]
Table = dict[str, Times]

#: Order in which spans of one sample and step stand that end together and take no time.
_RANK = np.array([action.place for action in TABLE])
_REFRESH = ACTIONS.index("refresh")
#: Runs shorter than this many blocks are simulated whole.
_FEW_BLOCKS = 12
#: Refreshes of one run at most: each is an event, and a few million take minutes.
_MOST_REFRESHES = 1_000_000


def run_timing(work: Work, samples: int | Arrivals, progress: Progress | None = None) -> Trace:
    """Simulate the passage of samples through one core, event by event.

    The front end keeps a sample until the encoder takes it over, and the readout the results of two
    blocks.

    Args:
        work: What is to be done, and with what.
        samples: When samples come, or their number where they come as fast as they are taken.
        progress: Called with (results so far, samples) about a hundred times.

    Raises:
        ScheduleError: The block does not fit in the memory, or there is no sample.
    """
    arrivals = _arrivals(samples)
    _refuse(work, arrivals)
    core = Core(work, arrivals, progress)
    core.run()
    return _trace(core)[0]


def run_fast(
    work: Work, samples: int | Arrivals, progress: Progress | None = None
) -> Trace | PeriodicTrace:
    """Simulate a run until it repeats itself; what it then stands for is `run_timing`'s to the fs.

    A run that does not repeat itself soon is simulated whole. So is one in which a bank is
    refreshed, as refreshes and blocks have no period in common.

    Args:
        work: What is to be done, and with what.
        samples: When samples come, or their number where they come as fast as they are taken.
        progress: As of `run_timing`; not used where the run is cut short.

    Raises:
        ScheduleError: As `run_timing`.
    """
    arrivals = _arrivals(samples)
    _refuse(work, arrivals)
    control = work.control
    if control.refresh_interval is not None:
        never = control.model_copy(update={"refresh_interval": None})
        unspoilt = run_fast(replace(work, control=never), arrivals)
        last_fs = int(unspoilt.base.arrival_fs[0]) + unspoilt.makespan_fs
        if last_fs <= to_fs(control.refresh_interval):
            return unspoilt

    def simulate(count: int) -> tuple[Trace, Blocks]:
        core = Core(work, arrivals.first(count))
        core.run()
        return _trace(core)

    recurs = control.refresh_interval is None and (arrivals.saturated or arrivals.interval_fs)
    if recurs and arrivals.count > _FEW_BLOCKS * control.block:
        # A run of which the plan's own period is half is simulated whole.
        half = arrivals.count // (2 * control.block)
        plan = period_within(half, work.order, work.mapping, work.policy)
        found = None if plan is None else find_period(simulate, arrivals, plan, work)
        if found is not None:
            return found
    return run_timing(work, arrivals, progress)


def run_cores(
    run: Callable[[Work, Arrivals, Progress | None], Trace | PeriodicTrace],
    work: Work,
    samples: int | Arrivals,
    progress: Progress | None = None,
) -> AnyTrace:
    """Share the samples out to the cores of a machine and time each core.

    Args:
        run: `run_timing` or `run_fast`; the other arguments are theirs.
        work: What is to be done, and with what.
        samples: When samples come to the host, or their number.
        progress: As of `run`, for the samples of all cores.

    Raises:
        ScheduleError: As `run_timing`.
    """
    arrivals = _arrivals(samples)
    control = work.control
    if control.cores == 1:
        return run(work, arrivals, progress)
    parts: list[Trace | PeriodicTrace] = []
    known: dict[int, Trace | PeriodicTrace] = {}
    before = 0

    def tell(done: int, _: int) -> None:
        if progress is not None:
            progress(before + done, arrivals.count)

    for mine in arrivals.deal(control.cores, control.block):
        # Cores that are always busy differ in nothing but the number of their samples.
        part = known.get(mine.count) if mine.saturated else None
        if part is None:
            part = run(work, mine, tell)
            known[mine.count] = part
        parts.append(part)
        before += mine.count
    return ParallelTrace.join(parts, cores=control.cores, deal=control.block)


def _arrivals(samples: int | Arrivals) -> Arrivals:
    return Arrivals(samples) if isinstance(samples, int) else samples


def _refuse(work: Work, arrivals: Arrivals) -> None:
    """Refuse a block that the memory cannot hold, and refreshes that are never over or too many."""
    control, capacity = work.control, work.memory_capacity
    if control.block > capacity:
        raise ScheduleError(
            f"control.block: a block of {control.block} samples needs memory for {control.block} "
            f"states, got a capacity of {capacity}; expected at most {capacity}. "
            "Hint: lower control.block or raise memory.capacity"
        )
    _refuse_blocks_in_flight(work)
    if control.refresh_interval is None:
        return
    rounds = -(-work.mapping.used // work.mapping.writers(control.write_drivers))
    least_fs = rounds * work.delays.write_fs
    if not 0 < least_fs < to_fs(control.refresh_interval):
        expected = f"more than the {from_fs(least_fs):.4g} s that it takes to write all banks"
        if not least_fs:
            expected = "banks whose writing takes time"
        raise ScheduleError(
            f"control.refresh_interval: got {control.refresh_interval:.4g} s; expected {expected}. "
            "Hint: raise control.refresh_interval or control.write_drivers"
        )
    run_fs = _least_time(work, arrivals)
    refreshes = run_fs * work.mapping.used // to_fs(control.refresh_interval)
    if refreshes > _MOST_REFRESHES:
        raise ScheduleError(
            f"control.refresh_interval: got {control.refresh_interval:.4g} s; banks would be "
            f"refreshed {float(refreshes):.3g} times in a run of {from_fs(run_fs):.4g} s or more; "
            f"expected at most {_MOST_REFRESHES} times. Hint: raise control.refresh_interval, "
            "simulate fewer samples, or make the slowest part faster"
        )


def _refuse_blocks_in_flight(work: Work) -> None:
    """Refuse several blocks in the loop where they do not fit, or cannot overtake each other."""
    control, count = work.control, work.control.blocks_in_flight
    if count == 1:
        return
    states = count * control.block
    reason = None
    if states > work.memory_capacity:
        reason = (
            f"memory for {states} states, got a capacity of {work.memory_capacity}. "
            "Hint: raise memory.capacity, or lower control.block or control.blocks_in_flight"
        )
    elif not work.mapping.resident:
        reason = (
            f"a bank for each weight set, got {work.mapping.logical} logical banks for "
            f"{work.mapping.matrices} contents: banks that are rewritten on the way serve one "
            "block after the other. Hint: raise weight_banks.count"
        )
    elif not control.overlap:
        reason = (
            "control.overlap: without it the switch waits for the state of the step before, and "
            "so would every other block"
        )
    elif work.stateful:
        reason = (
            "samples that begin anew: where the state is kept, a block begins with the state in "
            "which the block before has ended"
        )
    if reason is not None:
        raise ScheduleError(
            f"control.blocks_in_flight: got {count} blocks in the loop at once; expected {reason}"
        )


def _least_time(work: Work, arrivals: Arrivals) -> int:
    """Return what a run takes at least: until its last arrival, or its slowest server's work."""
    delays, products = work.delays, len(work.order)
    steps = work.products[-1].step + 1
    trains = sum(work.trains_fs)
    each_sample = max(delays.input_fs, products * delays.hold_symbol_fs + trains,
                    steps * delays.activate_fs, steps * delays.encode_fs, sum(work.jobs_fs),
                    delays.output_fs)  # fmt: skip
    # Where requests are turned away, only the first one is sure to be served.
    served = arrivals.count if arrivals.capacity is None else 1
    last = 0 if arrivals.times_fs is None else int(arrivals.times_fs[-1])
    return max(last, served * each_sample)


def _trace(core: Core) -> tuple[Trace, Blocks]:
    """Return what happened, as columns, and the block that each span served."""
    table = core.spans.table()
    firsts = np.array(core.tally.firsts, dtype=np.int64)
    block = np.searchsorted(firsts, table["sample"], side="right").astype(np.int64) - 1
    rows = np.fromiter(core.spans.block_of_row.keys(), np.int64, len(core.spans.block_of_row))
    served = np.fromiter(core.spans.block_of_row.values(), np.int64, len(core.spans.block_of_row))
    block[rows] = served
    table, block = _without(
        table, block, _served_no_sample(table, block, len(firsts), core.tally.results)
    )
    refreshed = table["action"] == _REFRESH
    rows = np.flatnonzero((table["sample"] < 0) & ~refreshed)
    sizes = np.diff(np.append(firsts, len(core.tally.results)))
    # A move for a block of one sample serves this sample; for a larger one, no single sample.
    table["sample"][rows] = np.where(sizes[block[rows]] == 1, firsts[block[rows]], -1)
    aside = np.zeros(len(block), dtype=bool)
    aside[rows] = True
    aside[refreshed] = True
    order = _row_order(table, block, firsts, aside, _places(core, len(firsts)), core.outputs)
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    place[-1] = -1
    table = {name: column[order] for name, column in table.items()}
    table["cause"] = place[table["cause"]]
    trace = Trace.from_table(
        core.spans.units,
        table,
        arrival_fs=core.tally.arrived,
        result_fs=core.tally.results,
        dropped=core.tally.queue.dropped,
        **_starts(core.work),
    )
    return trace, Blocks(firsts, block[order])


def _starts(work: Work) -> dict[str, Any]:
    """Return by what number steps and matrices are found among products and contents."""
    folds = work.mapping.folds
    if work.mapping.uniform:
        return {"folds": folds}
    steps = tuple(n for n, product in enumerate(work.products) if product.begins)
    return {
        "folds": folds, "step_starts": steps, "matrix_starts": work.mapping.first_contents
    }  # fmt: skip


def _served_no_sample(table: Table, block: Ints, blocks: int, results: Sequence[int]) -> Flags:
    """Return which rows served no sample: they prepared a block that never came, or too late."""
    action, start, bank = table["action"], table["start_fs"], table["bank"]
    gone = block >= blocks
    refreshed = action == _REFRESH
    gone |= refreshed & (start >= results[-1])
    for row in np.flatnonzero(gone & (action == ACTIONS.index("write"))):
        # What was refreshed there later had been written for no sample.
        gone |= refreshed & (bank == bank[row]) & (start > start[row])
    return gone


def _without(table: Table, block: Ints, gone: Flags) -> tuple[Table, Ints]:
    """Return the rows that stay; of these, only a refresh can have been caused by one that goes."""
    if not gone.any():
        return table, block
    place = np.append(np.where(gone, NO_CAUSE, np.cumsum(~gone) - 1), NO_CAUSE)
    table = {name: column[~gone] for name, column in table.items()}
    table["cause"] = place[table["cause"]]
    return table, block[~gone]


def _places(core: Core, blocks: int) -> Ints:
    """Return the place of each turn in the order of all, shape `(n_block, n_product)`."""
    turns = np.array(core.tally.turns, dtype=np.int64)
    places = np.zeros(max(int(turns.max()) + 1, blocks * len(core.work.order)), dtype=np.int64)
    places[turns] = np.arange(len(turns))
    return places[: blocks * len(core.work.order)].reshape(blocks, -1)


def _row_order(
    table: Table,
    block: Ints,
    firsts: Ints,
    aside: Flags,
    places: Ints,
    outputs: Collection[tuple[int, int]],
) -> Ints:
    """Return the order of rows: by end, then by the turn of the encoder, and by sample.

    SimPy breaks ties by the order in which events were scheduled, which depends on how long ago
    something began. This order depends on nothing but the spans. Of those that end together, those
    that take no time come last, as only these can have been caused by others.

    Args:
        table: Columns of the spans.
        block: Block of each span.
        firsts: First sample of each block.
        aside: Whether each span serves a block and no sample.
        places: Place of each turn in the order of all, shape `(n_block, n_product)`.
        outputs: Lane and action of the output stages, which come behind a block's last turn.
    """
    action, start, end = table["action"], table["start_fs"], table["end_fs"]
    sample, product = table["sample"], table["product"]
    output = np.zeros(len(block), dtype=bool)
    for lane, stage in outputs:
        output |= (table["unit"] == lane) & (action == stage)
    turn = 2 * places[block, np.where(output, -1, np.maximum(product, 0))] + output
    width = int(np.diff(np.append(firsts, sample.max() + 1)).max()) + 2
    inside = np.where(aside, 0, sample - firsts[block] + 1)
    key = (turn * width + inside) * len(ACTIONS) + _RANK[table["action"]]
    return np.lexsort((key, start == end, end)).astype(np.int64)
