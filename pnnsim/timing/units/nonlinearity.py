"""The nonlinearity: it applies f, and sends each sample round again or out of the loop."""

from __future__ import annotations

from pnnsim.mapping.actions import ACTIONS
from pnnsim.timing.kernel import Wait
from pnnsim.timing.wiring import Wiring

_ACTIVATE = ACTIONS.index("activate")


class Nonlinearity:
    """The nonlinearity, at which the loop ends.

    Args:
        wiring: Connections of the core.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._lane = wiring.spans.lane("nonlinearity")
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        wiring, env = self._wiring, self._wiring.env
        occupy, activate_fs = wiring.spans.occupy, wiring.delays.activate_fs
        overlap, stateful = wiring.work.control.overlap, wiring.work.stateful
        while True:
            flight = yield from wiring.captured.get()
            product, train_fs = wiring.passage[flight.product], wiring.train_fs[flight.product]
            row = yield from occupy(
                self._lane, _ACTIVATE, flight.start_fs, activate_fs + train_fs, flight.cause,
                flight.sample, flight.product, amount=product.vectors * product.cells,
            )  # fmt: skip
            flight.start_fs, flight.cause = env.now - train_fs, row
            if product.converts:
                wiring.converted.put(flight)
                continue
            leaves = flight.product + 1 == wiring.products
            if not leaves or stateful:
                wiring.activated.put(flight)
            if not leaves:
                continue
            wiring.finished.put(flight)
            if flight.last:
                wiring.loop_left.put(row)
                if not overlap and not stateful:
                    wiring.bank_left.put(row)
