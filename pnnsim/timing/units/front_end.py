"""The front end: it maps the input of one sample after the other."""

from __future__ import annotations

from itertools import count

from pnnsim.mapping.actions import NO_CAUSE
from pnnsim.timing.kernel import Wait
from pnnsim.timing.units.digital_engine import DigitalEngine
from pnnsim.timing.wiring import Wiring


class FrontEnd:
    """The server of the input stages.

    It keeps each sample until the encoder takes it.

    Args:
        wiring: Connections of the core.
        engine: The digital engine.
    """

    def __init__(self, wiring: Wiring, engine: DigitalEngine) -> None:
        self._wiring = wiring
        self._engine = engine
        self._stages = wiring.spans.lanes(wiring.delays.input)
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        wiring, env, tally = self._wiring, self._wiring.env, self._wiring.tally
        row = NO_CAUSE
        for sample in count():
            arrival = tally.queue.next(env.now)
            if arrival is None:
                tally.expected = sample
                return
            if arrival > env.now:
                yield env.timeout(arrival - env.now)
            row = yield from self._map(sample, row)
            wiring.mapped.put(row)
            row = yield from wiring.accepted.get()

    def _map(self, sample: int, row: int) -> Wait[int]:
        """Pass a sample through the stages.

        Args:
            sample: The sample.
            row: Row of the span that set the front end free.

        Returns:
            Row of the span of the last stage.
        """
        env, engine = self._wiring.env, self._engine
        for number, (lane, action, duration) in enumerate(self._stages):
            row = yield from engine.engage(lane, row, sample)
            if not number:
                row = self._take(row)
            row = yield from self._wiring.spans.occupy(lane, action, env.now, duration, row, sample)
            engine.release(lane, row)
        return row

    def _take(self, row: int) -> int:
        """Take the next sample from the queue, and return the cause of its first span."""
        wiring = self._wiring
        arrival = wiring.tally.queue.take(wiring.env.now)
        wiring.tally.arrived.append(arrival)
        # A sample that is served as it comes has waited for no unit.
        at_once = arrival == wiring.env.now and not wiring.arrivals.saturated
        return NO_CAUSE if at_once else row
