"""Write down who is busy with what while a run goes on.

Every occupation of a unit goes through `Spans.occupy`, so that nothing can be busy untraced. It
knows no machine: who may be busy when is decided in `pnnsim.core` and `pnnsim.preparation`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from pnnsim.delays import Stage
from pnnsim.errors import ScheduleError
from pnnsim.kernel import Clock, Wait
from pnnsim.schedule import Visit
from pnnsim.trace import ACTIONS, NO_CAUSE, Ints

#: Columns of a span while running: unit, action, start, end, wave, step, bank, weight set, cause.
WIDTH = 9
_END = 3
#: Latest time that a column of 64-bit integers can hold [fs], about 2.5 hours.
_LATEST_FS = 2**63 - 1


class Spans:
    """Hold the lanes of a machine and the spans written so far.

    Args:
        env: The clock.
        waves: Waves of the run, for the report of one that takes too long.
    """

    def __init__(self, env: Clock, waves: int) -> None:
        self._env = env
        self._waves = waves
        self.units: list[str] = []
        self.columns = array("q")
        #: Block of each span that serves a block and no wave, by row.
        self.block_of_row: dict[int, int] = {}

    def lane(self, unit: str) -> int:
        """Return the number of a lane, a new one at its first mention."""
        if unit not in self.units:
            self.units.append(unit)
        return self.units.index(unit)

    def lanes(self, stages: Sequence[Stage]) -> list[tuple[int, int, int]]:
        """Return (lane, action, duration) of each stage, as `occupy` wants them."""
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
        wave: int,
        step: int = -1,
        visit: Visit | None = None,
    ) -> Wait[int]:
        """Be busy from `start` for `duration` [fs], write the span, and return its row.

        Rows are written when spans end, so they stand in the order of their ends and a cause always
        stands above its effect. `start` may lie in the past for what can hold several waves.
        """
        env = self._env
        end = start + duration
        if end > _LATEST_FS:
            raise ScheduleError(
                f"timing: wave {wave} of {self._waves} would end after {_LATEST_FS} fs, the "
                "longest run that integer femtoseconds can count (2.5 hours). Hint: simulate fewer "
                "waves"
            )
        if end > env.now:
            yield env.timeout(end - env.now)
        bank, weight_set = (-1, -1) if visit is None else (visit.bank, visit.weight_set)
        columns = self.columns
        row = len(columns) // WIDTH
        columns.extend((lane, action, start, end, wave, step, bank, weight_set, cause))
        return row

    def table(self) -> Ints:
        """Return all spans, a row each, shape `(n_span, WIDTH)`."""
        return np.frombuffer(self.columns, dtype=np.int64).reshape(-1, WIDTH).copy()

    def end(self, row: int) -> int:
        """Return when a span ended [fs]; -1 for no span."""
        return self.columns[row * WIDTH + _END] if row != NO_CAUSE else -1

    def latest(self, own: int, *others: int) -> int:
        """Return the row that ended last, the wave's own previous span where several did."""
        return max((own, *others), key=self.end)
