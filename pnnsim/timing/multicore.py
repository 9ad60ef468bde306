"""Runs of several cores that work side by side, each on samples of its own.

A core is a whole machine, front end, queue and readout included; the host shares out requests as
they come and has nothing else in common to wait for. So cores are timed one by one
(`pnnsim.timing.run`), and this file only puts their runs together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.trace import NO_CAUSE, Ints, Trace


@dataclass(frozen=True, slots=True, eq=False)
class ParallelTrace:
    """Trace of a run on several cores.

    Lanes of core c end in `.core` and its number. Samples are numbered as the host gave out their
    requests.

    Args:
        parts: Run of each core that got any request, by core.
        cores: Cores, idle ones included.
        deal: Requests that a core gets in a row.
        base: What was simulated of all cores, in one trace; samples of core 0 come first there.
        order: Row of `base` by row, cores one behind the other, shape `(n_base_span,)`.
    """

    parts: tuple[Trace | PeriodicTrace, ...]
    cores: int
    deal: int
    base: Trace
    order: Ints

    @classmethod
    def join(
        cls, parts: Sequence[Trace | PeriodicTrace], *, cores: int, deal: int
    ) -> ParallelTrace:
        """Put the runs of cores together.

        Args:
            parts: Run of each core that got any request.
            cores: Cores, idle ones included.
            deal: Requests that a core gets in a row.
        """
        firsts = np.cumsum([0, *(part.base.samples for part in parts)])
        samples = [
            np.arange(first, first + part.base.samples)
            for first, part in zip(firsts[:-1], parts, strict=True)
        ]
        base, order = _merged([part.base for part in parts], samples, cores)
        return cls(tuple(parts), cores, deal, base, order)

    def __len__(self) -> int:
        """Return the number of spans."""
        return sum(len(part) for part in self.parts)

    @property
    def units(self) -> tuple[str, ...]:
        """Return the lane names."""
        return self.base.units

    @property
    def samples(self) -> int:
        """Return the number of samples."""
        return sum(part.samples for part in self.parts)

    @property
    def dropped(self) -> Ints:
        """Return the requests that found the queue of their core full, ascending."""
        numbers = [self._requests(core, part.dropped) for core, part in enumerate(self.parts)]
        return np.sort(np.concatenate(numbers))

    @property
    def served(self) -> Ints:
        """Return the number of the request that each sample serves, shape `(n_sample,)`."""
        numbers = [self._requests(core, part.served) for core, part in enumerate(self.parts)]
        return np.sort(np.concatenate(numbers))

    @property
    def makespan_fs(self) -> int:
        """Return the time from the first arrival to the last result [fs]."""
        begins = [int(part.base.arrival_fs.min()) for part in self.parts]
        ends = [begin + part.makespan_fs for begin, part in zip(begins, self.parts, strict=True)]
        return max(ends) - min(begins)

    @property
    def result_span_fs(self) -> int:
        """Return the time from the first result to the last [fs]."""
        begins = [int(part.base.result_fs.min()) for part in self.parts]
        ends = [begin + part.result_span_fs for begin, part in zip(begins, self.parts, strict=True)]
        return max(ends) - min(begins)

    def components(self) -> tuple[str, ...]:
        """Return the component of each lane, shape `(n_unit,)`."""
        return self.base.components()

    def row_counts(self) -> Ints:
        """Return how often each row of the base happened, shape `(n_base_span,)`."""
        counts = np.concatenate([part.row_counts() for part in self.parts])
        return counts[self.order]

    def sample_counts(self) -> Ints:
        """Return for how many samples each sample of the base stands, shape `(n_base_sample,)`."""
        return np.concatenate([part.sample_counts() for part in self.parts])

    def samples_of_core(self, core: int) -> Ints:
        """Return the samples that a core served, in its order."""
        requests = self._requests(core, self.parts[core].served)
        return np.searchsorted(self.served, requests).astype(np.int64)

    def check(self, work: Work, requests: Arrivals | None = None) -> None:
        """Raise if the run of a core breaks an invariant of the machine, as `Trace.check`."""
        mine: Sequence[Arrivals | None] = [None] * len(self.parts)
        if requests is not None:
            mine = requests.deal(self.cores, self.deal)
        for part, dealt in zip(self.parts, mine, strict=True):
            part.check(work, dealt)

    def expand(self) -> Trace:
        """Return every span as a row of its own, as if all had been simulated together."""
        samples = [self.samples_of_core(core) for core in range(len(self.parts))]
        trace, _ = _merged([part.expand() for part in self.parts], samples, self.cores)
        return replace(trace, dropped=self.dropped)

    def _requests(self, core: int, numbers: Ints) -> Ints:
        """Return what number the host gave to requests that a core counts for itself."""
        turn, place = np.divmod(numbers, self.deal)
        return np.asarray((turn * self.cores + core) * self.deal + place, dtype=np.int64)


#: A run as it was simulated, as a short one that stands for it, or as the runs of several cores.
AnyTrace = Trace | PeriodicTrace | ParallelTrace


def _merged(traces: Sequence[Trace], samples: Sequence[Ints], cores: int) -> tuple[Trace, Ints]:
    """Return the rows of all cores in the order of their ends, and which row each was.

    Args:
        traces: Trace of each core that did anything.
        samples: New number of each sample, by core.
        cores: Cores whose lanes are named.
    """
    lanes = traces[0].units
    core = np.repeat(np.arange(len(traces)), [len(trace) for trace in traces])
    first_row = np.cumsum([0, *(len(trace) for trace in traces)])
    row = np.arange(first_row[-1])
    order = np.lexsort((row, core, np.concatenate([trace.end_fs for trace in traces])))
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = row
    place[-1] = NO_CAUSE

    def joined(name: str) -> Ints:
        return np.concatenate([trace.column(name) for trace in traces])[order]

    own_samples = [
        np.append(numbers, -1)[trace.sample] for numbers, trace in zip(samples, traces, strict=True)
    ]
    causes = [
        np.where(trace.cause == NO_CAUSE, NO_CAUSE, trace.cause + first)
        for trace, first in zip(traces, first_row[:-1], strict=True)
    ]
    back = np.argsort(np.concatenate(samples))
    trace = Trace(
        units=tuple(f"{unit}.core{number}" for number in range(cores) for unit in lanes),
        unit=joined("unit") + core[order] * len(lanes),
        action=joined("action"),
        start_fs=joined("start_fs"),
        end_fs=joined("end_fs"),
        sample=np.concatenate(own_samples)[order],
        step=joined("step"),
        fold=joined("fold"),
        bank=joined("bank"),
        weight_set=joined("weight_set"),
        cause=place[np.concatenate(causes)[order]],
        arrival_fs=np.concatenate([trace.arrival_fs for trace in traces])[back],
        result_fs=np.concatenate([trace.result_fs for trace in traces])[back],
        folds=traces[0].folds,
        amount=joined("amount"),
        step_starts=traces[0].step_starts,
        matrix_starts=traces[0].matrix_starts,
    )
    return trace, order.astype(np.int64)
