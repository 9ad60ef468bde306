"""Check that a trace keeps the laws of the machine: conservation, capacity, causality, rest.

It reads a trace only and shares no code with the simulation, so that it can find its faults. A
fault is a bug of ours or a damaged trace, never a user's error; it is reported all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from pnnsim.columns import ACTIONS, NO_CAUSE, PATH_LANE, Columns, Ints
from pnnsim.errors import ScheduleError
from pnnsim.params.machine import ControlParams
from pnnsim.times import Times
from pnnsim.work import Work


def check(trace: Columns, work: Work) -> None:
    """Raise if a trace of one core breaks a law; return nothing if it keeps them all.

    Args:
        trace: The trace of a whole run.
        work: What was to be done, and with what.

    Raises:
        ScheduleError: The first law that is broken, and the row that breaks it.
    """
    _check_times(trace)
    _check_causes(trace)
    _check_counts(trace, work)
    _check_lanes(trace, work.memory_capacity)
    _check_blocks(trace, work.control)
    _check_results(trace, work.control)
    _check_switch(trace)
    _check_contents(trace, work.order)
    _check_writes(trace, work)


def _fail(trace: Columns, row: int, what: str) -> NoReturn:
    raise ScheduleError(
        f"trace row {row} ({trace.units[trace.unit[row]]} {ACTIONS[trace.action[row]]}, wave "
        f"{trace.wave[row]}, step {trace.step[row]}, {trace.start_fs[row]} to {trace.end_fs[row]} "
        f"fs): {what}"
    )


def _first(broken: Ints | np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int | None:
    """Return the first index where the condition holds."""
    found = np.flatnonzero(broken)
    return int(found[0]) if len(found) else None


def _never(trace: Columns) -> int:
    """Return a time after all that happens [fs]."""
    return int(trace.end_fs.max(initial=0)) + 1


def _check_times(trace: Columns) -> None:
    """Each span ends no earlier than it starts, rows are in order of their ends, results come."""
    row = _first(trace.end_fs < trace.start_fs)
    if row is not None:
        _fail(trace, row, "ends before it starts")
    row = _first(np.diff(trace.end_fs) < 0)
    if row is not None:
        _fail(trace, row + 1, f"stands below row {row}, which ends later")
    row = _first((trace.wave < -1) | (trace.wave >= trace.waves))
    if row is not None:
        _fail(trace, row, f"serves a wave that is none of the {trace.waves}")
    if len(trace.result_fs) != trace.waves:
        raise ScheduleError(
            f"trace: got {len(trace.result_fs)} results; expected one for each of the "
            f"{trace.waves} waves"
        )
    wave = _first(trace.result_fs < trace.arrival_fs)
    if wave is not None:
        raise ScheduleError(
            f"trace: wave {wave} has its result at {trace.result_fs[wave]} fs, before its arrival "
            f"at {trace.arrival_fs[wave]} fs"
        )
    last_end = np.full(trace.waves, -1, dtype=trace.end_fs.dtype)
    first_start = np.full(trace.waves, _never(trace), dtype=trace.start_fs.dtype)
    outside = (trace.wave >= 0) & (trace.step < 0)
    np.maximum.at(last_end, trace.wave[outside], trace.end_fs[outside])
    np.minimum.at(first_start, trace.wave[outside], trace.start_fs[outside])
    wave = _first((last_end != trace.result_fs) | (first_start < trace.arrival_fs))
    if wave is not None:
        raise ScheduleError(
            f"trace: wave {wave} arrives at {trace.arrival_fs[wave]} fs and has its result at "
            f"{trace.result_fs[wave]} fs, but its spans run from {first_start[wave]} to "
            f"{last_end[wave]} fs"
        )


def _check_causes(trace: Columns) -> None:
    """Each span has a cause in an earlier row and starts when it ended; departures may wait.

    A refresh may begin by itself, when it is due.
    """
    rows = np.arange(len(trace))
    arrives = np.zeros(len(trace), dtype=bool)
    inputs = np.flatnonzero((trace.wave >= 0) & (trace.step < 0))
    arrives[inputs] = trace.start_fs[inputs] == trace.arrival_fs[trace.wave[inputs]]
    arrives[trace.rows("refresh")] = True
    row = _first((trace.cause == NO_CAUSE) & ~arrives)
    if row is not None:
        _fail(trace, row, "has no cause and is no arrival")
    row = _first((trace.cause < NO_CAUSE) | (trace.cause >= rows))
    if row is not None:
        _fail(trace, row, f"has row {trace.cause[row]} as its cause; expected an earlier row")
    caused = trace.cause != NO_CAUSE
    freed = np.where(caused, trace.end_fs[trace.cause], trace.start_fs)
    row = _first(trace.start_fs < freed)
    if row is not None:
        _fail(trace, row, f"starts before its cause, row {trace.cause[row]}, ends at {freed[row]}")
    departs = np.isin(trace.action, [ACTIONS.index("propagate"), ACTIONS.index("drive")])
    row = _first((trace.start_fs > freed) & ~departs)
    if row is not None:
        _fail(
            trace, row, f"starts later than its cause, row {trace.cause[row]}, ends at {freed[row]}"
        )


def _check_counts(trace: Columns, work: Work) -> None:
    """Every wave meets every step exactly once, in order; what is held is held between steps.

    Of a step that is folded each fold is multiplied, and the last one activates. A state that is
    kept is held behind the last step, too.
    """
    way = ("encode", "propagate", "mvm", "detect", "activate", "hold")
    steps, block, keeps = len(work.order), work.control.block, work.keeps
    ends_step = np.arange(1, steps + 1) % work.folds == 0
    previous_end = np.full((trace.waves, steps), -1, dtype=trace.end_fs.dtype)
    for action in way:
        rows = trace.rows(action)
        outside = _first(
            (trace.wave[rows] < 0) | (trace.step[rows] < 0) | (trace.step[rows] >= steps)
        )
        if outside is not None:
            _fail(trace, int(rows[outside]), "serves no wave or no step of the network")
        cells = trace.wave[rows] * steps + trace.step[rows]
        counts = np.bincount(cells, minlength=trace.waves * steps).reshape(-1, steps)
        wanted = np.ones((trace.waves, steps), dtype=np.int64)
        if action in ("activate", "hold"):
            wanted[:] = ends_step
        if action == "hold" and not keeps:
            wanted[:, -1] = 0
        cell = _first((counts != wanted).ravel())
        if cell is not None:
            wave, step = divmod(cell, steps)
            raise ScheduleError(
                f"trace: wave {wave} has {counts[wave, step]} {action} spans at step {step}; "
                f"expected {wanted[wave, step]}"
            )
        early = _first(trace.start_fs[rows] < previous_end.ravel()[cells])
        if early is not None:
            _fail(trace, int(rows[early]), "starts before the wave has been through the part ahead")
        previous_end.ravel()[cells] = trace.end_fs[rows]
    encodes = trace.rows("encode")
    later = encodes[trace.step[encodes] > 0]
    early = _first(trace.start_fs[later] < previous_end[trace.wave[later], trace.step[later] - 1])
    if early is not None:
        _fail(trace, int(later[early]), "starts before the state of the step before is held")
    if keeps:
        again = encodes[(trace.step[encodes] == 0) & (trace.wave[encodes] >= block)]
        early = _first(trace.start_fs[again] < previous_end[trace.wave[again] - block, -1])
        if early is not None:
            _fail(trace, int(again[early]), "starts before the state of the wave before is held")


def _check_lanes(trace: Columns, memory_capacity: int) -> None:
    """Each lane does one thing at a time; the path does any number, the memory its capacity."""
    for lane, unit in enumerate(trace.units):
        rows = np.flatnonzero(trace.unit == lane)
        if unit == PATH_LANE or not len(rows):
            continue
        rows = rows[np.lexsort((trace.end_fs[rows], trace.start_fs[rows]))]
        if unit == "memory":
            _check_memory(trace, rows, memory_capacity)
            continue
        busy_until = np.maximum.accumulate(trace.end_fs[rows])
        late = _first(trace.start_fs[rows][1:] < busy_until[:-1])
        if late is not None:
            _fail(
                trace,
                int(rows[late + 1]),
                f"starts while the lane is busy until {busy_until[late]}",
            )


def _check_memory(trace: Columns, rows: Ints, capacity: int) -> None:
    """Count the spans under way at the start of each, which must fit in the memory."""
    under_way = _under_way(trace.start_fs[rows], trace.end_fs[rows])
    over = _first(under_way > capacity)
    if over is not None:
        _fail(
            trace, int(rows[over]), f"is state {under_way[over]} in a memory for {capacity} states"
        )


def _check_blocks(trace: Columns, control: ControlParams) -> None:
    """Waves that are in the loop together are a block: at most as many as were allowed."""
    left = np.zeros(trace.waves, dtype=trace.end_fs.dtype)
    activates, encodes = trace.rows("activate"), trace.rows("encode")
    np.maximum.at(left, trace.wave[activates], trace.end_fs[activates])
    enters = encodes[trace.step[encodes] == 0]
    enters = enters[np.argsort(trace.wave[enters])]
    alone = np.append(True, trace.start_fs[enters][1:] >= np.maximum.accumulate(left)[:-1])
    waves = np.arange(trace.waves)
    first = np.maximum.accumulate(np.where(alone, waves, 0))
    early = _first(waves - first >= control.block)
    if early is not None:
        _fail(trace, int(enters[early]), "starts while the block before is in the loop")


def _check_results(trace: Columns, control: ControlParams) -> None:
    """Results that wait for the readout are those of two blocks at most."""
    done = np.zeros(trace.waves, dtype=trace.end_fs.dtype)
    activates = trace.rows("activate")
    np.maximum.at(done, trace.wave[activates], trace.end_fs[activates])
    outputs = np.flatnonzero((trace.wave >= 0) & (trace.step < 0))
    outputs = outputs[trace.start_fs[outputs] >= done[trace.wave[outputs]]]
    read = np.full(trace.waves, _never(trace), dtype=trace.start_fs.dtype)
    np.minimum.at(read, trace.wave[outputs], trace.start_fs[outputs])
    order = np.argsort(done, kind="stable")
    waiting = _under_way(done[order], read)
    over = _first(waiting > 2 * control.block)
    if over is not None:
        raise ScheduleError(
            f"trace: {waiting[over]} results wait for the readout at {done[order][over]} fs; "
            f"expected at most {2 * control.block}, those of two blocks"
        )


def _check_switch(trace: Columns) -> None:
    """The switch rests, on the bank of the wave, from each departure to each capture."""
    departs, mvms, detects = (_in_order(trace, name) for name in ("propagate", "mvm", "detect"))
    routes = trace.rows("route")
    moving, latest = _neighbors(trace, routes, detects, trace.start_fs[departs])
    if moving is not None:
        _fail(trace, int(departs[moving]), "is under way while the switch moves")
    initial = trace.bank[mvms[np.argmin(mvms)]]
    selected = np.append(trace.bank[routes], initial)[latest]
    wrong = _first((trace.bank[mvms] != selected) | (trace.bank[departs] != selected))
    if wrong is not None:
        _fail(trace, int(mvms[wrong]), f"uses a bank while the switch rests on {selected[wrong]}")


def _check_contents(trace: Columns, order: Sequence[int]) -> None:
    """Each product uses the weight set of its step, and its bank holds this set all the time."""
    departs, mvms, detects = (_in_order(trace, name) for name in ("propagate", "mvm", "detect"))
    writes = np.sort(np.concatenate([trace.rows("write"), trace.rows("refresh")]))
    wrong = _first(trace.weight_set[mvms] != np.array(order)[trace.step[mvms]])
    if wrong is not None:
        row = int(mvms[wrong])
        _fail(trace, row, f"uses weight set {trace.weight_set[row]}; expected that of its step")
    for bank in np.unique(trace.bank[mvms]):
        here = trace.bank[mvms] == bank
        used = mvms[here]
        written = writes[trace.bank[writes] == bank]
        # From the departure to the capture, as light cannot wait.
        spoilt, latest = _neighbors(trace, written, detects[here], trace.start_fs[departs[here]])
        if spoilt is not None:
            _fail(trace, int(used[spoilt]), f"multiplies while bank {bank} is written")
        first = trace.weight_set[used[np.argmin(used)]]
        before = np.append(first, trace.weight_set[written][:-1])[: len(written)]
        again = trace.action[written] == ACTIONS.index("refresh")
        wrong = _first(again & (trace.weight_set[written] != before))
        if wrong is not None:
            _fail(trace, int(written[wrong]), f"refreshes bank {bank}, which holds {before[wrong]}")
        # Before any write a bank holds what the set-up gave it, seen at its first use.
        holds = np.append(trace.weight_set[written], first)[latest]
        wrong = _first(trace.weight_set[used] != holds)
        if wrong is not None:
            _fail(trace, int(used[wrong]), f"uses bank {bank}, which holds set {holds[wrong]}")


def _check_writes(trace: Columns, work: Work) -> None:
    """No more banks are written at once than there are drivers, and none is refreshed early.

    The tiles of a logical bank share drivers, which write it in turns where they are too few.
    """
    control = work.control
    most = max(1, control.write_drivers // work.mapping.tiles)
    writes = np.concatenate([trace.rows("write"), trace.rows("refresh")])
    writes = writes[np.lexsort((trace.end_fs[writes], trace.start_fs[writes]))]
    under_way = _under_way(trace.start_fs[writes], trace.end_fs[writes])
    over = _first(under_way > most)
    if over is not None:
        _fail(trace, int(writes[over]), f"is write {under_way[over]} of {most}")
    for bank in np.unique(trace.bank[trace.rows("refresh")]):
        mine = writes[trace.bank[writes] == bank]
        age_fs = np.diff(trace.start_fs[mine], prepend=0)
        again = trace.action[mine] == ACTIONS.index("refresh")
        # Rounded to a femtosecond, as the interval of the machine is.
        early = _first(again & (age_fs < round((control.refresh_interval or 0.0) * 1e15)))
        if early is not None:
            _fail(trace, int(mine[early]), f"comes {age_fs[early]} fs after the write before it")


def _under_way(begin_fs: Times, end_fs: Times) -> Ints:
    """Return how many of some stretches are under way at the begin of each, itself counted.

    One that takes no time has ended at its own begin and counts as one that is not there.

    Args:
        begin_fs: Begins, ascending [fs].
        end_fs: Ends, in any order [fs].
    """
    ended = np.searchsorted(np.sort(end_fs), begin_fs, side="right")
    return np.asarray(np.arange(1, len(begin_fs) + 1) - ended, np.int64)


def _in_order(trace: Columns, action: str) -> Ints:
    """Return the rows with an action by wave, and for each wave by step."""
    rows = trace.rows(action)
    return rows[np.lexsort((trace.step[rows], trace.wave[rows]))]


def _neighbors(
    trace: Columns, changes: Ints, ends: Ints, start_fs: Times
) -> tuple[int | None, Ints]:
    """Place windows between changes of the switch or of a bank.

    Rows decide what comes first, as changes and windows may take no time at all.

    Args:
        trace: The trace.
        changes: Rows of the changes, ascending.
        ends: Rows with which the windows end.
        start_fs: Starts of the windows [fs].

    Returns:
        The first window that a change overlaps, or None; and for each window the index of the last
        change before it, -1 where there is none.
    """
    latest = np.searchsorted(changes, ends) - 1
    ended = np.append(trace.end_fs[changes], -1)
    begins = np.append(trace.start_fs[changes], _never(trace))
    overlapped = (ended[latest] > start_fs) | (begins[latest + 1] < trace.end_fs[ends])
    return _first(overlapped), latest
