"""Run the schedule on the delays of a machine, as SimPy processes, and yield a Trace.

This is the only file that imports SimPy. It knows no tensors, no prices and no devices. There is
one process per hardware unit, none per wave; a unit is busy while its process waits in `_occupy`,
which writes the span, so nothing can be busy untraced.

    front_end ─▶ encoder ─▶ crossing (bank, detector) ─▶ nonlinearity ─▶ readout
                    ▲  ▲                   │                  │
                    │  └────── switch ◀────┘                  ▼
                    └────────────────────────────────────── memory

Light cannot wait. A wave departs from the encoder only when the switch rests on its bank and the
nonlinearity will be free at capture; as delays are known, the encoder can tell. The spacing of
departures by `drive` keeps bank and detector free for each of them.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Generator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import simpy

from pnnsim.delays import Delays, Stage
from pnnsim.errors import ScheduleError
from pnnsim.mapping import Mapping
from pnnsim.params.machine import ControlParams
from pnnsim.schedule import Visit, plan_blocks
from pnnsim.trace import ACTIONS, NO_CAUSE, PATH_LANE, Trace

Item = TypeVar("Item")
Wait = Generator[simpy.Event, Any, Item]
Progress = Callable[[int, int], None]

#: Columns of a span while running: unit, action, start, end, wave, step, bank, weight set, cause.
_WIDTH = 9
_END = 3
#: Latest time that a column of 64-bit integers can hold [fs], about 2.5 hours.
_LATEST_FS = 2**63 - 1

_PROPAGATE, _MVM, _DETECT, _ACTIVATE, _HOLD, _ROUTE, _WRITE, _DRIVE = (
    ACTIONS.index(name)
    for name in ("propagate", "mvm", "detect", "activate", "hold", "route", "write", "drive")
)


def run_timing(
    delays: Delays,
    order: Sequence[int],
    *,
    mapping: Mapping,
    control: ControlParams,
    waves: int,
    memory_capacity: int,
    progress: Progress | None = None,
) -> Trace:
    """Simulate the passage of waves through one core, arrivals saturated.

    A wave arrives at the moment when the front end can take it. The front end keeps it until the
    encoder takes it over. The queue before the readout is not bounded.

    Args:
        delays: Delays of the machine.
        order: Weight set of each step, k(t), shape `(steps,)`.
        mapping: Where weight sets fit.
        control: Block and overlap.
        waves: Number of waves, at least 1.
        memory_capacity: States that the memory holds at once.
        progress: Called with (results so far, waves) about a hundred times.

    Raises:
        ScheduleError: The block does not fit in the memory, there is no wave, or the run takes
            longer than integer femtoseconds can count.
    """
    if waves < 1:
        raise ScheduleError(f"simulation: got {waves} waves; expected at least 1")
    if control.block > memory_capacity:
        raise ScheduleError(
            f"control.block: a block of {control.block} waves needs memory for {control.block} "
            f"states, got a capacity of {memory_capacity}; expected at most {memory_capacity}. "
            "Hint: lower control.block or raise memory.capacity"
        )
    core = _Core(delays, order, mapping, control, waves, progress)
    core.env.run()
    return core.trace()


class _Clock(simpy.Environment):
    """Count time in whole femtoseconds; SimPy itself would allow floats."""

    if TYPE_CHECKING:

        @property
        def now(self) -> int: ...


class _Inbox(Generic[Item]):
    """Hand items from any process to the one process that waits for them, first in first out.

    A SimPy store would cost two events for each item; this costs one, and only if the taker waits.
    """

    __slots__ = ("_env", "_items", "_waiting")

    def __init__(self, env: _Clock) -> None:
        self._env = env
        self._items: deque[Item] = deque()
        self._waiting: simpy.Event | None = None

    def put(self, item: Item) -> None:
        """Leave an item; wake the taker."""
        self._items.append(item)
        if self._waiting is not None:
            self._waiting.succeed()
            self._waiting = None

    def get(self) -> Wait[Item]:
        """Take the oldest item, waiting for one if there is none."""
        if not self._items:
            self._waiting = self._env.event()
            yield self._waiting
        return self._items.popleft()


class _Core:
    """Hold the processes of one core and the spans that they write.

    Messages between units carry the row of the span that ended just now, as the cause of the next.
    """

    def __init__(
        self,
        delays: Delays,
        order: Sequence[int],
        mapping: Mapping,
        control: ControlParams,
        waves: int,
        progress: Progress | None,
    ) -> None:
        self.env = env = _Clock()
        self.delays = delays
        self.overlap = control.overlap
        self.waves = waves
        self.steps = len(order)
        self.progress = progress
        firsts = range(0, waves, control.block)
        ends = [*firsts[1:], waves]
        plans = islice(plan_blocks(order, mapping), len(firsts))
        #: First wave, wave after the last, and the visits of each block.
        self.blocks = list(zip(firsts, ends, plans, strict=True))

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
        self.arrivals: list[int] = []
        self.results: list[int] = []

        self.entering: _Inbox[int] = _Inbox(env)
        self.accepted: _Inbox[int] = _Inbox(env)
        self.departed: _Inbox[tuple[int, int, Visit, bool, int, int]] = _Inbox(env)
        self.captured: _Inbox[tuple[int, int, bool, int]] = _Inbox(env)
        self.activated: _Inbox[tuple[int, int, bool, int, int]] = _Inbox(env)
        self.held: _Inbox[int] = _Inbox(env)
        self.bank_left: _Inbox[int] = _Inbox(env)
        self.bank_ready: _Inbox[int] = _Inbox(env)
        self.loop_left: _Inbox[int] = _Inbox(env)
        self.finished: _Inbox[tuple[int, int]] = _Inbox(env)
        for process in (
            self._front_end, self._encoder, self._crossing, self._nonlinearity,
            self._memory, self._switch, self._readout,
        ):  # fmt: skip
            env.process(process())

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
                f"timing: wave {wave} of {self.waves} would end after {_LATEST_FS} fs, the longest "
                "run that integer femtoseconds can count (2.5 hours). Hint: simulate fewer waves"
            )
        if end > env.now:
            yield env.timeout(end - env.now)
        bank, weight_set = (-1, -1) if visit is None else (visit.bank, visit.weight_set)
        columns = self.columns
        row = len(columns) // _WIDTH
        columns.extend((lane, action, start, end, wave, step, bank, weight_set, cause))
        return row

    def _end(self, row: int) -> int:
        return self.columns[row * _WIDTH + _END] if row != NO_CAUSE else -1

    def _latest(self, own: int, *others: int) -> int:
        """Return the row that ended last, the wave's own previous span where several did."""
        return max((own, *others), key=self._end)

    def _front_end(self) -> Wait[None]:
        """Map the input of one wave after the other; keep each until the encoder takes it."""
        row = NO_CAUSE
        for wave in range(self.waves):
            self.arrivals.append(self.env.now)
            for lane, action, duration in self.input:
                row = yield from self._occupy(lane, action, self.env.now, duration, row, wave)
            self.entering.put(row)
            row = yield from self.accepted.get()

    def _encoder(self) -> Wait[None]:
        """Encode the waves of a block in turn, step by step, and let each depart when it may."""
        env = self.env
        departure = -self.delays.activate_fs
        driven = NO_CAUSE
        for first, end, visits in self.blocks:
            left = (yield from self.loop_left.get()) if first else NO_CAUSE
            for step, visit in enumerate(visits):
                changes = visit.changes and (first > 0 or step > 0)
                for wave in range(first, end):
                    ready = NO_CAUSE
                    own = yield from (self.held.get() if step else self.entering.get())
                    if changes and wave == first and not self.overlap:
                        ready = yield from self.bank_ready.get()
                    row = self._latest(own, driven, left, ready)
                    if not step:
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

    def _crossing(self) -> Wait[None]:
        """Carry departed waves to their bank, multiply and capture; several may be under way."""
        env, delays = self.env, self.delays
        for _ in range(self.waves * self.steps):
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
            if last and self.overlap:
                self.bank_left.put(row)

    def _nonlinearity(self) -> Wait[None]:
        """Apply f; send the wave round again or out."""
        for _ in range(self.waves * self.steps):
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
        for _ in range(self.waves * (self.steps - 1)):
            wave, step, last, start, row = yield from self.activated.get()
            row = yield from self._occupy(
                self.memory_lane, _HOLD, start, self.delays.hold_fs, row, wave, step
            )
            self.held.put(row)
            if last and not self.overlap:
                self.bank_left.put(row)

    def _switch(self) -> Wait[None]:
        """Prepare each visit but the first: write its bank if need be, then move to it."""
        env = self.env
        for first, end, visits in self.blocks:
            wave = first if end - first == 1 else -1
            for step, visit in enumerate(visits):
                if not first and not step:
                    continue
                row = yield from self.bank_left.get()
                if visit.write:
                    row = yield from self._occupy(
                        self.bank_lanes[visit.bank], _WRITE, env.now, self.delays.write_fs, row,
                        wave, step, visit,
                    )  # fmt: skip
                if visit.route:
                    row = yield from self._occupy(
                        self.switch_lane, _ROUTE, env.now, self.delays.route_fs, row, wave, step,
                        visit,
                    )  # fmt: skip
                if visit.changes:
                    self.bank_ready.put(row)

    def _readout(self) -> Wait[None]:
        """Bring one wave after the other to the host."""
        previous = NO_CAUSE
        every = max(1, self.waves // 100)
        for done in range(1, self.waves + 1):
            wave, row = yield from self.finished.get()
            row = self._latest(row, previous)
            for lane, action, duration in self.output:
                row = yield from self._occupy(lane, action, self.env.now, duration, row, wave)
            previous = row
            self.results.append(self.env.now)
            if self.progress is not None and (done % every == 0 or done == self.waves):
                self.progress(done, self.waves)

    def trace(self) -> Trace:
        """Return what happened, as columns."""
        table = np.frombuffer(self.columns, dtype=np.int64).reshape(-1, _WIDTH)
        unit, action, start, end, wave, step, bank, weight_set, cause = (
            np.ascontiguousarray(column) for column in table.T
        )
        return Trace(
            units=tuple(self.units),
            unit=unit,
            action=action,
            start_fs=start,
            end_fs=end,
            wave=wave,
            step=step,
            bank=bank,
            weight_set=weight_set,
            cause=cause,
            arrival_fs=np.array(self.arrivals, dtype=np.int64),
            result_fs=np.array(self.results, dtype=np.int64),
        )
