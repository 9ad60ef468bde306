"""Timing of one image, or a few together, on one core: SimPy processes that record spans.

    image ─▶ front_end ─▶ encoder ─▶ crossing (bank, detector) ─▶ converter ─▶ memory ─┐
                 │            ▲                  │                                     │
                 │            └── switch, write ◀┘                                     │
                 ◀──────── sums, batch norm, skip, ReLU, pool: once per convolution ◀──┘

All patches access a tile before the switch moves. A convolution begins when the digital engine has
finished the one before, as each patch needs pixels of many. The processes are those of
`pnnsim.timing.core`, with patches for samples, and keep its invariants: one sample at a time in
each part, and a departure only when the switch rests, the bank is written and the converter will be
free. The switch and writes start when the last patch of an access is captured; nothing is written
ahead.

There are no tensors and no prices here.
"""

from __future__ import annotations

from collections.abc import Sequence

from pnnsim.lrunet.program import Application, Program
from pnnsim.mapping.delays import Delays
from pnnsim.mapping.plan import Access
from pnnsim.timing.kernel import Clock, Inbox, Wait
from pnnsim.timing.recorder import Spans
from pnnsim.timing.trace import ACTIONS, NO_CAUSE, PATH_LANE, Trace

_ACTION = {name: number for number, name in enumerate(ACTIONS)}


