"""Writing of banks ahead of time: one process for each write driver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pnnsim.mapping.actions import NO_CAUSE
from pnnsim.mapping.policies import AheadOfTime
from pnnsim.timing.kernel import Board, Wait
from pnnsim.timing.units.bank import WeightBank
from pnnsim.timing.wiring import Wiring


class Writers:
    """The processes that program banks that no sample uses, in the order of their need.

    Args:
        wiring: Connections of the core.
        banks: The weight banks.
        count: Banks that can be written at once.
    """

    def __init__(self, wiring: Wiring, banks: Sequence[WeightBank], count: int) -> None:
        self._wiring = wiring
        self._banks = banks
        self._accesses = 0
        self._captured = Board(wiring.env)
        self._written = Board(wiring.env)
        jobs = wiring.work.policy.writes_ahead(wiring.plan())
        for _ in range(count):
            wiring.env.process(self._serve(jobs))

    def captured(self, row: int) -> None:
        """Take note that the last sample of the next access is captured, with the span in a row."""
        self._captured.post(self._accesses, row)
        self._accesses += 1

    def written(self, block: int, product: int) -> Wait[int]:
        """Wait until the bank of an access is written, and return the row of the write.

        Args:
            block: Block of the access.
            product: Product of the access.
        """
        return self._written.get(block * self._wiring.products + product)

    def _serve(self, jobs: Iterator[AheadOfTime]) -> Wait[None]:
        """Do the jobs that are left, each when the last use of what it overwrites is over."""
        own = NO_CAUSE
        for job in jobs:
            freed = yield from self._captured.get(job.frees)
            cause = self._wiring.spans.latest(freed, own)
            bank = self._banks[job.access.bank]
            own = yield from bank.write(job.block, job.step, job.access, cause)
            self._written.post(job.block * self._wiring.products + job.step, own)
