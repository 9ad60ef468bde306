"""The readout: it brings one sample after the other to the host."""

from __future__ import annotations

from collections.abc import Callable

from pnnsim.mapping.actions import NO_CAUSE
from pnnsim.timing.kernel import Wait
from pnnsim.timing.units.digital_engine import DigitalEngine
from pnnsim.timing.wiring import InFlight, Wiring

Progress = Callable[[int, int], None]


class Readout:
    """The server of the output stages.

    Args:
        wiring: Connections of the core.
        engine: The digital engine.
        progress: Called with (results so far, samples) about a hundred times.
    """

    def __init__(self, wiring: Wiring, engine: DigitalEngine, progress: Progress | None) -> None:
        self._wiring = wiring
        self._engine = engine
        self._progress = progress
        self._stages = wiring.spans.lanes(wiring.delays.output)
        #: Lane and action of each stage.
        self.actions = {(lane, action) for lane, action, _ in self._stages}
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        wiring = self._wiring
        previous = NO_CAUSE
        while True:
            flight = yield from wiring.finished.get()
            row = wiring.spans.latest(flight.cause, previous)
            if flight.last:
                wiring.results_taken.put(row)
            previous = yield from self._hand_over(flight, row)
            wiring.tally.results.append(wiring.env.now)
            report(wiring, self._progress)

    def _hand_over(self, flight: InFlight, row: int) -> Wait[int]:
        """Pass a sample through the stages, and return the row of its last span.

        Args:
            flight: The sample.
            row: Row of the span that allows it to begin.
        """
        env, engine, sample = self._wiring.env, self._engine, flight.sample
        for lane, action, duration in self._stages:
            row = yield from engine.engage(lane, row, sample)
            row = yield from self._wiring.spans.occupy(lane, action, env.now, duration, row, sample)
            engine.release(lane, row)
        return row


def report(wiring: Wiring, progress: Progress | None) -> None:
    """Report progress, about a hundred times in all.

    Args:
        wiring: Connections of the core.
        progress: Called with (results so far, samples); None for silence.
    """
    if progress is None:
        return
    done, samples = len(wiring.tally.results), wiring.arrivals.count
    if done % max(1, samples // 100) == 0 or done == samples:
        progress(done, samples)