class ImageRun:
    """Run of one image, or of several that access each tile together.

    A sample of the trace is an image and a step is an access; each patch has spans of its own.

    Args:
        program: The work.
        accesses: Bank of each access, and what must be written or switched before it.
        delays: Delays of the machine; its own input and output maps are not used.
        digital_fs: Time of the digital engine behind each application, for all images together,
            shape `(n_application,)` [fs].
        input_fs: Time of the digital engine to take one image in [fs].
        overlap: Whether the switch moves while patches are converted and encoded.
        images: Images that access each tile together.
    """

    def __init__(
        self,
        program: Program,
        accesses: Sequence[Access],
        delays: Delays,
        *,
        digital_fs: Sequence[int],
        input_fs: int,
        overlap: bool,
        images: int = 1,
    ) -> None:
        self.env = env = Clock()
        self.accesses = accesses
        self.delays = delays
        self.digital_fs = digital_fs
        self.input_fs = input_fs
        self.overlap = overlap
        self.images = images
        self.work: list[tuple[int, Application]] = [
            (number, application)
            for number, application in enumerate(program.applications)
            for _ in application.tiles
        ]
        self.spans = Spans(env)
        self.arrived: list[int] = []
        self.results: list[int] = []
        self.prepared: Inbox[int] = Inbox(env)
        self.departed: Inbox[tuple[int, int, bool, int, int]] = Inbox(env)
        self.captured: Inbox[tuple[int, int, bool, int]] = Inbox(env)
        self.converted: Inbox[tuple[int, int, bool, int, int]] = Inbox(env)
        self.summed: Inbox[int] = Inbox(env)
        self.bank_left: Inbox[int] = Inbox(env)
        self.bank_ready: Inbox[int] = Inbox(env)
        for process in (
            self._front_end, self._encoder, self._crossing, self._converter, self._memory,
            self._switch,
        ):  # fmt: skip
            env.process(process())
        env.run()

    def _occupy(
        self, unit: str, action: str, start: int, duration: int, cause: int, sample: int, step: int
    ) -> Wait[int]:
        """Occupy a unit from `start` for `duration` [fs]; see `Spans.occupy`."""
        at_bank = action in ("propagate", "mvm", "route", "write")
        access = self.accesses[step] if at_bank else None
        return self.spans.occupy(
            self.spans.lane(unit), _ACTION[action], start, duration, cause, sample, step, access
        )

    def _front_end(self) -> Wait[None]:
        """Map the images in, compute between convolutions, and pass the results on."""
        env = self.env
        row = NO_CAUSE
        for image in range(self.images):
            self.arrived.append(env.now)
            row = yield from self._occupy(
                "front_end", "map_input", env.now, self.input_fs, row, image, -1
            )
        self.bank_left.put(row)
        together = 0 if self.images == 1 else -1
        for duration in self.digital_fs:
            self.prepared.put(row)
            row = yield from self.summed.get()
            row = yield from self._occupy(
                "front_end", "map_output", env.now, duration, row, together, -1
            )
        hand_over = next(stage for stage in self.delays.output if stage.action == "convert")
        for image in range(self.images):
            row = yield from self._occupy(
                hand_over.unit, "convert", env.now, hand_over.duration_fs, row, image, -1
            )
            self.results.append(env.now)

    def _encoder(self) -> Wait[None]:
        """Encode the patches of each access in turn, and let each depart when it may."""
        env, delays = self.env, self.delays
        departure = -delays.activate_fs
        driven = NO_CAUSE
        before = -1
        for step, (number, application) in enumerate(self.work):
            row = driven if number == before else (yield from self.prepared.get())
            before = number
            changes = self._changes(step)
            patches = application.conv.patches
            count = patches * self.images
            for patch in range(count):
                sample = patch // patches
                if not patch and changes and not self.overlap:
                    row = self.spans.latest(row, (yield from self.bank_ready.get()))
                for stage in delays.encode:
                    row = yield from self._occupy(
                        stage.unit, stage.action, env.now, stage.duration_fs, row, sample, step
                    )
                if not patch and changes and self.overlap:
                    row = self.spans.latest(row, (yield from self.bank_ready.get()))
                reserved = departure + delays.activate_fs
                if reserved > env.now:
                    row = driven
                    yield env.timeout(reserved - env.now)
                departure = env.now
                self.departed.put((step, sample, patch == count - 1, departure, row))
                driven = row = yield from self._occupy(
                    "encoder", "hold_symbol", departure, delays.hold_symbol_fs, row, sample, step
                )

    def _changes(self, step: int) -> bool:
        return self.accesses[step].changes

    def _crossing(self) -> Wait[None]:
        """Carry departed patches to their bank, multiply and capture."""
        env, delays = self.env, self.delays
        for _ in self._patches():
            step, sample, last, start, row = yield from self.departed.get()
            row = yield from self._occupy(
                PATH_LANE, "propagate", start, delays.propagate_fs, row, sample, step
            )
            bank = f"weight_banks.{self.accesses[step].bank}"
            row = yield from self._occupy(bank, "mvm", env.now, delays.mvm_fs, row, sample, step)
            row = yield from self._occupy(
                "detector", "detect", env.now, delays.detect_fs, row, sample, step
            )
            self.captured.put((step, sample, last, row))
            if last and self.overlap:
                self.bank_left.put(row)

    def _converter(self) -> Wait[None]:
        """Convert what was captured."""
        for _ in self._patches():
            step, sample, last, row = yield from self.captured.get()
            row = yield from self._occupy(
                "nonlinearity", "activate", self.env.now, self.delays.activate_fs, row, sample, step
            )
            self.converted.put((step, sample, last, self.env.now, row))

    def _memory(self) -> Wait[None]:
        """Store what was converted; several may be under way."""
        for _ in self._patches():
            step, sample, last, start, row = yield from self.converted.get()
            row = yield from self._occupy(
                "memory", "hold", start, self.delays.hold_fs, row, sample, step
            )
            if last and not self.overlap:
                self.bank_left.put(row)
            ends = step + 1 == len(self.work) or self.work[step + 1][0] != self.work[step][0]
            if last and ends:
                self.summed.put(row)

    def _switch(self) -> Wait[None]:
        """Prepare each access once the one before is over: write its bank if need be, then move."""
        together = 0 if self.images == 1 else -1
        for step, access in enumerate(self.accesses):
            row = yield from self.bank_left.get()
            if access.write:
                row = yield from self._occupy(
                    f"weight_banks.{access.bank}", "write", self.env.now, self.delays.write_fs, row,
                    together, step,
                )  # fmt: skip
            if access.route:
                row = yield from self._occupy(
                    "switch", "route", self.env.now, self.delays.route_fs, row, together, step
                )
            if access.changes:
                self.bank_ready.put(row)

    def _patches(self) -> range:
        """Return as many numbers as there are samples in the run."""
        patches = sum(application.conv.patches for _, application in self.work)
        return range(patches * self.images)

    def trace(self) -> Trace:
        """Return what happened, as columns."""
        return Trace.from_table(
            self.spans.units, self.spans.table(), arrival_fs=self.arrived, result_fs=self.results
        )
