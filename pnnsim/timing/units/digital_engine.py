"""The digital engine: one server for input maps and output maps."""

from __future__ import annotations

from pnnsim.mapping.actions import ENGINE_LANE, NO_CAUSE
from pnnsim.timing.kernel import Engine, Wait
from pnnsim.timing.wiring import Wiring


class DigitalEngine:
    """The engine that front end and readout share; it has no process of its own.

    Input map and output map never run together: first come first served, and of two that come at
    once the older sample goes first.

    Args:
        wiring: Connections of the core.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._spans = wiring.spans
        self._lane = wiring.spans.lane(ENGINE_LANE)
        self._server = Engine(wiring.env)
        self._freed = NO_CAUSE

    def engage(self, lane: int, row: int, sample: int) -> Wait[int]:
        """Wait until the engine is free for a sample, if the lane is that of the engine.

        Args:
            lane: Lane on which the sample goes on.
            row: Row of its span before.
            sample: The sample.

        Returns:
            What allows the sample to begin: `row`, or the span that kept the engine busy until now.
        """
        if lane != self._lane:
            return row
        yield from self._server.take(sample)
        return self._spans.latest(row, self._freed)

    def release(self, lane: int, row: int) -> None:
        """Set the engine free at the end of a span, if the lane is that of the engine.

        What took no time has set nothing free: the span before it did.

        Args:
            lane: Lane of the span.
            row: Its row.
        """
        if lane == self._lane:
            self._freed = self._spans.latest(self._freed, row)
            self._server.give()
