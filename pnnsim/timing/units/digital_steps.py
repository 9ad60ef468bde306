"""The digital steps: what the engine computes of one sample after the other, results at last."""

from __future__ import annotations

from pnnsim.mapping.actions import ACTIONS, ENGINE_LANE, NO_CAUSE
from pnnsim.timing.kernel import Wait
from pnnsim.timing.units.digital_engine import DigitalEngine
from pnnsim.timing.units.readout import Progress, report
from pnnsim.timing.wiring import InFlight, Wiring

_COMPUTE = ACTIONS.index("compute")


class DigitalSteps:
    """The server of the digital work between products, and of that behind the last one.

    Args:
        wiring: Connections of the core.
        engine: The digital engine.
        progress: Called with (results so far, samples) about a hundred times.
    """

    def __init__(self, wiring: Wiring, engine: DigitalEngine, progress: Progress | None) -> None:
        self._wiring = wiring
        self._engine = engine
        self._progress = progress
        self._lane = wiring.spans.lane(ENGINE_LANE)
        self._stages = wiring.spans.lanes(wiring.delays.output)
        #: Lane and action of each output stage.
        self.actions = {(lane, action) for lane, action, _ in self._stages}
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        wiring, previous = self._wiring, NO_CAUSE
        while True:
            flight = yield from wiring.digitized.get()
            row = wiring.spans.latest(flight.cause, previous)
            final = flight.product + 1 == wiring.products
            if final and flight.last:
                wiring.results_taken.put(row)
            previous = yield from self._compute(flight, row)
            if not final:
                wiring.computed.post(flight.sample, previous)
                if flight.last and not wiring.work.control.overlap:
                    wiring.bank_left.put(previous)
                continue
            for lane, action, duration in self._stages:
                previous = yield from self._engaged(flight, lane, action, duration, previous, -1)
            wiring.tally.results.append(wiring.env.now)
            report(wiring, self._progress)

    def _compute(self, flight: InFlight, row: int) -> Wait[int]:
        """Do the digital steps behind a product, and return the row of the span.

        Args:
            flight: The sample.
            row: Row of the span that allows it to begin.
        """
        product = self._wiring.passage[flight.product]
        duration = self._wiring.work.jobs_fs[flight.product]
        return self._engaged(
            flight, self._lane, _COMPUTE, duration, row, flight.product, product.operations
        )

    def _engaged(
        self,
        flight: InFlight,
        lane: int,
        action: int,
        duration: int,
        row: int,
        product: int,
        amount: int = 1,
    ) -> Wait[int]:
        """Do one job with the engine, and return the row of the span.

        Args:
            flight: The sample.
            lane: Lane of the job.
            action: Its action.
            duration: Its time [fs].
            row: Row of the span that allows it to begin.
            product: Product behind which it is done, -1 behind all of them.
            amount: Operations that are priced.
        """
        wiring, sample = self._wiring, flight.sample
        row = yield from self._engine.engage(lane, row, sample)
        row = yield from wiring.spans.occupy(
            lane, action, wiring.env.now, duration, row, sample, product, amount=amount
        )
        self._engine.release(lane, row)
        return row
