"""The spans of a run while it goes on: which unit is busy with what.

Every occupation of a unit goes through `Spans.occupy`, so that nothing can be busy untraced. When a
unit may be busy is decided in `pnnsim.timing.units`.
"""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence, Sequence

import numpy as np

from pnnsim.common.times import WIDEST_FS, Times
from pnnsim.mapping.delays import Stage
from pnnsim.mapping.plan import Access
from pnnsim.timing.kernel import Clock, Wait
from pnnsim.timing.trace import ACTIONS, NO_CAUSE

#: Columns of a span, in the order in which they are written.
_NAMES = (
    "unit", "action", "start_fs", "end_fs", "sample", "product", "bank", "content", "cause",
    "amount",
)  # fmt: skip
_WIDTH = len(_NAMES)
_END = _NAMES.index("end_fs")


class Spans:
    """The lanes of a machine and the spans written so far.

    Args:
        env: The clock.
    """

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._lanes: dict[str, int] = {}
        #: Numbers of all spans, one behind the other: in 64 bits until a run gets too long for it.
        self._numbers: MutableSequence[int] = array("q")
        self._wide = False
        #: Block of each span that serves a block and no sample, by row.
        self.block_of_row: dict[int, int] = {}

    def lane(self, unit: str) -> int:
        """Return the number of a lane, a new one at its first mention."""
        return self._lanes.setdefault(unit, len(self._lanes))

    @property
    def units(self) -> list[str]:
        """Return the names of the lanes, by their numbers."""
        return list(self._lanes)

    def lanes(self, stages: Sequence[Stage]) -> list[tuple[int, int, int]]:
        """Return (lane, action, duration) of each stage, the numbers that `occupy` takes."""
        return [
            (self.lane(stage.unit), ACTIONS.index(stage.action), stage.duration_fs)
            for stage in stages
        ]

    def occupy(
        self,
        lane: int,
        action: int,
        start: int,
        duration: int,
        cause: int,
        sample: int,
        product: int = -1,
        access: Access | None = None,
        amount: int = 1,
    ) -> Wait[int]:
        """Occupy a lane from `start` for `duration` [fs], and return the row of the span.

        Rows are written when spans end, so they stand in the order of their ends and a cause always
        stands above its effect.

        Args:
            lane: Number of the lane.
            action: Index into `ACTIONS`.
            start: Start [fs]; it may lie in the past for what can hold several samples.
            duration: Time taken [fs].
            cause: Row of the span whose end allowed this one to start.
            sample: Sample served, or -1.
            product: Number of the product, or -1.
            access: Use of a bank that the span belongs to.
            amount: How often the action happens.
        """
        env = self._env
        end = start + duration
        if end > env.now:
            yield env.timeout(end - env.now)
        bank, content = (-1, -1) if access is None else (access.bank, access.weight_set)
        if end > WIDEST_FS and not self._wide:
            self._numbers, self._wide = list(self._numbers), True
        numbers = self._numbers
        row = len(numbers) // _WIDTH
        numbers.extend((lane, action, start, end, sample, product, bank, content, cause, amount))
        return row

    def table(self) -> dict[str, Times]:
        """Return the columns of all spans by their names, each of shape `(n_span,)`."""
        numbers = np.array(self._numbers, dtype=object if self._wide else np.int64)
        return {
            name: np.array(column, dtype=column.dtype if name.endswith("_fs") else np.int64)
            for name, column in zip(_NAMES, numbers.reshape(-1, _WIDTH).T, strict=True)
        }

    def end(self, row: int) -> int:
        """Return when a span ended [fs]; -1 for no span."""
        return self._numbers[row * _WIDTH + _END] if row != NO_CAUSE else -1

    def latest(self, own: int, *others: int) -> int:
        """Return the row that ended last, the sample's own previous span where several did."""
        # Rows stand in the order of their ends.
        newest = max(others)
        if newest <= own or self.end(newest) == self.end(own):
            return own
        return newest if len(others) == 1 else max(others, key=self.end)
