"""Be one core of a machine as SimPy processes, which write down who is busy with what.

It knows no tensors, no prices and no devices. There is
one process per hardware unit, none per wave; a unit is busy while its process waits in `_occupy`,
which writes the span, so nothing can be busy untraced.

    queue ─▶ front_end ─▶ encoder ─▶ crossing (bank, detector) ─▶ nonlinearity ─▶ readout
                             ▲  ▲                   │                  │
                             │  └── switch, write ◀─┘                  ▼
                             └─────────────────────────────────────── memory

Light cannot wait. A wave departs from the encoder only when the switch rests on its bank, the bank
is not being written, and the nonlinearity will be free at capture; as delays are known, the encoder
can tell. The spacing of departures by `drive` keeps bank and detector free for each of them.

Every process works as long as there is something to do, and none knows the end: a run is over when
nothing is left to happen. What was prepared for a block that never came is not in the trace.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from pnnsim.arrivals import Arrivals, Queue
from pnnsim.delays import Delays, Stage
from pnnsim.errors import ScheduleError
from pnnsim.kernel import Board, Clock, Inbox, Wait
from pnnsim.mapping import Mapping
from pnnsim.params.machine import ControlParams
from pnnsim.schedule import AheadOfTime, Visit, plan_blocks, writes_ahead
from pnnsim.trace import ACTIONS, NO_CAUSE, PATH_LANE

Progress = Callable[[int, int], None]

#: Columns of a span while running: unit, action, start, end, wave, step, bank, weight set, cause.
WIDTH = 9
_END = 3
#: Latest time that a column of 64-bit integers can hold [fs], about 2.5 hours.
_LATEST_FS = 2**63 - 1

_PROPAGATE, _MVM, _DETECT, _ACTIVATE, _HOLD, _ROUTE, _WRITE, _DRIVE = (
    ACTIONS.index(name)
    for name in ("propagate", "mvm", "detect", "activate", "hold", "route", "write", "drive")
)


class Core:
    """Hold the processes of one core and the spans that they write.

    Messages between units carry the row of the span that ended just now, as the cause of the next.

    Args:
        delays: Delays of the machine.
        order: Weight set of each step, k(t), shape `(steps,)`.
        mapping: Where weight sets fit.
        control: How the work is ordered.
        arrivals: When waves come.
        progress: Called with (results so far, waves) about a hundred times.
    """

    def __init__(
        self,
        delays: Delays,
        order: Sequence[int],
        *,
        mapping: Mapping,
        control: ControlParams,
        arrivals: Arrivals,
        progress: Progress | None = None,
    ) -> None:
        self.env = env = Clock()
        self.delays = delays
        self.order = order
        self.mapping = mapping
        self.control = control
        self.overlap = control.overlap
        self.arrivals = arrivals
        self.steps = len(order)
        self.progress = progress
        self.prefetch = control.prefetch and not mapping.resident and mapping.logical > 1

        self.units: list[str] = []
        self.input = self._lanes(delays.input)
        self.encode = self._lanes(delays.encode)
        self.drive_lane = next(
            lane for lane, action, _ in self.encode if ACTIONS[action] == "encode"
        )
        self.switch_lane = self._lane("switch")
        self.path_lane = self._lane(PATH_LANE)
        self.bank_lanes = [self._lane(f"weight_banks.{bank}") for bank in range(mapping.used)]
        self.detector_lane = self._lane("detector")
        self.nonlinearity_lane = self._lane("nonlinearity")
        self.memory_lane = self._lane("memory")
        self.output = self._lanes(delays.output)

        self.columns = array("q")
        #: Block of each span that serves a block and no wave, by row.
        self.block_of_row: dict[int, int] = {}
        #: First wave of each block that has entered the loop.
        self.firsts: list[int] = []
        self.arrived: list[int] = []
        self.results: list[int] = []
        self.queue = Queue(arrivals)

        self.entering: Inbox[int] = Inbox(env)
        self.accepted: Inbox[int] = Inbox(env)
        self.departed: Inbox[tuple[int, int, Visit, bool, int, int]] = Inbox(env)
        self.captured: Inbox[tuple[int, int, bool, int]] = Inbox(env)
        self.activated: Inbox[tuple[int, int, bool, int, int]] = Inbox(env)
        self.held: Inbox[int] = Inbox(env)
        self.bank_left: Inbox[int] = Inbox(env)
        self.bank_ready: Inbox[int] = Inbox(env)
        self.loop_left: Inbox[int] = Inbox(env)
        self.finished: Inbox[tuple[int, int]] = Inbox(env)
        self.visit_captured = Board(env)
        self.visit_written = Board(env)
        for process in (
            self._front_end, self._encoder, self._crossing, self._nonlinearity,
            self._memory, self._switch, self._readout,
        ):  # fmt: skip
            env.process(process())
        if self.prefetch:
            jobs = writes_ahead(self._plan())
            for _ in range(mapping.writers(control.write_drivers)):
                env.process(self._writer(jobs))

    def run(self) -> None:
        """Let everything happen."""
        self.env.run()

    def _lane(self, unit: str) -> int:
        """Return the number of a lane, a new one at its first mention."""
        if unit not in self.units:
            self.units.append(unit)
        return self.units.index(unit)

    def _lanes(self, stages: Sequence[Stage]) -> list[tuple[int, int, int]]:
        """Return (lane, action, duration) of each stage, as `_occupy` wants them."""
        return [
            (self._lane(stage.unit), ACTIONS.index(stage.action), stage.duration_fs)
            for stage in stages
        ]

    def _plan(self) -> Iterator[tuple[Visit, ...]]:
        return plan_blocks(self.order, self.mapping, prefetch=self.prefetch)

    def _occupy(
        self,
        lane: int,
        action: int,
        start: int,
        duration: int,
        cause: int,
        wave: int,
        step: int = -1,
        visit: Visit | None = None,
    ) -> Wait[int]:
        """Be busy from `start` for `duration` [fs], write the span, and return its row.

        Rows are written when spans end, so they stand in the order of their ends and a cause always
        stands above its effect. `start` may lie in the past for what can hold several waves.
        """
        env = self.env
        end = start + duration
        if end > _LATEST_FS:
            raise ScheduleError(
                f"timing: wave {wave} of {self.arrivals.count} would end after {_LATEST_FS} fs, "
                "the longest run that integer femtoseconds can count (2.5 hours). Hint: simulate "
                "fewer waves"
            )
        if end > env.now:
            yield env.timeout(end - env.now)
        bank, weight_set = (-1, -1) if visit is None else (visit.bank, visit.weight_set)
        columns = self.columns
        row = len(columns) // WIDTH
        columns.extend((lane, action, start, end, wave, step, bank, weight_set, cause))
        return row

    def _end(self, row: int) -> int:
        return self.columns[row * WIDTH + _END] if row != NO_CAUSE else -1

    def _latest(self, own: int, *others: int) -> int:
        """Return the row that ended last, the wave's own previous span where several did."""
        return max((own, *others), key=self._end)

    def _front_end(self) -> Wait[None]:
        """Map the input of one wave after the other; keep each until the encoder takes it."""
        env = self.env
        row = NO_CAUSE
        for wave in count():
            arrival = self.queue.take(env.now)
            if arrival is None:
                return
            if arrival > env.now:
                yield env.timeout(arrival - env.now)
            if arrival == env.now and not self.arrivals.saturated:
                row = NO_CAUSE  # nobody had to get free for it
            self.arrived.append(arrival)
            for lane, action, duration in self.input:
                row = yield from self._occupy(lane, action, env.now, duration, row, wave)
            self.entering.put(row)
            row = yield from self.accepted.get()

    def _encoder(self) -> Wait[None]:
        """Encode the waves of a block in turn, step by step, and let each depart when it may."""
        env = self.env
        departure = -self.delays.activate_fs
        driven = left = NO_CAUSE
        first = 0
        for number, visits in enumerate(self._plan()):
            if first:
                left = yield from self.loop_left.get()
            end, wave = first + 1, first
            for step, visit in enumerate(visits):
                changes = visit.changes and (number > 0 or step > 0)
                wave = first
                while wave < end:
                    ready = NO_CAUSE
                    own = yield from (self.held.get() if step else self.entering.get())
                    if changes and wave == first and not self.overlap:
                        ready = yield from self.bank_ready.get()
                    row = self._latest(own, driven, left, ready)
                    if not step:
                        if wave == first:
                            # A block takes the waves that are there, at most B of them.
                            more = self.queue.waiting(env.now, self.control.block - 1)
                            end = first + 1 + more
                            self.firsts.append(first)
                        self.accepted.put(row)
                    for lane, action, duration in self.encode:
                        row = yield from self._occupy(
                            lane, action, env.now, duration, row, wave, step
                        )
                    if changes and wave == first and self.overlap:
                        row = self._latest(row, (yield from self.bank_ready.get()))
                    # The nonlinearity is free of the previous wave when this one is captured.
                    reserved = departure + self.delays.activate_fs
                    if reserved > env.now:
                        row = driven
                        yield env.timeout(reserved - env.now)
                    departure = env.now
                    self.departed.put((wave, step, visit, wave == end - 1, departure, row))
                    driven = yield from self._occupy(
                        self.drive_lane, _DRIVE, departure, self.delays.drive_fs, row, wave, step
                    )
                    wave += 1
            first = end

    def _crossing(self) -> Wait[None]:
        """Carry departed waves to their bank, multiply and capture; several may be under way."""
        env, delays = self.env, self.delays
        visits = 0
        while True:
            wave, step, visit, last, start, row = yield from self.departed.get()
            row = yield from self._occupy(
                self.path_lane, _PROPAGATE, start, delays.propagate_fs, row, wave, step, visit
            )
            row = yield from self._occupy(
                self.bank_lanes[visit.bank], _MVM, env.now, delays.mvm_fs, row, wave, step, visit
            )
            row = yield from self._occupy(
                self.detector_lane, _DETECT, env.now, delays.detect_fs, row, wave, step
            )
            self.captured.put((wave, step, last, row))
            if last:
                if self.overlap:
                    self.bank_left.put(row)
                if self.prefetch:
                    self.visit_captured.post(visits, row)
                visits += 1

    def _nonlinearity(self) -> Wait[None]:
        """Apply f; send the wave round again or out."""
        while True:
            wave, step, last, row = yield from self.captured.get()
            row = yield from self._occupy(
                self.nonlinearity_lane, _ACTIVATE, self.env.now, self.delays.activate_fs, row,
                wave, step,
            )  # fmt: skip
            if step + 1 < self.steps:
                self.activated.put((wave, step, last, self.env.now, row))
                continue
            self.finished.put((wave, row))
            if last:
                self.loop_left.put(row)
                if not self.overlap:
                    self.bank_left.put(row)

    def _memory(self) -> Wait[None]:
        """Acquire states; several may be under way, as a block fits in the memory."""
        while True:
            wave, step, last, start, row = yield from self.activated.get()
            row = yield from self._occupy(
                self.memory_lane, _HOLD, start, self.delays.hold_fs, row, wave, step
            )
            self.held.put(row)
            if last and not self.overlap:
                self.bank_left.put(row)

    def _switch(self) -> Wait[None]:
        """Prepare each visit but the first: write its bank if need be, then move to it."""
        for block, visits in enumerate(self._plan()):
            for step, visit in enumerate(visits):
                if not block and not step:
                    continue
                row = yield from self.bank_left.get()
                if visit.write and self.prefetch:
                    written = yield from self.visit_written.get(block * self.steps + step)
                    row = self._latest(row, written)
                elif visit.write:
                    row = yield from self._write(block, step, visit, row)
                if visit.route:
                    row = yield from self._occupy(
                        self.switch_lane, _ROUTE, self.env.now, self.delays.route_fs, row,
                        -1, step, visit,
                    )  # fmt: skip
                    self.block_of_row[row] = block
                if visit.changes:
                    self.bank_ready.put(row)

    def _write(self, block: int, step: int, visit: Visit, cause: int) -> Wait[int]:
        """Program a bank for a visit, and return the row of the span."""
        row = yield from self._occupy(
            self.bank_lanes[visit.bank], _WRITE, self.env.now, self.delays.write_fs, cause,
            -1, step, visit,
        )  # fmt: skip
        self.block_of_row[row] = block
        return row

    def _writer(self, jobs: Iterator[AheadOfTime]) -> Wait[None]:
        """Program banks that nobody uses, in the order in which they will be needed."""
        own = NO_CAUSE
        for job in jobs:
            freed = yield from self.visit_captured.get(job.frees)
            own = yield from self._write(job.block, job.step, job.visit, self._latest(freed, own))
            self.visit_written.post(job.block * self.steps + job.step, own)

    def _readout(self) -> Wait[None]:
        """Bring one wave after the other to the host."""
        previous = NO_CAUSE
        waves = self.arrivals.count
        every = max(1, waves // 100)
        while True:
            wave, row = yield from self.finished.get()
            row = self._latest(row, previous)
            for lane, action, duration in self.output:
                row = yield from self._occupy(lane, action, self.env.now, duration, row, wave)
            previous = row
            self.results.append(self.env.now)
            done = len(self.results)
            if self.progress is not None and (done % every == 0 or done == waves):
                self.progress(done, waves)
