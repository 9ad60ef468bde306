"""The encoder: it encodes the samples of a block in turn, step by step, and lets each depart.

Light cannot wait. A sample departs only when the switch rests on its bank, the bank is not being
written, and the nonlinearity will be free at capture; as delays are fixed, the time of capture is
known at departure. The spacing of departures by `hold_symbol` keeps bank and detector free for each
of them. Where lines are double-buffered, the next symbol is prepared meanwhile, and departs when
the lines are free of the one before. Where banks are refreshed, a sample also waits for the refresh
of its bank.

Which block of samples is served next is the business of `pnnsim.timing.units.turns`.

Where matrices are folded, a step is several products. After each but the last the sums stay behind
the detector, or go to the converter, and the state, which is still in the memory, is encoded again.
Several vectors of a sample follow each other at the pace of the slowest part on their way. Where
they become numbers, they depart when the converter will be free at capture, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from pnnsim.mapping.actions import ACTIONS, NO_CAUSE
from pnnsim.mapping.plan import Access
from pnnsim.timing.kernel import Servers, Wait
from pnnsim.timing.units.bank import WeightBank
from pnnsim.timing.units.turns import Block, Turns
from pnnsim.timing.wiring import InFlight, Wiring

_HOLD_SYMBOL = ACTIONS.index("hold_symbol")


class Encoder:
    """The server of the encoding stages, which also drives the symbols.

    Args:
        wiring: Connections of the core.
        banks: The weight banks.
    """

    def __init__(self, wiring: Wiring, banks: Sequence[WeightBank]) -> None:
        self._wiring = wiring
        self._banks = banks
        self._gated = wiring.work.control.refresh_interval is not None
        self._overlap = wiring.work.control.overlap
        self._stateful = wiring.work.stateful
        work = wiring.work
        self._stages = [wiring.spans.lanes(work.stages(product)) for product in work.products]
        self._symbol_lane = wiring.spans.lane(work.delays.symbol_lane)
        #: Free while no line keeps a symbol.
        self._lines = Servers(wiring.env, 1)
        #: Departure from which on the nonlinearity is free of samples on their way to it [fs].
        self._reserved_fs = 0
        #: Departure from which on the converter behind detector and nonlinearity is free [fs].
        self._converter_fs = 0
        #: Row of the last symbol that is over.
        self._driven = NO_CAUSE
        #: Row that allowed the last symbol to be driven.
        self._departed = NO_CAUSE
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        turns = Turns(self._wiring)
        while True:
            block, turn = yield from turns.next()
            product, access = turn.product, turn.access
            sample = block.first
            while sample < block.end:
                leads = turn.leads and sample == block.first
                row = yield from self._take(block, sample, product, leads)
                row = yield from self._encode(sample, product, row)
                row = yield from self._may_depart(product, access, leads, row)
                yield from self._drive(block, sample, product, access, row)
                sample += 1

    def _take(self, block: Block, sample: int, product: int, leads: bool) -> Wait[int]:
        """Wait for what a sample brings to a product: its input, its state, or its state again.

        Args:
            block: The block in the loop.
            sample: A sample of it.
            product: The product.
            leads: Whether the bank is made ready before this sample.

        Returns:
            Row of the span that allows it to be encoded.
        """
        wiring, latest = self._wiring, self._wiring.spans.latest
        ready = NO_CAUSE
        if not product:
            own = yield from wiring.mapped.get()
            if self._stateful and block.number:
                before = sample - wiring.work.control.block
                own = latest(own, (yield from wiring.held.get(before)))
        elif not wiring.passage[product].begins:
            own = yield from wiring.summed.get()
        elif wiring.passage[product].digital:
            own = yield from wiring.computed.get(sample)
        else:
            own = yield from wiring.held.get(sample)
        if leads and not self._overlap:
            ready = yield from wiring.bank_ready.get()
        freed = self._departed if wiring.delays.double_buffered else self._driven
        row = latest(own, freed, block.left, ready)
        if not product:
            if sample == block.first:
                self._admit(block)
            wiring.accepted.put(row)
        return row

    def _admit(self, block: Block) -> None:
        """Let a block take the samples that are there, at most as many as fit in it."""
        wiring = self._wiring
        most = wiring.work.control.block - 1
        block.end = block.first + 1 + wiring.tally.queue.waiting(wiring.env.now, most)
        wiring.tally.firsts.append(block.first)

    def _encode(self, sample: int, product: int, row: int) -> Wait[int]:
        """Pass the first vector of a sample through the stages; return the row of its last span.

        Args:
            sample: The sample.
            product: The product.
            row: Row of the span that allows it to begin.
        """
        env, occupy = self._wiring.env, self._wiring.spans.occupy
        passed = self._wiring.passage[product]
        amount = passed.vectors * passed.lines
        for lane, action, duration in self._stages[product]:
            row = yield from occupy(
                lane, action, env.now, duration, row, sample, product, amount=amount
            )
        return row

    def _may_depart(self, product: int, access: Access, leads: bool, row: int) -> Wait[int]:
        """Wait until bank and nonlinearity are there for a sample.

        Args:
            product: The product.
            access: Its bank and weight set.
            leads: Whether the bank is made ready before this sample.
            row: Row of the span of the last stage.

        Returns:
            Row of the span that allows it to depart.
        """
        wiring, env, latest = self._wiring, self._wiring.env, self._wiring.spans.latest
        if leads and self._overlap:
            row = latest(row, (yield from wiring.bank_ready.get()))
        row = latest(row, (yield from self._lines.take()))
        passed, train_fs = wiring.passage[product], wiring.train_fs[product]
        # The nonlinearity is free of the previous sample when this one is captured, and so is the
        # converter when its vectors come there.
        activate_fs = wiring.delays.activate_fs if passed.activates else 0
        free_fs = self._reserved_fs if passed.activates else 0
        if passed.converts:
            free_fs = max(free_fs, self._converter_fs - activate_fs)
        if free_fs > env.now:
            row = self._driven
            yield env.timeout(free_fs - env.now)
        if self._gated:
            row = latest(row, (yield from self._banks[access.bank].gate.enter()))
        if passed.activates:
            self._reserved_fs = env.now + activate_fs + train_fs
        if passed.converts:
            digitize_fs = wiring.delays.digitize_fs
            self._converter_fs = env.now + activate_fs + digitize_fs + train_fs
        return row

    def _drive(
        self, block: Block, sample: int, product: int, access: Access, row: int
    ) -> Wait[None]:
        """Let a sample depart, until the encoder is free for the next one.

        Args:
            block: The block in the loop.
            sample: A sample of it.
            product: The product.
            access: Its bank and weight set.
            row: Row of the span that allows it to depart.
        """
        env, delays = self._wiring.env, self._wiring.delays
        last = sample == block.end - 1
        self._wiring.departed[access.bank].put(
            InFlight(sample, product, access, last, env.now, row)
        )
        self._departed = row
        if not delays.double_buffered:
            yield from self._keep(sample, product, row)
            return
        env.process(self._keep(sample, product, row))
        # Of several vectors, the last one leaves the stages now.
        if self._wiring.train_fs[product]:
            yield env.timeout(self._wiring.train_fs[product])

    def _keep(self, sample: int, product: int, row: int) -> Wait[None]:
        """Keep the symbols of a sample on the lines while bank and detector respond to them.

        Args:
            sample: The sample.
            product: The product.
            row: Row of the span that allowed it to depart.
        """
        wiring = self._wiring
        duration = wiring.delays.hold_symbol_fs + wiring.train_fs[product]
        self._driven = yield from wiring.spans.occupy(
            self._symbol_lane, _HOLD_SYMBOL, wiring.env.now, duration, row, sample, product,
            amount=wiring.passage[product].vectors,
        )  # fmt: skip
        self._lines.give(self._driven)
