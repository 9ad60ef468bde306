"""Trace of a run: flat columns, one row per span of one unit busy with one action.

A trace is the only thing that timing hands on. It has no prices, no tensors and no statistics:
`pnnsim.analysis.metrics` counts, `pnnsim.inference.evaluator` takes ages from it,
`pnnsim.analysis.report` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pnnsim.common.html_table import html_table
from pnnsim.common.times import Times, time_column
from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import (
    ACTIONS,
    NO_CAUSE,
    PATH_LANE,
    Ints,
    core_of,
    is_path,
    numbered,
    parted,
)
from pnnsim.mapping.work import Work
from pnnsim.timing.invariants import Requests, check

__all__ = ["ACTIONS", "COLUMNS", "NO_CAUSE", "PATH_LANE", "Ints", "Trace", "core_of", "is_path"]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Trace of a run, one row per span; rows are in the order in which spans were finished.

    Times are integer femtoseconds from the arrival of the first sample (`pnnsim.common.times`). The
    writes of the set-up are not here: see `pnnsim.analysis.metrics.setup`.

    Args:
        units: Lane names, such as `encoder` or `weight_banks.1`; the part before the first dot
            is the component that pays for the span.
        unit: Index into `units`, shape `(n_span,)`.
        action: Index into `ACTIONS`, shape `(n_span,)`.
        start_fs: Start of each span [fs].
        end_fs: End of each span [fs].
        sample: Sample served; -1 for a write or a move that serves a block of several samples, and
            for a refresh.
        step: Step t of the network; -1 outside the loop.
        bank: Logical bank propagated to, multiplied on, written, refreshed or selected; otherwise
            -1.
        weight_set: Weight set k that this bank holds or gets; -1 where there is no bank.
        cause: Row of the span whose end allowed this one to start, an earlier row; `NO_CAUSE` for
            an arrival that nothing had to precede and for a refresh that began when it was due. A
            sample that arrives because the front end got free has the cause that freed it. Only a
            departure (`propagate` and `hold_symbol`) may start later than its cause ended: it waits
            until the nonlinearity will be free at capture.
        arrival_fs: Arrival of each sample, shape `(n_sample,)` [fs].
        result_fs: Result of each sample at the host, shape `(n_sample,)` [fs].
        dropped: Numbers of the requests that found the queue full, ascending; they are no samples.
        folds: Products that make up a step; the most of any step where these differ.
        fold: Fold of the step or of the weight set; -1 where there is neither. 0 where matrices are
            not folded.
        amount: How often the span's action happened, for the vectors of its sample, or how many of
            the lines, states or operations that are priced; 1 each where it is left out.
        step_starts: First product of each step where steps differ in their folds; otherwise empty.
        matrix_starts: First content of each matrix where these differ, too; otherwise empty.
    """

    units: tuple[str, ...]
    unit: Ints
    action: Ints
    start_fs: Times
    end_fs: Times
    sample: Ints
    step: Ints
    bank: Ints
    weight_set: Ints
    cause: Ints
    arrival_fs: Times
    result_fs: Times
    dropped: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    folds: int = 1
    fold: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    amount: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    step_starts: tuple[int, ...] = ()
    matrix_starts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.amount) != len(self):
            object.__setattr__(self, "amount", np.ones(len(self), dtype=np.int64))
        if self.folds == 1 and len(self.fold) != len(self):
            whole = np.where(np.maximum(self.step, self.weight_set) < 0, -1, 0).astype(np.int64)
            object.__setattr__(self, "fold", whole)

    def __repr__(self) -> str:
        """Return how much was recorded; the columns themselves are the fields."""
        makespan_s = 1e-15 * float(self.makespan_fs) if self.samples else 0.0
        return (
            f"Trace({len(self)} spans on {len(self.units)} lanes, {self.samples} samples, "
            f"{makespan_s:.6g} s)"
        )

    def _repr_html_(self) -> str:
        """Return the lanes of the trace, as a notebook shows them."""
        rows = []
        for number, unit in enumerate(self.units):
            mine = self.unit == number
            busy = 1e-15 * float((self.end_fs[mine] - self.start_fs[mine]).sum())
            rows.append((unit, f"{int(mine.sum()):,}", f"{busy:.4g} s"))
        return html_table(repr(self), ("lane", "spans", "their time, added"), rows)

    @classmethod
    def from_table(
        cls,
        units: Sequence[str],
        table: Mapping[str, Times],
        *,
        arrival_fs: Sequence[int],
        result_fs: Sequence[int],
        dropped: Sequence[int] = (),
        folds: int = 1,
        step_starts: tuple[int, ...] = (),
        matrix_starts: tuple[int, ...] = (),
    ) -> Trace:
        """Return the trace of a table, as `Spans.table` writes one.

        Args:
            units: Lane names.
            table: Columns by their names. In the place of steps, weight sets and folds it has the
                product and the content of the bank, `t * folds + fold` and `k * folds + fold`.
            arrival_fs: Arrival of each sample [fs].
            result_fs: Result of each sample [fs].
            dropped: Numbers of the requests that found the queue full.
            folds: Products that make up a step.
            step_starts: First product of each step where steps differ in their folds.
            matrix_starts: First content of each matrix where these differ, too.

        Raises:
            InvariantError: A bank holds another fold of its matrix than the product is of.
        """
        columns = {name: table[name] for name in table if name not in ("product", "content")}
        step, fold = parted(table["product"], np.array(step_starts) if step_starts else folds)
        matrix, held = parted(table["content"], np.array(matrix_starts) if step_starts else folds)
        torn = (fold >= 0) & (held >= 0) & (fold != held)
        if torn.any():
            row = int(np.flatnonzero(torn)[0])
            raise InvariantError(
                f"timing: internal: trace row {row} is of fold {fold[row]} and its bank "
                f"holds fold {held[row]}; expected the same fold"
            )
        return cls(
            units=tuple(units),
            **columns,
            # The product of a span and the content of its bank are of the same fold.
            step=step,
            weight_set=matrix,
            fold=np.maximum(fold, held),
            arrival_fs=time_column(arrival_fs),
            result_fs=time_column(result_fs),
            dropped=np.array(dropped, dtype=np.int64),
            folds=folds,
            step_starts=step_starts,
            matrix_starts=matrix_starts,
        )

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.start_fs)

    @property
    def samples(self) -> int:
        """Return the number of samples."""
        return len(self.arrival_fs)

    @property
    def product(self) -> Ints:
        """Return the number of each span's product among all folds; -1 outside the loop."""
        firsts = np.array(self.step_starts) if self.step_starts else self.folds
        return numbered(self.step, self.fold, firsts)

    @property
    def content(self) -> Ints:
        """Return the content of the bank of each span among all folds; -1 without a bank."""
        firsts = np.array(self.matrix_starts) if self.step_starts else self.folds
        return numbered(self.weight_set, self.fold, firsts)

    @property
    def base(self) -> Trace:
        """Return the spans that were simulated: all of them (see `PeriodicTrace`)."""
        return self

    @property
    def parts(self) -> tuple[Trace]:
        """Return the runs of the cores: this one (see `ParallelTrace`)."""
        return (self,)

    @property
    def repeats(self) -> int:
        """Return how often a part of `base` repeats beyond what is written there: never."""
        return 0

    @property
    def served(self) -> Ints:
        """Return the number of the request that each sample serves, shape `(n_sample,)`."""
        requests = np.arange(self.samples + len(self.dropped))
        return np.delete(requests, self.dropped).astype(np.int64)

    def continues(self, products: int) -> Ints:
        """Return the numbers of the products that are not the first fold of their step.

        Args:
            products: Products of a sample.
        """
        number = np.arange(products)
        if not self.step_starts:
            return number[number % self.folds > 0]
        return np.setdiff1d(number, self.step_starts)

    def row_counts(self) -> Ints:
        """Return how often each row of `base` happened: once."""
        return np.ones(len(self), dtype=np.int64)

    def sample_counts(self) -> Ints:
        """Return for how many samples each sample of `base` stands: itself."""
        return np.ones(self.samples, dtype=np.int64)

    def begin_fs(self) -> Times:
        """Return when the front end began with each sample, shape `(n_sample,)` [fs]."""
        begin = np.full(self.samples, self.start_fs.max(), dtype=self.start_fs.dtype)
        rows = np.flatnonzero((self.sample >= 0) & (self.step < 0))
        np.minimum.at(begin, self.sample[rows], self.start_fs[rows])
        return begin

    def expand(self) -> Trace:
        """Return every span as a row of its own: this trace."""
        return self

    @property
    def makespan_fs(self) -> int:
        """Return the time from the first arrival to the last result [fs]."""
        return int(self.result_fs.max()) - int(self.arrival_fs.min())

    @property
    def result_span_fs(self) -> int:
        """Return the time from the first result to the last [fs]."""
        return int(self.result_fs.max()) - int(self.result_fs.min())

    def components(self) -> tuple[str, ...]:
        """Return the component of each lane, shape `(n_unit,)`."""
        return tuple(name.partition(".")[0] for name in self.units)

    def rows(self, action: str) -> Ints:
        """Return the rows with this action, in row order."""
        return np.flatnonzero(self.action == ACTIONS.index(action)).astype(np.int64)

    def column(self, name: str) -> Ints:
        """Return a column by its name, one of `COLUMNS`."""
        found: Ints = getattr(self, name)  # a slotted record is no mapping
        return found

    def equals(self, other: Trace) -> bool:
        """Return whether every column of both traces is the same."""
        mine, others = (
            (trace.units, trace.folds, trace.step_starts, trace.matrix_starts)
            for trace in (self, other)
        )
        return mine == others and all(
            np.array_equal(self.column(name), other.column(name)) for name in COLUMNS
        )

    def check(self, work: Work, requests: Requests | None = None) -> None:
        """Raise if the trace breaks an invariant of the machine; see `pnnsim.timing.invariants`.

        Args:
            work: What was to be done, and with what.
            requests: Whom it was to serve; where not given, the arrivals of the trace are believed.

        Raises:
            InvariantError: The first invariant that is broken, and the row that breaks it.
        """
        check(self, work, requests)

    def to_table(self) -> dict[str, list[Any]]:
        """Return the spans as plain lists with names instead of indices, for CSV and reports."""
        components = self.components()
        return {
            "unit": [self.units[i] for i in self.unit],
            "component": [components[i] for i in self.unit],
            "action": [ACTIONS[i] for i in self.action],
            "start_fs": self.start_fs.tolist(),
            "end_fs": self.end_fs.tolist(),
            "sample": self.sample.tolist(),
            "step": self.step.tolist(),
            "fold": self.fold.tolist(),
            "bank": self.bank.tolist(),
            "weight_set": self.weight_set.tolist(),
            "cause": self.cause.tolist(),
            "amount": self.amount.tolist(),
        }


#: Columns that two equal traces share, times of samples included.
COLUMNS: tuple[str, ...] = (
    "unit", "action", "start_fs", "end_fs", "sample", "step", "fold", "bank", "weight_set", "cause",
    "amount", "arrival_fs", "result_fs", "dropped",
)  # fmt: skip
