"""Who waits for whom where banks are programmed while samples cross them.

A job programs one bank: a write before an access, or a refresh. It takes a driver, lets no sample
depart to its bank any more, waits until those on their way are captured, and programs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pnnsim.common.times import in_order
from pnnsim.mapping.actions import ACTIONS, Ints
from pnnsim.timing.invariants.faults import Flags
from pnnsim.timing.invariants.grouping import NOWHERE, groups
from pnnsim.timing.invariants.needs import LONG_AGO
from pnnsim.timing.invariants.passages import Passages
from pnnsim.timing.invariants.schedule import Changes


@dataclass(frozen=True, slots=True)
class Gates:
    """Jobs that program banks, in order of their starts, and the crossings of each bank.

    Args:
        rows: Row of each job, shape `(n_job,)`.
        bank: Bank of each job.
        start_fs: When it starts to program [fs].
        end_fs: When it ends [fs].
        ready_fs: Since when it waited for a driver or for its bank [fs].
        refresh: Whether it is a refresh.
        weight: Drivers that it may take: two where a bank is written for an access while its
            refresh waits, which then has a driver, finds the bank fresh, and gives it back.
        departs_fs: By bank, when samples depart to it, ascending [fs].
        captured_fs: By bank, when these are captured, ascending [fs].
        drivers: Jobs that can be done at once.
        held_fs: Since when each job may have held a driver [fs].
        ended_fs: Latest end of each job and those before it, ascending [fs].
        taken_fs: Earliest `held_fs` of each job and those behind it, ascending [fs].
        cleared_fs: Latest end of the jobs before it on its bank [fs].
    """

    rows: Ints
    bank: Ints
    start_fs: Ints
    end_fs: Ints
    ready_fs: Ints
    refresh: Flags
    weight: Ints
    departs_fs: tuple[Ints, ...]
    captured_fs: tuple[Ints, ...]
    drivers: int
    held_fs: Ints
    ended_fs: Ints
    taken_fs: Ints
    cleared_fs: Ints

    def kept(self, bank: Ints, ready_fs: Ints, start_fs: Ints) -> Flags:
        """Return whether samples departed late because a job had closed their bank.

        Args:
            bank: Bank of each sample.
            ready_fs: When nothing else kept it [fs].
            start_fs: When it departed [fs].
        """
        excuses = np.zeros(len(bank), dtype=bool)
        programmed = groups(self.bank)
        for number, mine in groups(bank).items():
            jobs = programmed.get(number, NOWHERE)
            if not len(jobs):
                continue
            closed_fs = self.ready_fs[jobs].copy()
            for place in range(1, len(jobs)):
                if self.end_fs[jobs[place - 1]] >= self.start_fs[jobs[place]]:
                    closed_fs[place] = min(closed_fs[place], closed_fs[place - 1])
            # A departure that was kept begins with the end of the job.
            last = np.searchsorted(self.end_fs[jobs], start_fs[mine], side="right") - 1
            ends = self.end_fs[jobs][last] == start_fs[mine]
            excuses[mine] = (last >= 0) & ends & (closed_fs[last] <= ready_fs[mine])
        return excuses

    def latest_start_fs(self, job: int, bank: int, ready_fs: int) -> int:
        """Return until when a job may wait for a driver and for its bank [fs].

        Args:
            job: Its number; the number of jobs for one that never came.
            bank: Its bank.
            ready_fs: Since when it waits [fs].
        """
        if job < len(self.rows):
            cleared_fs = int(self.cleared_fs[job])
        else:
            cleared_fs = int(self.end_fs[self.bank == bank].max(initial=LONG_AGO))
        free_fs = max(ready_fs, cleared_fs)
        crossed = self._crossed_fs(bank, free_fs)
        if job < len(self.rows) and crossed >= self.start_fs[job]:
            return crossed
        free_fs = max(free_fs, self._driver_fs(job, free_fs))
        return self._crossed_fs(bank, free_fs)

    def _crossed_fs(self, bank: int, time_fs: int) -> int:
        """Return when samples that departed by a time are captured, this time at least [fs]."""
        gone = int(np.searchsorted(self.departs_fs[bank], time_fs, side="right"))
        return max(time_fs, int(self.captured_fs[bank][gone - 1])) if gone else time_fs

    def _driver_fs(self, job: int, time_fs: int) -> int:
        """Return from when on one of the drivers is free of other jobs [fs].

        A job that waits for its bank has a driver already.
        """
        free_fs = time_fs
        while True:
            # All jobs before these have ended, and all behind them begin later.
            first = np.searchsorted(self.ended_fs, free_fs, side="right")
            last = np.searchsorted(self.taken_fs, free_fs, side="right")
            near = np.arange(first, last)
            busy = near[
                (self.held_fs[near] <= free_fs) & (self.end_fs[near] > free_fs) & (near != job)
            ]
            if self.weight[busy].sum() < self.drivers:
                return free_fs
            free_fs = int(self.end_fs[busy].min())


def gates_of(run: Passages, changes: Changes, ready_fs: Ints) -> Gates:
    """Return the jobs of a run.

    Args:
        run: The run.
        changes: Its writes by access.
        ready_fs: When the write before each access could begin, shape `(n_block, n_product)`.
    """
    trace = run.trace
    rows = np.concatenate([trace.rows("write"), trace.rows("refresh")])
    rows = rows[in_order(rows, trace.start_fs[rows])]
    refresh = trace.action[rows] == ACTIONS.index("refresh")
    ready = np.full(len(trace), LONG_AGO, dtype=trace.start_fs.dtype)
    written = changes.write_rows >= 0
    ready[changes.write_rows[written]] = ready_fs[written]
    interval = run.work.control.refresh_interval
    overdue = np.zeros(len(trace), dtype=bool)
    if interval is not None:
        for bank, places in groups(trace.bank[rows]).items():
            mine = rows[places]
            due = np.concatenate([[run.window.written(bank)], trace.start_fs[mine][:-1]])[
                : len(mine)
            ]
            due = due + round(interval * 1e15)
            again = trace.action[mine] == ACTIONS.index("refresh")
            ready[mine[again]] = due[again]
            overdue[mine] = ~again & (trace.start_fs[mine] >= due)
    mvms = run.mvm_rows.ravel()
    used = trace.bank[mvms]
    departs, captured = run.start(run.hold_symbol_rows).ravel(), run.end(run.detect_rows).ravel()
    banks = range(run.work.mapping.used)
    bank, start_fs, end_fs = trace.bank[rows], trace.start_fs[rows], trace.end_fs[rows]
    crossing, programmed = groups(used), groups(bank)
    crossed = tuple(np.sort(captured[crossing.get(number, NOWHERE)]) for number in banks)
    held = _held_since(bank, start_fs, end_fs, ready[rows], crossed)
    cleared = np.full_like(end_fs, LONG_AGO)
    for mine in programmed.values():
        cleared[mine[1:]] = np.maximum.accumulate(end_fs[mine])[:-1]
    return Gates(
        rows=rows,
        bank=bank,
        start_fs=start_fs,
        end_fs=end_fs,
        ready_fs=ready[rows],
        refresh=refresh,
        weight=np.where(overdue[rows], min(2, run.drivers), 1),
        departs_fs=tuple(np.sort(departs[crossing.get(number, NOWHERE)]) for number in banks),
        captured_fs=crossed,
        drivers=run.drivers,
        held_fs=held,
        ended_fs=np.maximum.accumulate(end_fs),
        taken_fs=np.minimum.accumulate(held[::-1])[::-1],
        cleared_fs=cleared,
    )


def _held_since(
    bank: Ints, start_fs: Ints, end_fs: Ints, ready_fs: Ints, captured_fs: tuple[Ints, ...]
) -> Ints:
    """Return since when each job may have held a driver [fs].

    Args:
        bank: Bank of each job, shape `(n_job,)`.
        start_fs: When it starts to program [fs].
        end_fs: When it ends [fs].
        ready_fs: Since when it waited [fs].
        captured_fs: By bank, when samples are captured, ascending [fs].
    """
    since = start_fs.copy()
    for number, jobs in groups(bank).items():
        captured = captured_fs[number]
        # Not `isin`, which compares every pair where times are Python integers.
        ends = np.union1d(captured, end_fs[jobs])
        place = np.searchsorted(ends, start_fs[jobs])
        waited = (place < len(ends)) & (ends[np.minimum(place, len(ends) - 1)] == start_fs[jobs])
        since[jobs[waited]] = np.minimum(ready_fs, start_fs)[jobs[waited]]
    return since
