"""Invariants of programming: banks are written and refreshed as soon as they can be, not before.

Args:
    run: The run, by sample and product.
    changes: Writes and moves that the plan has.
    jobs: Jobs that program banks.
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from pnnsim.common.times import after_all
from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import Ints
from pnnsim.timing.invariants.eagerness import access_over_fs
from pnnsim.timing.invariants.faults import fail
from pnnsim.timing.invariants.gates import Gates, gates_of
from pnnsim.timing.invariants.grouping import NOWHERE, groups
from pnnsim.timing.invariants.needs import start_when_needs_are_met, where
from pnnsim.timing.invariants.passages import Passages
from pnnsim.timing.invariants.plan import plan_of
from pnnsim.timing.invariants.schedule import Changes

#: Blocks behind a run for which banks may have been written ahead.
_BEYOND = 3


def gates(run: Passages, changes: Changes) -> Gates:
    """Return the jobs that program banks in a run, and when each could begin."""
    over = access_over_fs(run)
    ready = over
    if run.work.ahead:
        freed, _ = _freed_fs(run)
        ready = np.maximum(freed, _writer_fs(run, changes))
    return gates_of(run, changes, ready)


def writes_start_when_they_can(run: Passages, changes: Changes, jobs: Gates) -> None:
    """Check that a bank is written as soon as its last use is over and a driver is free.

    Guards "without prefetch the write starts when the detector has captured the step's sample" and
    "Prefetch. A spare bank is written while the others compute".
    """
    written = changes.write_rows >= 0
    if not written.any():
        return
    needs = [("the access before was over", access_over_fs(run)[written])]
    if run.work.ahead:
        freed, _ = _freed_fs(run)
        needs = [
            ("the last use of the bank was over", freed[written]),
            ("a driver was free", _writer_fs(run, changes)[written]),
        ]
    rows = changes.write_rows[written]
    excused = None
    if run.work.control.refresh_interval is not None:
        index = np.full(len(run.trace), -1, dtype=np.int64)
        index[jobs.rows] = np.arange(len(jobs.rows))

        def excused(late: Ints, ready_fs: Ints) -> np.ndarray:
            latest = [
                jobs.latest_start_fs(int(index[row]), int(run.trace.bank[row]), int(ready))
                for row, ready in zip(rows[late], ready_fs, strict=True)
            ]
            unknown = np.array(latest) >= _unseen_from_fs(run)
            return np.asarray((run.trace.start_fs[rows[late]] <= latest) | unknown)

    start_when_needs_are_met(run, rows, needs, excused=excused)


def refreshes_start_when_due(run: Passages, jobs: Gates) -> None:
    """Check that old banks are refreshed, as soon as driver and bank are free.

    Guards "Refresh. A drifting bank is rewritten every `refresh_interval`; samples wait": not
    earlier, not later, and none left out up to the last result.
    """
    interval = run.work.control.refresh_interval
    trace = run.trace
    if interval is None:
        if jobs.refresh.any():
            fail(trace, int(jobs.rows[jobs.refresh][0]), "refreshes a bank that needs no refresh")
        return
    unseen_fs = _unseen_from_fs(run)
    for job in np.flatnonzero(jobs.refresh).tolist():
        row, due_fs = int(jobs.rows[job]), int(jobs.ready_fs[job])
        age_fs = int(jobs.start_fs[job]) - due_fs + round(interval * 1e15)
        if jobs.start_fs[job] < due_fs:
            fail(trace, row, f"comes {age_fs} fs after the write before it")
        if jobs.start_fs[job] == due_fs or not run.window.judges(jobs.start_fs[[job]])[0]:
            continue
        latest_fs = jobs.latest_start_fs(job, int(jobs.bank[job]), due_fs)
        if jobs.start_fs[job] > latest_fs and latest_fs < unseen_fs:
            fail(trace, row, f"waits for nothing since {latest_fs} fs, due at {due_fs} fs")
    last_fs = min(int(trace.result_fs.max()), run.window.to_fs)
    programmed = groups(jobs.bank)
    for bank in range(run.work.mapping.used):
        mine = jobs.start_fs[programmed.get(bank, NOWHERE)]
        due_fs = int(mine.max(initial=run.window.written(bank))) + round(interval * 1e15)
        if due_fs >= min(last_fs, unseen_fs):
            continue
        latest_fs = jobs.latest_start_fs(len(jobs.rows), bank, due_fs)
        if latest_fs < min(last_fs, unseen_fs):
            raise InvariantError(
                f"trace: bank {bank} is not refreshed from {latest_fs} fs on, due at {due_fs} fs, "
                f"though the run goes on until {last_fs} fs"
            )


def _freed_fs(run: Passages) -> tuple[Ints, int]:
    """Return when the bank of each access is no more needed for what it held before.

    Returns:
        That time for each access of the run [fs], shape `(n_block, n_product)`; and the first such
        time for a write of an access behind the run, which is not in the trace.
    """
    blocks = len(run.firsts)
    plan = plan_of(run.work, blocks + _BEYOND, first=run.window.block)
    captured = run.end(run.detect_rows)[run.lasts].ravel()
    freed = np.zeros(plan.bank.size, dtype=captured.dtype)
    beyond = after_all(run.trace.end_fs)
    bank, write = plan.bank.ravel(), plan.write.ravel() > 0
    for accesses in groups(bank).values():
        before = np.concatenate([[-1], accesses[:-1]])
        here = write[accesses]
        known = here & (before >= 0) & (before < len(captured))
        freed[accesses[known]] = captured[before[known]]
        behind = known & (accesses >= len(captured))
        beyond = min(beyond, int(freed[accesses[behind]].min(initial=beyond)))
    return freed[: len(captured)].reshape(blocks, -1), beyond


def _unseen_from_fs(run: Passages) -> int:
    """Return from when on a bank may be written for a block that never came [fs]."""
    if run.work.mapping.matrices <= run.work.mapping.logical:
        return after_all(run.trace.end_fs)
    if run.work.ahead:
        return _freed_fs(run)[1]
    return int(run.end(run.detect_rows)[run.lasts[-1], -1])


def _writer_fs(run: Passages, changes: Changes) -> Ints:
    """Return from when on a driver could take the write before each access, in the plan's order.

    Drivers take writes in the order in which they are needed, each when it is done with its last.
    """
    written = changes.write_rows >= 0
    free = np.zeros(changes.write_rows.shape, dtype=run.trace.end_fs.dtype)
    drivers: list[int] = [0] * run.drivers
    taken = []
    for end_fs in run.end(changes.write_rows[written]).tolist():
        taken.append(heappop(drivers))
        heappush(drivers, end_fs)
    free[written] = taken
    return where(written, free)
