"""Writing of banks and moves of the switch ahead of each access, as SimPy processes.

What is to be written or moved to comes from the plan (`pnnsim.mapping.plan`); which samples come is
the business of `pnnsim.timing.core`.

Where banks are refreshed, each is written again with what it holds once its last programming began
a stated time ago. A refresh takes a write driver, lets nobody depart to its bank any more, waits
until those on their way are captured, and writes. Other banks can be crossed meanwhile, so a
refresh may come between any two departures, those of one block included.
"""

from __future__ import annotations

from collections.abc import Iterator

from pnnsim.common.units import to_fs
from pnnsim.mapping.plan import Access, AheadOfTime, initial_contents, plan_blocks, writes_ahead
from pnnsim.mapping.work import Work
from pnnsim.timing.kernel import Board, Clock, Gate, Inbox, Servers, Wait
from pnnsim.timing.recorder import Spans
from pnnsim.timing.trace import ACTIONS, NO_CAUSE

_ROUTE, _WRITE, _REFRESH = (ACTIONS.index(name) for name in ("route", "write", "refresh"))


class Preparation:
    """Hold the processes that prepare the banks of one core.

    Messages carry the row of the span that ended just now, as the cause of the next.

    Args:
        env: The clock.
        spans: Where spans are written.
        work: What is to be done, and with what.
    """

    def __init__(self, env: Clock, spans: Spans, work: Work) -> None:
        mapping, control = work.mapping, work.control
        self._env = env
        self._spans = spans
        self._delays = work.delays
        self._order = work.order
        self._mapping = mapping
        self._prefetch = work.ahead
        self._switch_lane = spans.lane("switch")
        self._bank_lanes = [spans.lane(f"weight_banks.{bank}") for bank in range(mapping.used)]
        self._access_captured = Board(env)
        self._access_written = Board(env)
        self._accesses = 0
        self._drivers = Servers(env, mapping.writers(control.write_drivers))
        #: Weight set in each bank, and when its programming began [fs].
        self._contents = list(initial_contents(work.order, mapping))
        self._written_fs = [0] * mapping.used
        self._over = False
        #: In front of each bank, where banks are refreshed; otherwise the plan keeps samples away.
        self.gates: list[Gate] = []
        #: Told when nobody needs the bank of the access before any more.
        self.bank_left: Inbox[int] = Inbox(env)
        #: Tells when the bank of an access that changes anything is there.
        self.bank_ready: Inbox[int] = Inbox(env)
        env.process(self._switch())
        if self._prefetch:
            jobs = writes_ahead(self.plan())
            for _ in range(mapping.writers(control.write_drivers)):
                env.process(self._writer(jobs))
        if control.refresh_interval is not None:
            self.gates = [Gate(env) for _ in range(mapping.used)]
            for bank in range(mapping.used):
                env.process(self._refresher(bank, to_fs(control.refresh_interval)))

    def plan(self) -> Iterator[tuple[Access, ...]]:
        """Yield the accesses of block 0, 1, 2, … without end."""
        return plan_blocks(self._order, self._mapping, prefetch=self._prefetch)

    def captured(self, row: int) -> None:
        """Be told that the last sample of an access was captured."""
        if self._prefetch:
            self._access_captured.post(self._accesses, row)
        self._accesses += 1

    def finish(self) -> None:
        """Be told that the last sample has its result: nothing is refreshed any more."""
        self._over = True

    def _switch(self) -> Wait[None]:
        """Prepare each access but the first: write its bank if need be, then move to it."""
        steps = len(self._order)
        for block, accesses in enumerate(self.plan()):
            for step, access in enumerate(accesses):
                if not block and not step:
                    continue
                row = yield from self.bank_left.get()
                if access.write and self._prefetch:
                    written = yield from self._access_written.get(block * steps + step)
                    row = self._spans.latest(row, written)
                elif access.write:
                    row = yield from self._write(block, step, access, row)
                if access.route:
                    row = yield from self._spans.occupy(
                        self._switch_lane, _ROUTE, self._env.now, self._delays.route_fs, row,
                        -1, step, access,
                    )  # fmt: skip
                    self._spans.block_of_row[row] = block
                if access.changes:
                    self.bank_ready.put(row)

    def _write(self, block: int, step: int, access: Access, cause: int) -> Wait[int]:
        """Program a bank for an access, and return the row of the span."""
        row = self._spans.latest(cause, (yield from self._drivers.take()))
        if self.gates:
            row = self._spans.latest(row, (yield from self.gates[access.bank].close()))
        self._contents[access.bank] = access.weight_set
        self._written_fs[access.bank] = self._env.now
        row = yield from self._spans.occupy(
            self._bank_lanes[access.bank], _WRITE, self._env.now, self._delays.write_fs, row,
            -1, step, access,
        )  # fmt: skip
        self._spans.block_of_row[row] = block
        if self.gates:
            self.gates[access.bank].open(row)
        self._drivers.give(row)
        return row

    def _refresher(self, bank: int, interval_fs: int) -> Wait[None]:
        """Program one bank again whenever its last programming is old."""
        env, gate = self._env, self.gates[bank]
        while True:
            # An access may have had the bank written meanwhile: it is not due then.
            while (wait := self._written_fs[bank] + interval_fs - env.now) > 0:
                yield env.timeout(wait)
            if self._over:
                return
            cause = yield from self._drivers.take()
            if self._written_fs[bank] + interval_fs > env.now:
                self._drivers.give(cause)
                continue
            cause = self._spans.latest(cause, (yield from gate.close()))
            # Meanwhile the bank may have been written for an access, or the last result have come.
            row = cause
            if self._written_fs[bank] + interval_fs <= env.now and not self._over:
                self._written_fs[bank] = env.now
                row = yield from self._spans.occupy(
                    self._bank_lanes[bank], _REFRESH, env.now, self._delays.write_fs, cause,
                    -1, -1, Access(bank, self._contents[bank], write=True, route=False),
                )  # fmt: skip
                self._spans.block_of_row[row] = 0
            gate.open(row)
            self._drivers.give(row)

    def _writer(self, jobs: Iterator[AheadOfTime]) -> Wait[None]:
        """Program banks that nobody uses, in the order in which they will be needed."""
        own, steps = NO_CAUSE, len(self._order)
        for job in jobs:
            freed = yield from self._access_captured.get(job.frees)
            cause = self._spans.latest(freed, own)
            own = yield from self._write(job.block, job.step, job.access, cause)
            self._access_written.post(job.block * steps + job.step, own)
