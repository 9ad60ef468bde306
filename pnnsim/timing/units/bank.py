"""A weight bank: it multiplies what departs to it, and is written and refreshed.

Where banks are refreshed, each is written again with what it holds once its last programming began
a stated time ago. A refresh takes a write driver, lets no sample depart to its bank any more, waits
until those on their way are captured, and writes. Other banks can be crossed meanwhile, so a
refresh may come between any two departures, those of one block included.
"""

from __future__ import annotations

from pnnsim.common.units import to_fs
from pnnsim.mapping.actions import ACTIONS, PATH_LANE
from pnnsim.mapping.plan import Access
from pnnsim.timing.kernel import Gate, Servers, Wait
from pnnsim.timing.wiring import Wiring

_PROPAGATE, _MVM, _WRITE, _REFRESH = (
    ACTIONS.index(name) for name in ("propagate", "mvm", "write", "refresh")
)


class WeightBank:
    """One logical bank, with the way that light takes to it.

    Args:
        wiring: Connections of the core.
        number: Number of the bank.
        content: Weight set that it holds when the first sample comes.
        drivers: The write drivers, which all banks share.
    """

    def __init__(self, wiring: Wiring, number: int, content: int, drivers: Servers) -> None:
        self._wiring = wiring
        self._number = number
        self._content = content
        self._drivers = drivers
        self._path = wiring.spans.lane(PATH_LANE)
        self._lane = wiring.spans.lane(f"weight_banks.{number}")
        #: When its last programming began [fs].
        self._written_fs = 0
        interval = wiring.work.control.refresh_interval
        #: Closed to samples while the bank is programmed, where banks are refreshed; otherwise the
        #: plan keeps samples away.
        self.gate = Gate(wiring.env)
        self._gated = interval is not None
        if interval is not None:
            wiring.env.process(self._refresh(to_fs(interval)))
        wiring.env.process(self._multiply())

    def _multiply(self) -> Wait[None]:
        """Respond to departed samples in turn; others may be under way to the bank meanwhile.

        The vectors of a sample follow each other without a gap between the units: each unit works
        from its first vector to its last.
        """
        wiring, env, delays = self._wiring, self._wiring.env, self._wiring.delays
        occupy, departed = wiring.spans.occupy, wiring.departed[self._number]
        while True:
            flight = yield from departed.get()
            sample, product, access = flight.sample, flight.product, flight.access
            train_fs, vectors = wiring.train_fs[product], wiring.passage[product].vectors
            row = yield from occupy(
                self._path, _PROPAGATE, flight.start_fs, delays.propagate_fs + train_fs,
                flight.cause, sample, product, access, vectors,
            )  # fmt: skip
            flight.cause = yield from occupy(
                self._lane, _MVM, env.now - train_fs, delays.mvm_fs + train_fs, row,
                sample, product, access, vectors,
            )  # fmt: skip
            flight.start_fs = env.now - train_fs
            wiring.multiplied.put(flight)

    def write(self, block: int, product: int, access: Access, cause: int) -> Wait[int]:
        """Program the bank for an access, and return the row of the span.

        Args:
            block: Block of the access.
            product: Product of the access.
            access: The access.
            cause: Row of the span that allows the bank to be written.
        """
        spans = self._wiring.spans
        row = spans.latest(cause, (yield from self._drivers.take()))
        if self._gated:
            row = spans.latest(row, (yield from self.gate.close()))
        self._content = access.weight_set
        row = yield from self._program(_WRITE, access, row, product=product, block=block)
        if self._gated:
            self.gate.open(row)
        self._drivers.give(row)
        return row

    def _refresh(self, interval_fs: int) -> Wait[None]:
        """Program the bank again whenever its last programming is older than an interval [fs]."""
        env, drivers, tally = self._wiring.env, self._drivers, self._wiring.tally
        while True:
            # An access may have had the bank written meanwhile: it is not due then.
            while (wait := self._written_fs + interval_fs - env.now) > 0:
                yield env.timeout(wait)
            if tally.over:
                return
            row = yield from drivers.take()
            if self._written_fs + interval_fs > env.now:
                drivers.give(row)
                continue
            row = self._wiring.spans.latest(row, (yield from self.gate.close()))
            # Meanwhile the bank may have been written for an access, or the last result have come.
            if self._written_fs + interval_fs <= env.now and not tally.over:
                again = Access(self._number, self._content, write=True, route=False)
                row = yield from self._program(_REFRESH, again, row)
            self.gate.open(row)
            drivers.give(row)

    def _program(
        self, action: int, access: Access, cause: int, *, product: int = -1, block: int = 0
    ) -> Wait[int]:
        """Program the bank, and return the row of the span.

        Args:
            action: Number of the action, a write or a refresh.
            access: What the bank holds then.
            cause: Row of the span that allows it to begin.
            product: Product of the access, -1 for a refresh.
            block: Block of the access.
        """
        env, spans = self._wiring.env, self._wiring.spans
        self._written_fs = env.now
        row = yield from spans.occupy(
            self._lane, action, env.now, self._wiring.delays.write_fs, cause, -1, product, access
        )
        spans.block_of_row[row] = block
        return row
