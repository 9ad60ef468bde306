"""Tables of who passed which part when: the rows of a trace by sample and product.

Building the tables is an invariant of its own: every sample passes every part of its way exactly
once for each product, and a trace has no other work in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import PREPARING, TABLE, Columns, Ints, numbers
from pnnsim.mapping.delays import Stage
from pnnsim.mapping.work import Work
from pnnsim.timing.invariants.blocks import Requests, firsts_at, saturated_of
from pnnsim.timing.invariants.faults import Flags, fail, first
from pnnsim.timing.invariants.grouping import groups

#: Row of a passage that does not take place.
NO_ROW = -1

#: What happens to a sample at each product, behind the encoder.
_LOOP = tuple(action.name for action in TABLE if action.when == "product")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The part of a run that a trace shows, and which of it is judged.

    Args:
        firsts: First sample of each of its blocks, shape `(n_block,)`.
        block: Number of its first block in the whole run.
        written_fs: When each bank was last programmed before [fs]; none where that was the set-up.
        from_fs: Spans that start sooner are not judged [fs].
        to_fs: Nor are those that start then, or later [fs].
    """

    firsts: Ints
    block: int = 0
    written_fs: tuple[int, ...] = ()
    from_fs: float = -math.inf
    to_fs: float = math.inf

    def written(self, bank: int) -> int:
        """Return when a bank was last programmed before [fs]."""
        return self.written_fs[bank] if self.written_fs else 0

    def judges(self, start_fs: Ints) -> Flags:
        """Return which spans are judged."""
        return np.asarray((start_fs >= self.from_fs) & (start_fs < self.to_fs))


