"""The switch: it has the bank of each access written, and moves to it, while states are processed.

What is to be written or moved to comes with the turns of blocks (`pnnsim.timing.units.turns`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pnnsim.mapping.actions import ACTIONS
from pnnsim.timing.kernel import Wait
from pnnsim.timing.units.bank import WeightBank
from pnnsim.timing.units.writers import Writers
from pnnsim.timing.wiring import Wiring

_ROUTE = ACTIONS.index("route")


class Switch:
    """The switch, which prepares each access but the first.

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
        self._lane = wiring.spans.lane("switch")
        wiring.env.process(self._serve())

    def _serve(self) -> Wait[None]:
        """Prepare each access once the one before is over: write its bank if need be, then move."""
        wiring, spans, writers = self._wiring, self._wiring.spans, self._writers
        yield from wiring.chosen.get()
        while True:
            row = yield from wiring.bank_left.get()
            turn = yield from wiring.chosen.get()
            block, product, access = turn.block, turn.product, turn.access
            if access.write and writers is not None:
                row = spans.latest(row, (yield from writers.written(block, product)))
            elif access.write:
                row = yield from self._banks[access.bank].write(block, product, access, row)
            if access.route:
                row = yield from spans.occupy(
                    self._lane, _ROUTE, wiring.env.now, wiring.delays.route_fs, row,
                    -1, product, access,
                )  # fmt: skip
                spans.block_of_row[row] = block
            if access.changes:
                wiring.bank_ready.put(row)
