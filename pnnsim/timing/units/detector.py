"""The detector: it captures the sums of one product after the other."""

from __future__ import annotations

from collections.abc import Sequence

from pnnsim.mapping.actions import ACTIONS
from pnnsim.timing.kernel import Wait
from pnnsim.timing.units.bank import WeightBank
from pnnsim.timing.units.writers import Writers
from pnnsim.timing.wiring import Wiring

_DETECT = ACTIONS.index("detect")


class Detector:
    """The detector, which sends sums on once they are those of a whole step.

    Args:
        wiring: Connections of the core.
        banks: The weight banks.
        writers: The processes that write banks ahead of time; None where there are none.
    """

    def __init__(
        self, wiring: Wiring, banks: Sequence[WeightBank], writers: Writers | None
    ) -> None:
        self._wiring = wiring
        self._banks = banks
        self._writers = writers
        self._gated = wiring.work.control.refresh_interval is not None
        self._lane = wiring.spans.lane("detector")
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        wiring, env = self._wiring, self._wiring.env
        occupy, detect_fs = wiring.spans.occupy, wiring.delays.detect_fs
        overlap = wiring.work.control.overlap
        while True:
            flight = yield from wiring.multiplied.get()
            product, train_fs = wiring.passage[flight.product], wiring.train_fs[flight.product]
            row = yield from occupy(
                self._lane, _DETECT, flight.start_fs, detect_fs + train_fs, flight.cause,
                flight.sample, flight.product, amount=product.vectors * product.rows,
            )  # fmt: skip
            if self._gated:
                self._banks[flight.access.bank].gate.leave(row)
            flight.start_fs, flight.cause = env.now - train_fs, row
            if product.activates:
                wiring.captured.put(flight)
            elif product.converts:
                wiring.converted.put(flight)
            ends_step = product.activates or product.leaves
            if not ends_step:
                wiring.summed.put(row)
            if not flight.last:
                continue
            # Without overlap the switch waits for the state, of which a fold makes no new one.
            if overlap or not ends_step:
                wiring.bank_left.put(row)
            if self._writers is not None:
                self._writers.captured(row)
