"""The converter: it turns what was captured, or activated, into numbers as it comes.

It is free when a vector comes, as the encoder lets none depart before.
"""

from __future__ import annotations

from pnnsim.mapping.actions import ACTIONS, READOUT_LANE
from pnnsim.timing.kernel import Wait
from pnnsim.timing.wiring import Wiring

_DIGITIZE = ACTIONS.index("digitize")


class Converter:
    """The converter behind detector and nonlinearity, at which a block leaves the loop.

    Args:
        wiring: Connections of the core.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._lane = wiring.spans.lane(READOUT_LANE)
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        wiring, env = self._wiring, self._wiring.env
        digitize_fs = wiring.delays.digitize_fs
        while True:
            flight = yield from wiring.converted.get()
            product, train_fs = wiring.passage[flight.product], wiring.train_fs[flight.product]
            row = yield from wiring.spans.occupy(
                self._lane, _DIGITIZE, flight.start_fs, digitize_fs + train_fs, flight.cause,
                flight.sample, flight.product, amount=product.vectors * product.cells,
            )  # fmt: skip
            if not product.leaves:
                continue
            flight.start_fs, flight.cause = env.now, row
            wiring.digitized.put(flight)
            if flight.product + 1 == wiring.products and flight.last:
                wiring.loop_left.put(row)
                if not wiring.work.control.overlap:
                    wiring.bank_left.put(row)
