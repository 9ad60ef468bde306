"""Long run as a short one with a part that repeats: prefix, period x n, rest.

Nothing is simulated or guessed here: `pnnsim.timing.run` has seen the state of the machine recur,
and from then on every time is a time of the short run plus a multiple of the period. Whole numbers
make this exact. Memory does not grow with the number of samples until every span is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pnnsim.common.times import Times, magnitude, wide_enough
from pnnsim.mapping.work import Work
from pnnsim.timing.invariants import Requests
from pnnsim.timing.trace import NO_CAUSE, Ints, Trace


@dataclass(frozen=True, slots=True, eq=False)
class PeriodicTrace:
    """Trace of a run whose middle repeats.

    Rows `[first_row, end_row)` of the base are one period; behind it the whole trace has `repeats`
    copies more, each later than the one before, and then the rest of the base.

    Args:
        base: Trace of a shorter run of the same machine.
        first_row: First row of the period.
        end_row: Row after its last.
        repeats: Copies beyond the one in the base, at least 1.
        period_fs: Time by which a copy is later than the one before [fs].
        first_sample: A sample from which on samples repeat.
        period_samples: Samples of one period.
    """

    base: Trace
    first_row: int
    end_row: int
    repeats: int
    period_fs: int
    first_sample: int
    period_samples: int

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.base) + self.repeats * (self.end_row - self.first_row)

    @property
    def units(self) -> tuple[str, ...]:
        """Return the lane names."""
        return self.base.units

    @property
    def samples(self) -> int:
        """Return the number of samples."""
        return self.base.samples + self.repeats * self.period_samples

    @property
    def dropped(self) -> Ints:
        """Return the requests that found the queue full: none, or nothing would repeat."""
        return self.base.dropped

    @property
    def served(self) -> Ints:
        """Return the number of the request that each sample serves: its own."""
        return np.arange(self.samples, dtype=np.int64)

    @property
    def makespan_fs(self) -> int:
        """Return the time from the first arrival to the last result [fs]."""
        return self.base.makespan_fs + self.repeats * self.period_fs

    @property
    def result_span_fs(self) -> int:
        """Return the time from the first result to the last [fs]."""
        return self.base.result_span_fs + self.repeats * self.period_fs

    @property
    def parts(self) -> tuple[PeriodicTrace]:
        """Return the runs of the cores: this one (see `ParallelTrace`)."""
        return (self,)

    def components(self) -> tuple[str, ...]:
        """Return the component of each lane, shape `(n_unit,)`."""
        return self.base.components()

    def row_counts(self) -> Ints:
        """Return how often each row of the base happened, shape `(n_base_span,)`."""
        counts = self.base.row_counts()
        counts[self.first_row : self.end_row] += self.repeats
        return counts

    def sample_counts(self) -> Ints:
        """Return for how many samples each sample of the base stands, shape `(n_base_sample,)`."""
        counts = self.base.sample_counts()
        counts[self.first_sample : self.first_sample + self.period_samples] += self.repeats
        return counts

    def samples_of(self, column: Times) -> Times:
        """Return a column with one entry, or row, for each sample from that of the base.

        Args:
            column: One entry for each sample of the base, shape `(n_base_sample, ...)`. What grows
                from one period to the next, as times do, grows on by the same amount.

        Returns:
            The same for each sample of the run, shape `(n_sample, ...)`.
        """
        return self._grown(column, self._growth(column))

    def rows_of(self, column: Ints) -> Ints:
        """Return as `samples_of` a column of row numbers, some of which are always the same.

        Toward the end of the base rows are missing, those of samples that do not come; so rows grow
        by those of a whole period, not by what the base shows.
        """
        growth = np.where(self._growth(column) != 0, self.end_row - self.first_row, 0)
        return self._grown(column, growth.astype(np.int64))

    def _growth(self, column: Times) -> Times:
        """Return by how much each sample's entry grows over one period, shape `(n_period, ...)`."""
        first, period = self.first_sample, self.period_samples
        return column[first + period : first + 2 * period] - column[first : first + period]

    def _grown(self, column: Times, growth: Times) -> Times:
        """Return a column of the base for each sample, entries of copies grown that many times."""
        first, period = self.first_sample, self.period_samples
        samples = np.arange(self.samples)
        copies = np.clip((samples - first) // period, 0, self.repeats)
        source = samples - copies * period
        shape = (-1,) + (1,) * (column.ndim - 1)
        growth = wide_enough(growth, magnitude(column) + magnitude(growth) * self.repeats)
        grown = growth[(source - first) % period] * copies.reshape(shape)
        return np.asarray(column[source] + grown)

    def check(self, work: Work, requests: Requests | None = None) -> None:
        """Raise if the run breaks an invariant of the machine, as `Trace.check`."""
        self.expand().check(work, requests)

    def expand(self) -> Trace:
        """Return every span as a row of its own, as if all had been simulated."""
        base, length = self.base, self.end_row - self.first_row
        source = np.concatenate(
            [
                np.arange(self.end_row),
                np.tile(np.arange(self.first_row, self.end_row), self.repeats),
                np.arange(self.end_row, len(base)),
            ]
        )
        copies = np.concatenate(
            [
                np.zeros(self.end_row, dtype=np.int64),
                np.repeat(np.arange(1, self.repeats + 1), length),
                np.full(len(base) - self.end_row, self.repeats, dtype=np.int64),
            ]
        )
        sample, cause = base.sample[source], base.cause[source]
        later = wide_enough(copies, magnitude(base.end_fs) + self.repeats * self.period_fs)
        later = later * self.period_fs
        return replace(
            base,
            unit=base.unit[source],
            action=base.action[source],
            start_fs=base.start_fs[source] + later,
            end_fs=base.end_fs[source] + later,
            sample=np.where(sample >= 0, sample + copies * self.period_samples, sample),
            step=base.step[source],
            fold=base.fold[source],
            bank=base.bank[source],
            weight_set=base.weight_set[source],
            cause=np.where(cause != NO_CAUSE, cause + copies * length, cause),
            amount=base.amount[source],
            arrival_fs=self.samples_of(base.arrival_fs),
            result_fs=self.samples_of(base.result_fs),
        )
