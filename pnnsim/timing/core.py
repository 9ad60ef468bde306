"""Be one core of a machine as SimPy processes, which write down who is busy with what.

It knows no tensors, no prices and no devices. There is one process per hardware unit, none per
sample; a unit is busy while its process waits in `Spans.occupy`, which writes the span. Banks are
written and selected in `pnnsim.timing.bank_control`.

    queue ─▶ front_end ─▶ encoder ─▶ crossing (bank, detector) ─▶ nonlinearity ─▶ readout
                           ▲  ▲  ▲              │       │              │
                           │  │  └ switch, write┘       │              ▼
                           │  └─── next fold ◀──────────┘              │
                           └──────────────────────────────────────── memory

Light cannot wait. A sample departs from the encoder only when the switch rests on its bank, the
bank is not being written, and the nonlinearity will be free at capture; as delays are known, the
encoder can tell. The spacing of departures by `hold_symbol` keeps bank and detector free for each
of them. Where banks are refreshed, a sample also waits for the refresh of its bank.

The readout has places for the results of two blocks: while one waits to be read, the next comes. So
a block enters the loop when the block before has left it and the readout has taken the last sample
of the block before that. This never slows a machine down; it keeps the queue in front of a readout
that is slower than the loop from growing without end.

The front end is one digital engine. Input map and output map never run together on it: first come
first served, and of two that come at once the older sample goes first.

Where matrices are folded, a step is several products. After each but the last the sums stay behind
the detector, and the state, which is still in the memory, is encoded again.

Every process works as long as there is something to do, and none knows the end: a run is over when
nothing is left to happen. What was prepared for a block that never came is not in the trace.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from pnnsim.mapping.actions import ENGINE_LANE
from pnnsim.mapping.plan import Access
from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals, Queue
from pnnsim.timing.bank_control import Preparation
from pnnsim.timing.kernel import Clock, Engine, Inbox, Wait
from pnnsim.timing.recorder import Spans
from pnnsim.timing.trace import ACTIONS, NO_CAUSE, PATH_LANE

Progress = Callable[[int, int], None]

_PROPAGATE, _MVM, _DETECT, _ACTIVATE, _HOLD, _HOLD_SYMBOL = (
    ACTIONS.index(name)
    for name in ("propagate", "mvm", "detect", "activate", "hold", "hold_symbol")
)


class Core:
    """Hold the processes of one core and the spans that they write.

    Messages between units carry the row of the span that ended just now, as the cause of the next.

    Args:
        work: What is to be done, and with what.
        arrivals: When samples come.
        progress: Called with (results so far, samples) about a hundred times.
    """

    def __init__(self, work: Work, arrivals: Arrivals, progress: Progress | None = None) -> None:
        self.env = env = Clock()
        self.spans = spans = Spans(env)
        self.occupy = spans.occupy
        self.delays = delays = work.delays
        self.block = work.control.block
        self.overlap = work.control.overlap
        self.arrivals = arrivals
        self.stateful = work.stateful
        #: Products of a sample, and of each of its steps.
        self.products = len(work.order)
        self.folds = work.folds
        self.progress = progress

        self.input = spans.lanes(delays.input)
        self.encode = spans.lanes(delays.encode)
        self.symbol_lane = next(
            lane for lane, action, _ in self.encode if ACTIONS[action] == "encode"
        )
        spans.lane("switch")
        self.path_lane = spans.lane(PATH_LANE)
        self.bank_lanes = [spans.lane(f"weight_banks.{bank}") for bank in range(work.mapping.used)]
        self.detector_lane = spans.lane("detector")
        self.nonlinearity_lane = spans.lane("nonlinearity")
        self.memory_lane = spans.lane("memory")
        self.output = spans.lanes(delays.output)
        #: Input maps and output maps are the work of one engine.
        self.engine_lane = spans.lane(ENGINE_LANE)
        self.engine = Engine(env)
        self.engine_freed = NO_CAUSE

        #: First sample of each block that has entered the loop.
        self.firsts: list[int] = []
        self.arrived: list[int] = []
        self.results: list[int] = []
        #: Samples in all, known when the last one was taken from the queue.
        self.expected = -1
        self.queue = Queue(arrivals)

        self.entering: Inbox[int] = Inbox(env)
        self.accepted: Inbox[int] = Inbox(env)
        self.departed: Inbox[tuple[int, int, Access, bool, int, int]] = Inbox(env)
        self.captured: Inbox[tuple[int, int, bool, int]] = Inbox(env)
        self.again: Inbox[int] = Inbox(env)
        self.activated: Inbox[tuple[int, int, bool, int, int]] = Inbox(env)
        self.held: Inbox[int] = Inbox(env)
        self.loop_left: Inbox[int] = Inbox(env)
        self.finished: Inbox[tuple[int, bool, int]] = Inbox(env)
        self.taken: Inbox[int] = Inbox(env)
        self.preparation = Preparation(env, spans, work)
        for process in (
            self._front_end, self._encoder, self._crossing, self._nonlinearity,
            self._memory, self._readout,
        ):  # fmt: skip
            env.process(process())

    def run(self) -> None:
        """Let everything happen."""
        self.env.run()

    def _finish(self) -> None:
        """Say so when all results are there."""
        if len(self.results) == self.expected:
            self.preparation.finish()

    def _front_end(self) -> Wait[None]:
        """Map the input of one sample after the other; keep each until the encoder takes it."""
        env = self.env
        row = NO_CAUSE
        for sample in count():
            arrival = self.queue.next(env.now)
            if arrival is None:
                self.expected = sample
                self._finish()
                return
            if arrival > env.now:
                yield env.timeout(arrival - env.now)
            for number, (lane, action, duration) in enumerate(self.input):
                row = yield from self._engage(lane, row, sample)
                if not number:
                    arrival = self.queue.take(env.now)
                    self.arrived.append(arrival)
                    if arrival == env.now and not self.arrivals.saturated:
                        row = NO_CAUSE  # nobody had to get free for it
                row = yield from self.occupy(lane, action, env.now, duration, row, sample)
                self._release(lane, row)
            self.entering.put(row)
            row = yield from self.accepted.get()

    def _engage(self, lane: int, row: int, sample: int) -> Wait[int]:
        """Wait until the digital engine is free for a sample, if it is the one that is needed.

        Returns:
            What allows the sample to begin: `row`, or the span that kept the engine busy until now.
        """
        if lane != self.engine_lane:
            return row
        yield from self.engine.take(sample)
        return self.spans.latest(row, self.engine_freed)

    def _release(self, lane: int, row: int) -> None:
        """Set the digital engine free at the end of the span in this row, if it is the one."""
        if lane == self.engine_lane:
            # What took no time freed nobody: the span before it did.
            self.engine_freed = self.spans.latest(self.engine_freed, row)
            self.engine.give()

    def _encoder(self) -> Wait[None]:
        """Encode the samples of a block in turn, step by step, and let each depart when it may."""
        env, gates = self.env, self.preparation.gates
        # When the nonlinearity is free of the samples that are on their way to it.
        reserved = 0
        driven = left = NO_CAUSE
        first = 0
        for number, accesses in enumerate(self.preparation.plan()):
            if number:
                left = yield from self.loop_left.get()
            if number > 1:
                left = self.spans.latest(left, (yield from self.taken.get()))
            end, sample = first + 1, first
            for step, access in enumerate(accesses):
                changes = access.changes and (number > 0 or step > 0)
                again, activates = step % self.folds > 0, self._ends_step(step)
                sample = first
                while sample < end:
                    ready = NO_CAUSE
                    source = self.again if again else self.held if step else self.entering
                    own = yield from source.get()
                    if self.stateful and number and not step:
                        own = self.spans.latest(own, (yield from self.held.get()))
                    if changes and sample == first and not self.overlap:
                        ready = yield from self.preparation.bank_ready.get()
                    row = self.spans.latest(own, driven, left, ready)
                    if not step:
                        if sample == first:
                            # A block takes the samples that are there, at most B of them.
                            more = self.queue.waiting(env.now, self.block - 1)
                            end = first + 1 + more
                            self.firsts.append(first)
                        self.accepted.put(row)
                    for lane, action, duration in self.encode:
                        row = yield from self.occupy(
                            lane, action, env.now, duration, row, sample, step
                        )
                    if changes and sample == first and self.overlap:
                        row = self.spans.latest(row, (yield from self.preparation.bank_ready.get()))
                    # The nonlinearity is free of the previous sample when this one is captured.
                    if activates and reserved > env.now:
                        row = driven
                        yield env.timeout(reserved - env.now)
                    if gates:
                        row = self.spans.latest(row, (yield from gates[access.bank].enter()))
                    if activates:
                        reserved = env.now + self.delays.activate_fs
                    self.departed.put((sample, step, access, sample == end - 1, env.now, row))
                    driven = yield from self.occupy(
                        self.symbol_lane,
                        _HOLD_SYMBOL,
                        env.now,
                        self.delays.hold_symbol_fs,
                        row,
                        sample,
                        step,
                    )
                    sample += 1
            first = end

    def _crossing(self) -> Wait[None]:
        """Carry departed samples to their bank, multiply and capture; several may be under way."""
        env, delays, gates = self.env, self.delays, self.preparation.gates
        while True:
            sample, step, access, last, start, row = yield from self.departed.get()
            row = yield from self.occupy(
                self.path_lane, _PROPAGATE, start, delays.propagate_fs, row, sample, step, access
            )
            row = yield from self.occupy(
                self.bank_lanes[access.bank],
                _MVM,
                env.now,
                delays.mvm_fs,
                row,
                sample,
                step,
                access,
            )
            row = yield from self.occupy(
                self.detector_lane, _DETECT, env.now, delays.detect_fs, row, sample, step
            )
            if gates:
                gates[access.bank].leave(row)
            activates = self._ends_step(step)
            if activates:
                self.captured.put((sample, step, last, row))
            else:
                self.again.put(row)
            if last:
                # Without overlap the switch waits for the state, of which a fold makes no new one.
                if self.overlap or not activates:
                    self.preparation.bank_left.put(row)
                self.preparation.captured(row)

    def _ends_step(self, product: int) -> bool:
        """Return whether a product is the last fold of its step."""
        return (product + 1) % self.folds == 0

    def _nonlinearity(self) -> Wait[None]:
        """Apply f; send the sample round again or out."""
        while True:
            sample, step, last, row = yield from self.captured.get()
            row = yield from self.occupy(
                self.nonlinearity_lane, _ACTIVATE, self.env.now, self.delays.activate_fs, row,
                sample, step,
            )  # fmt: skip
            ends = step + 1 == self.products
            if not ends or self.stateful:
                self.activated.put((sample, step, last, self.env.now, row))
            if not ends:
                continue
            self.finished.put((sample, last, row))
            if last:
                self.loop_left.put(row)
                if not self.overlap and not self.stateful:
                    self.preparation.bank_left.put(row)

    def _memory(self) -> Wait[None]:
        """Acquire states; several may be under way, as a block fits in the memory."""
        while True:
            sample, step, last, start, row = yield from self.activated.get()
            row = yield from self.occupy(
                self.memory_lane, _HOLD, start, self.delays.hold_fs, row, sample, step
            )
            self.held.put(row)
            if last and not self.overlap:
                self.preparation.bank_left.put(row)

    def _readout(self) -> Wait[None]:
        """Bring one sample after the other to the host."""
        previous = NO_CAUSE
        samples = self.arrivals.count
        every = max(1, samples // 100)
        while True:
            sample, last, row = yield from self.finished.get()
            row = self.spans.latest(row, previous)
            if last:
                self.taken.put(row)
            for lane, action, duration in self.output:
                row = yield from self._engage(lane, row, sample)
                row = yield from self.occupy(lane, action, self.env.now, duration, row, sample)
                self._release(lane, row)
            previous = row
            self.results.append(self.env.now)
            self._finish()
            done = len(self.results)
            if self.progress is not None and (done % every == 0 or done == samples):
                self.progress(done, samples)
