"""The memory: it acquires the states of a block, several of which may be under way."""

from __future__ import annotations

from pnnsim.mapping.actions import ACTIONS
from pnnsim.timing.kernel import Wait
from pnnsim.timing.wiring import Wiring

_HOLD = ACTIONS.index("hold")


class Memory:
    """The memory, in which a whole block fits.

    Args:
        wiring: Connections of the core.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._lane = wiring.spans.lane("memory")
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        wiring = self._wiring
        occupy, hold_fs = wiring.spans.occupy, wiring.delays.hold_fs
        overlap = wiring.work.control.overlap
        while True:
            flight = yield from wiring.activated.get()
            row = yield from occupy(
                self._lane, _HOLD, flight.start_fs, hold_fs, flight.cause,
                flight.sample, flight.product, amount=wiring.passage[flight.product].cells,
            )  # fmt: skip
            wiring.held.post(flight.sample, row)
            if flight.last and not overlap:
                wiring.bank_left.put(row)