@dataclass(frozen=True, slots=True)
class Passages:
    """A trace as tables, by sample and product, beside the work that it was to do.

    Times are in femtoseconds and 0 where a passage does not take place.

    Args:
        trace: The trace.
        work: What was to be done, and with what.
        requests: Whom it was to serve; None where this is not known.
        window: The part of the run that the trace shows.
        input_rows: Rows of the input stages, shape `(n_sample, n_stage)`.
        encode_rows: Rows of the stages of the encoder, shape `(n_sample, n_product, n_stage)`.
        hold_symbol_rows: Rows of the encoder keeping its symbol, shape `(n_sample, n_product)`.
        propagate_rows: Rows of samples on their way, shape `(n_sample, n_product)`.
        mvm_rows: Rows of banks that respond, shape `(n_sample, n_product)`.
        detect_rows: Rows of captures, shape `(n_sample, n_product)`.
        activate_rows: Rows of activations, shape `(n_sample, n_product)`, else `NO_ROW`.
        hold_rows: Rows of states acquired, shape `(n_sample, n_product)`, else `NO_ROW`.
        digitize_rows: Rows of conversions to numbers, shape `(n_sample, n_product)`, else `NO_ROW`.
        compute_rows: Rows of digital steps behind a product, likewise.
        output_rows: Rows of the output stages, shape `(n_sample, n_stage)`.
        saturated: Whether samples come as fast as they are taken.
    """

    trace: Columns
    work: Work
    requests: Requests | None
    window: Window
    input_rows: Ints
    encode_rows: Ints
    hold_symbol_rows: Ints
    propagate_rows: Ints
    mvm_rows: Ints
    detect_rows: Ints
    activate_rows: Ints
    hold_rows: Ints
    digitize_rows: Ints
    compute_rows: Ints
    output_rows: Ints
    saturated: bool

    @property
    def firsts(self) -> Ints:
        """Return the first sample of each block, shape `(n_block,)`."""
        return self.window.firsts

    def of_products(self, name: str) -> Ints:
        """Return a field of each product as a column, shape `(n_product,)`."""
        return np.array(list(map(attrgetter(name), self.work.products)))

    @property
    def train_fs(self) -> Ints:
        """Return the time from the first to the last vector, shape `(n_sample, n_product)` [fs]."""
        trains = np.array(self.work.trains_fs, dtype=self.trace.end_fs.dtype)
        return np.broadcast_to(trains, self.mvm_rows.shape)

    @property
    def products(self) -> int:
        """Return how many products each sample takes part in."""
        return len(self.work.order)

    @property
    def drivers(self) -> int:
        """Return how many logical banks can be written side by side."""
        return max(1, self.work.control.write_drivers // self.work.mapping.tiles)

    @property
    def block(self) -> Ints:
        """Return the block of each sample, shape `(n_sample,)`."""
        samples = np.arange(self.trace.samples)
        return np.asarray(np.searchsorted(self.firsts, samples, side="right") - 1, np.int64)

    @property
    def lasts(self) -> Ints:
        """Return the last sample of each block, shape `(n_block,)`."""
        return np.append(self.firsts[1:], self.trace.samples) - 1

    @property
    def encode_start(self) -> Ints:
        """Return when the encoder takes each state, shape `(n_sample, n_product)` [fs]."""
        return self.start(self.taken_rows)

    @property
    def taken_rows(self) -> Ints:
        """Return the row of the encoder's first stage, shape `(n_sample, n_product)`."""
        return first_stage(self.encode_rows)

    def start(self, rows: Ints) -> Ints:
        """Return when spans start [fs]."""
        return np.where(rows >= 0, self.trace.start_fs[rows], 0)

    def end(self, rows: Ints) -> Ints:
        """Return when spans end [fs]."""
        return np.where(rows >= 0, self.trace.end_fs[rows], 0)


def passages(
    trace: Columns, work: Work, requests: Requests | None, window: Window | None = None
) -> Passages:
    """Return the tables of a trace.

    Guards "Within a step it passes, in this order": T_in, L_T steps of T_encode, T_MM,
    T_nonlinearity and T_memory, T_out. Of a step that is folded each fold is multiplied and the
    last one activates. A state that is kept is held behind the last step, too.

    Args:
        trace: The trace.
        work: What was to be done, and with what.
        requests: Whom it was to serve, where this is known.
        window: The part of the run that the trace shows; all of it where not given.

    Raises:
        InvariantError: A sample leaves out a part, passes it twice, or passes what is none.
    """
    products = len(work.order)
    claimed = np.isin(trace.action, numbers(*PREPARING))
    ends = _staged(trace, (*work.delays.input, *work.delays.output), [()], claimed)
    entering = [work.stages(product) for product in work.products]
    encodes = _staged(trace, work.delays.entering, entering, claimed)
    loop = {}
    needs = {
        "activate": [product.activates for product in work.products],
        "hold": [product.activates and not product.converts for product in work.products],
        "digitize": [product.converts for product in work.products],
        "compute": [product.leaves for product in work.products],
    }
    if not work.stateful:
        needs["hold"][-1] = False
    for action in _LOOP:
        wanted = np.array(needs.get(action, [True] * products), dtype=np.int64)
        rows = trace.rows(action)
        claimed[rows] = True
        loop[action] = _table(
            trace, rows, np.broadcast_to(wanted, (trace.samples, products)), action
        )
    row = first(~claimed)
    if row is not None:
        fail(trace, row, "is work for which the machine has no part")
    _lanes_are_those_of_actions(trace, work)
    inputs = len(work.delays.input)
    taken = trace.start_fs[first_stage(encodes)[:, 0]]
    saturated = saturated_of(trace, taken, ends[:, 0, 0], requests)
    if window is None:
        window = Window(firsts_at(taken, trace, work, requests, saturated=saturated))
    return Passages(
        trace=trace,
        work=work,
        requests=requests,
        window=window,
        input_rows=ends[:, 0, :inputs],
        encode_rows=encodes,
        output_rows=ends[:, 0, inputs:],
        saturated=saturated,
        **{f"{action}_rows": rows for action, rows in loop.items()},
    )


def first_stage(rows: Ints) -> Ints:
    """Return the row of the first stage that there is, shape `(n_sample, n_product)`."""
    there = (rows >= 0).argmax(axis=-1)
    return np.take_along_axis(rows, there[..., None], axis=-1)[..., 0]


def _staged(
    trace: Columns,
    stages: Sequence[Stage],
    entering: Sequence[Sequence[Stage]],
    claimed: np.ndarray,
) -> Ints:
    """Return the rows of stages, shape `(n_sample, n_product, n_stage)`; claim them.

    Args:
        trace: The trace.
        stages: Stages that one server runs; equal ones follow each other.
        entering: Those of them that each product has; a single empty row for what happens outside
            the loop, once.
        claimed: Rows that belong to a part, shape `(n_span,)`; changed in place.
    """
    outside = not entering[0]
    table = np.full((trace.samples, len(entering), len(stages)), NO_ROW, dtype=np.int64)
    inside = (trace.product < 0) & (trace.sample >= 0) if outside else trace.product >= 0
    for unit, action in dict.fromkeys((stage.unit, stage.action) for stage in stages):
        places = [
            n for n, stage in enumerate(stages) if (stage.unit, stage.action) == (unit, action)
        ]
        lane = trace.units.index(unit) if unit in trace.units else -1
        rows = trace.rows(action)
        rows = rows[(trace.unit[rows] == lane) & inside[rows]]
        claimed[rows] = True
        has = [outside or any((s.unit, s.action) == (unit, action) for s in e) for e in entering]
        wanted = np.broadcast_to(len(places) * np.array(has), table.shape[:2]).astype(np.int64)
        found = _table(trace, rows, wanted, action, outside=outside)
        table[:, :, places] = found.reshape(*table.shape[:2], len(places))
    return table


def _table(trace: Columns, rows: Ints, wanted: Ints, action: str, *, outside: bool = False) -> Ints:
    """Return rows by sample and product, in row order within one of both.

    Args:
        trace: The trace.
        rows: Rows of one action, ascending.
        wanted: How many of them each sample has at each product, all alike but for none, shape
            `(n_sample, n_product)`.
        action: Their action.
        outside: Whether they are outside the loop, where there are no products.
    """
    products = wanted.shape[1]
    step = np.zeros(len(rows), dtype=np.int64) if outside else trace.product[rows]
    lost = first((trace.sample[rows] < 0) | (step < 0) | (step >= products))
    if lost is not None:
        fail(trace, int(rows[lost]), "serves no sample or no step of the network")
    cells = trace.sample[rows] * products + step
    counts = np.bincount(cells, minlength=wanted.size).reshape(wanted.shape)
    cell = first(np.asarray(counts != wanted).ravel())
    if cell is not None:
        sample, product = divmod(cell, products)
        where = "outside the loop" if outside else f"at step {product}"
        raise InvariantError(
            f"trace: sample {sample} has {counts[sample, product]} {action} spans {where}; "
            f"expected {wanted[sample, product]}"
        )
    many = int(wanted.max(initial=1))
    table = np.full((wanted.size, many), NO_ROW, dtype=np.int64)
    table[wanted.ravel() > 0] = rows[np.argsort(cells, kind="stable")].reshape(-1, many)
    return table.reshape(*wanted.shape, many)[..., 0] if many == 1 else table


def _lanes_are_those_of_actions(trace: Columns, work: Work) -> None:
    """Refuse work on a lane that is not the one of its part, or of its bank."""
    lanes = {unit: lane for lane, unit in enumerate(trace.units)}
    for action in TABLE:
        rows = trace.rows(action.name)
        if action.when == "stage":
            continue
        if "{bank}" not in action.lane:
            _on_lane(trace, rows, action.lane or work.delays.symbol_lane, lanes)
            continue
        for bank, places in groups(trace.bank[rows]).items():
            if not 0 <= bank < work.mapping.used:
                row = int(rows[places[0]])
                fail(trace, row, f"is on bank {bank}; expected one of {work.mapping.used}")
            _on_lane(trace, rows[places], action.lane.format(bank=bank), lanes)


def _on_lane(trace: Columns, rows: Ints, unit: str, lanes: Mapping[str, int]) -> None:
    wrong = first(trace.unit[rows] != lanes.get(unit, -1))
    if wrong is not None:
        fail(trace, int(rows[wrong]), f"is on the lane of another part; expected {unit}")
