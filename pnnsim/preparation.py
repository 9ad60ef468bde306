"""Prepare the banks for the visits of waves: write them and move the switch, as SimPy processes.

What is to be written or moved to comes from the plan (`pnnsim.schedule`); which waves come is the
business of `pnnsim.core`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pnnsim.delays import Delays
from pnnsim.kernel import Board, Clock, Inbox, Wait
from pnnsim.mapping import Mapping
from pnnsim.params.machine import ControlParams
from pnnsim.schedule import AheadOfTime, Visit, plan_blocks, writes_ahead
from pnnsim.spans import Spans
from pnnsim.trace import ACTIONS, NO_CAUSE

_ROUTE, _WRITE = (ACTIONS.index(name) for name in ("route", "write"))


class Preparation:
    """Hold the processes that prepare the banks of one core.

    Messages carry the row of the span that ended just now, as the cause of the next.

    Args:
        env: The clock.
        spans: Where spans are written.
        delays: Delays of the machine.
        order: Weight set of each step, k(t), shape `(steps,)`.
        mapping: Where weight sets fit.
        control: How the work is ordered.
    """

    def __init__(
        self,
        env: Clock,
        spans: Spans,
        *,
        delays: Delays,
        order: tuple[int, ...],
        mapping: Mapping,
        control: ControlParams,
    ) -> None:
        self._env = env
        self._spans = spans
        self._delays = delays
        self._order = order
        self._mapping = mapping
        self._prefetch = control.prefetch and not mapping.resident and mapping.logical > 1
        self._switch_lane = spans.lane("switch")
        self._bank_lanes = [spans.lane(f"weight_banks.{bank}") for bank in range(mapping.used)]
        self._visit_captured = Board(env)
        self._visit_written = Board(env)
        self._visits = 0
        #: Told when nobody needs the bank of the visit before any more.
        self.bank_left: Inbox[int] = Inbox(env)
        #: Tells when the bank of a visit that changes anything is there.
        self.bank_ready: Inbox[int] = Inbox(env)
        env.process(self._switch())
        if self._prefetch:
            jobs = writes_ahead(self.plan())
            for _ in range(mapping.writers(control.write_drivers)):
                env.process(self._writer(jobs))

    def plan(self) -> Iterator[tuple[Visit, ...]]:
        """Yield the visits of block 0, 1, 2, … without end."""
        return plan_blocks(self._order, self._mapping, prefetch=self._prefetch)

    def captured(self, row: int) -> None:
        """Be told that the last wave of a visit was captured."""
        if self._prefetch:
            self._visit_captured.post(self._visits, row)
        self._visits += 1

    def _switch(self) -> Wait[None]:
        """Prepare each visit but the first: write its bank if need be, then move to it."""
        steps = len(self._order)
        for block, visits in enumerate(self.plan()):
            for step, visit in enumerate(visits):
                if not block and not step:
                    continue
                row = yield from self.bank_left.get()
                if visit.write and self._prefetch:
                    written = yield from self._visit_written.get(block * steps + step)
                    row = self._spans.latest(row, written)
                elif visit.write:
                    row = yield from self._write(block, step, visit, row)
                if visit.route:
                    row = yield from self._spans.occupy(
                        self._switch_lane, _ROUTE, self._env.now, self._delays.route_fs, row,
                        -1, step, visit,
                    )  # fmt: skip
                    self._spans.block_of_row[row] = block
                if visit.changes:
                    self.bank_ready.put(row)

    def _write(self, block: int, step: int, visit: Visit, cause: int) -> Wait[int]:
        """Program a bank for a visit, and return the row of the span."""
        row = yield from self._spans.occupy(
            self._bank_lanes[visit.bank], _WRITE, self._env.now, self._delays.write_fs, cause,
            -1, step, visit,
        )  # fmt: skip
        self._spans.block_of_row[row] = block
        return row

    def _writer(self, jobs: Iterator[AheadOfTime]) -> Wait[None]:
        """Program banks that nobody uses, in the order in which they will be needed."""
        own, steps = NO_CAUSE, len(self._order)
        for job in jobs:
            freed = yield from self._visit_captured.get(job.frees)
            cause = self._spans.latest(freed, own)
            own = yield from self._write(job.block, job.step, job.visit, cause)
            self._visit_written.post(job.block * steps + job.step, own)
