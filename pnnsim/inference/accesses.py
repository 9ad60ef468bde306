"""Which bank each sample met in each step, what that bank held, and how old that was.

This is the bridge from timing to values: integer femtoseconds of a trace become elapsed seconds.
The value pass has nothing else of the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from pnnsim.common.times import Times, magnitude, seconds, time_column, wide_enough
from pnnsim.common.units import FEMTOSECONDS_PER_SECOND
from pnnsim.mapping.plan import initial_contents, plan_blocks
from pnnsim.mapping.policies import Belady, Policy
from pnnsim.mapping.tiling import Mapping
from pnnsim.timing.multicore import AnyTrace, ParallelTrace
from pnnsim.timing.trace import Trace

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Content of a bank that was never written.
UNWRITTEN = -1
#: Time since the last move of a switch that never moved [fs].
AT_REST = -1

#: Mark of an access before which the detector was idle for long.
NO_SYMBOL = -2


@dataclass(frozen=True, slots=True)
class AccessTable:
    """What each sample met at each step.

    The first axis is the sample, or has length 1 where every sample meets the same (the surrogate).
    Where matrices are folded, each fold of a step counts as a step here, and as a weight set.

    Args:
        bank: Logical bank, shape `(n_sample, n_step)`.
        contents: Weight set in every bank in use, shape `(n_sample, n_step, n_bank)`. A bank that
            the network does not need is parked at weight 0 and leaks nothing.
        replaced: Weight set that the bank held before, or `UNWRITTEN`, shape `(n_sample, n_step)`.
        previous_bank: Bank that the switch left last, shape `(n_sample, n_step)`.
        write: Number of the programming that the bank holds, on its core, shape `(n_sample,
            n_step)`.
        since_write_s: Time since that programming began [s]; infinite when settled.
        dwell_s: Time since the switch last began to move [s]; infinite when at rest.
        held_s: Time for which the memory held the state [s], since it was encoded last where it is
            encoded again for the next fold; 0 where a sample starts anew.
        time_fs: When the sample left the encoder [fs], shape `(n_sample, n_step)`.
        begun_fs: When that programming began [fs], before 0 for the set-up's; 0 when settled.
        symbol_offset: Sample that the detector captured before, less this sample.
        symbol_back: Step of that capture less this step, 0 or -1; `NO_SYMBOL` where it belonged
            to an earlier block, which is over before a new one comes.
    """

    bank: Ints
    contents: Ints
    replaced: Ints
    previous_bank: Ints
    write: Ints
    since_write_s: Floats
    dwell_s: Floats
    held_s: Floats
    time_fs: Times
    begun_fs: Times
    symbol_offset: Ints
    symbol_back: Ints

    @property
    def settled(self) -> bool:
        """Return whether nothing is on its way: no residue of any kind."""
        return bool(np.isinf(self.since_write_s).all() and np.isinf(self.dwell_s).all())

    def select(self, samples: slice | Ints) -> AccessTable:
        """Return the accesses of some samples; a single row stands for every sample."""
        if len(self.bank) == 1:
            return self
        return AccessTable(*(column[samples] for column in _columns(self)))


#: Columns of a table, in the order of its fields.
_columns = attrgetter(*AccessTable.__slots__)


def nominal_accesses(
    order: Sequence[int], mapping: Mapping, policy: Policy | None = None
) -> AccessTable:
    """Return what the first sample meets on a machine where everything has settled.

    Args:
        order: What a logical bank must hold at each product, as of `Work`.
        mapping: Where it lives.
        policy: Choice of the bank to overwrite; that of a machine that states none where it is not
            given.
    """
    steps, banks = len(order), mapping.used
    bank = np.zeros((1, steps), np.int64)
    contents = np.full((1, steps, banks), UNWRITTEN, np.int64)
    held = np.array(initial_contents(order, mapping), np.int64)
    for step, access in enumerate(next(plan_blocks(order, mapping, policy or Belady()))):
        held[access.bank] = access.weight_set
        bank[0, step] = access.bank
        contents[0, step] = held
    settled = np.full((1, steps), np.inf)
    return AccessTable(
        bank=bank,
        contents=contents,
        replaced=contents[0, np.arange(steps), bank[0]][None],
        previous_bank=bank,
        write=bank,
        since_write_s=settled,
        dwell_s=settled,
        held_s=np.zeros((1, steps)),
        time_fs=np.zeros((1, steps), np.int64),
        begun_fs=np.zeros((1, steps), np.int64),
        symbol_offset=np.zeros((1, steps), np.int64),
        symbol_back=np.array([[NO_SYMBOL, *[-1] * (steps - 1)]], np.int64),
    )


def accesses_from_trace(
    run: AnyTrace, order: Sequence[int], mapping: Mapping, setup_age_s: float, *, block: int = 1
) -> AccessTable:
    """Return what every sample of a run met.

    Args:
        run: The run; of one that repeats, only what was simulated is looked at.
        order: What a logical bank had to hold at each product, as of `Work`.
        mapping: Where it lives.
        setup_age_s: Time since the set-up's programming began when the first sample arrives [s].
        block: Samples of one block; where the state is kept, each goes on in the next block.
    """
    if isinstance(run, ParallelTrace):
        cores = [
            accesses_from_trace(part, order, mapping, setup_age_s, block=block)
            for part in run.parts
        ]
        back = np.argsort(np.concatenate([run.samples_of_core(c) for c in range(len(cores))]))
        columns = zip(*map(_columns, cores), strict=True)
        return AccessTable(*(np.concatenate(column)[back] for column in columns))
    trace = run.base
    shape = (trace.samples, len(order))
    mvm = _by_sample_and_step(trace, trace.rows("mvm"), shape)
    departure_fs = trace.start_fs[_by_sample_and_step(trace, trace.rows("propagate"), shape)]
    start_fs = trace.start_fs[mvm]
    bank = trace.bank[mvm]
    writes = _writes(trace, order, mapping, setup_age_s)
    contents = np.stack([held.at(departure_fs)[1] for held in writes], axis=-1)
    number = np.zeros(shape, np.int64)
    replaced = np.zeros(shape, np.int64)
    begun_fs = np.zeros(shape, np.result_type(*(held.begin_fs for held in writes)))
    for index, held in enumerate(writes):
        at, _ = held.at(departure_fs)
        mine = bank == index
        number[mine] = held.number[at[mine]]
        replaced[mine] = held.before[at[mine]]
        begun_fs[mine] = held.begin_fs[at[mine]]
    previous, dwell_fs = _last_move(trace, departure_fs, bank)
    offset, back = _last_symbol(trace, shape)

    def every(column: Times) -> Times:
        """Return a column of whole numbers for all samples of the run."""
        return column if isinstance(run, Trace) else run.samples_of(column)

    dwell_fs = every(dwell_fs)
    since_fs = wide_enough(start_fs, magnitude(start_fs) + magnitude(begun_fs)) - begun_fs
    return AccessTable(
        bank=every(bank),
        contents=every(contents),
        replaced=every(replaced),
        previous_bank=every(previous),
        write=number if isinstance(run, Trace) else run.rows_of(number),
        since_write_s=seconds(every(since_fs)),
        dwell_s=np.where(dwell_fs >= 0, seconds(dwell_fs), np.inf),
        held_s=seconds(every(_held(trace, departure_fs, block))),
        time_fs=every(departure_fs),
        begun_fs=every(begun_fs),
        symbol_offset=every(offset),
        symbol_back=every(back),
    )


def held_s(run: AnyTrace, products: int, *, block: int = 1) -> Floats:
    """Return how long the memory held each state of what was simulated of a run.

    Those of a run that repeats itself are all among them, and no table of all samples is made.

    Args:
        run: The run.
        products: Products that each sample takes part in.
        block: Samples of one block, as of `accesses_from_trace`.

    Returns:
        Times [s], shape `(n_base_sample, n_product)`.
    """
    found = []
    for part in run.parts:
        trace, shape = part.base, (part.base.samples, products)
        departed = _by_sample_and_step(trace, trace.rows("propagate"), shape)
        found.append(seconds(_held(trace, trace.start_fs[departed], block)))
    return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class _Held:
    """History of one bank: what it held from when, and since when that was written."""

    begin_fs: Times
    end_fs: Times
    weight_set: Ints
    before: Ints
    number: Ints

    def at(self, time_fs: Times) -> tuple[Ints, Ints]:
        """Return the index of the last finished programming, and its set, at each time."""
        index = np.searchsorted(self.end_fs, time_fs, side="right").astype(np.int64) - 1
        return index, self.weight_set[index]


def _writes(
    trace: Trace, order: Sequence[int], mapping: Mapping, setup_age_s: float
) -> list[_Held]:
    """Return each bank's history, the set-up's programming first."""
    rows = np.sort(np.concatenate([trace.rows("write"), trace.rows("refresh")]))
    age_fs = round(setup_age_s * FEMTOSECONDS_PER_SECOND)
    histories = []
    for bank, weight_set in enumerate(initial_contents(order, mapping)):
        mine = rows[trace.bank[rows] == bank]
        mine = mine[np.argsort(trace.end_fs[mine], kind="stable")]
        sets = np.concatenate([[weight_set], trace.content[mine]])
        histories.append(
            _Held(
                begin_fs=np.concatenate([time_column([-age_fs]), trace.start_fs[mine]]),
                end_fs=np.concatenate([time_column([-1]), trace.end_fs[mine]]),
                weight_set=sets,
                before=np.concatenate([[UNWRITTEN], sets[:-1]]),
                # The set-up's writes come first, then those of the run by row.
                number=np.concatenate([[bank], mapping.used + mine]),
            )
        )
    return histories


def _last_move(trace: Trace, departure_fs: Times, bank: Ints) -> tuple[Ints, Times]:
    """Return the bank that the switch left before each access, and the time since it began to.

    A switch that has not moved yet has `AT_REST` as its time.
    """
    rows = trace.rows("route")
    if not len(rows):
        return bank, np.full(bank.shape, AT_REST)
    rows = rows[np.argsort(trace.start_fs[rows], kind="stable")]
    index = np.searchsorted(trace.end_fs[rows], departure_fs, side="right") - 1
    targets = trace.bank[rows]
    # Before its first move the switch rested on the bank of the first access.
    origins = np.concatenate([[bank[0, 0]], targets[:-1]])
    moved = index >= 0
    safe = np.maximum(index, 0)
    dwell = np.where(moved, departure_fs - trace.start_fs[rows][safe], AT_REST)
    return np.where(moved, origins[safe], bank).astype(np.int64), dwell


def _held(trace: Trace, departure_fs: Times, block: int) -> Times:
    """Return how long the memory held each state before it left again [fs]."""
    held = np.zeros_like(departure_fs)
    again = trace.continues(departure_fs.shape[1])
    held[:, again] = departure_fs[:, again] - departure_fs[:, again - 1]
    rows = trace.rows("hold")
    samples, steps = trace.sample[rows], trace.product[rows] + 1
    # What is held in step t leaves in step t + 1, and behind the last step with the next sample.
    last = steps == departure_fs.shape[1]
    core = np.full(len(departure_fs) + block, -1, np.int64)
    core[samples] = trace.unit[rows]
    samples, steps = np.where(last, samples + block, samples), np.where(last, 0, steps)
    # The last block of a core goes on in none.
    there = core[samples] == trace.unit[rows]
    samples, steps, rows = samples[there], steps[there], rows[there]
    held[samples, steps] = departure_fs[samples, steps] - trace.end_fs[rows]
    return held


def _last_symbol(trace: Trace, shape: tuple[int, int]) -> tuple[Ints, Ints]:
    """Return which symbol the detector captured before each, relative to it."""
    rows = trace.rows("detect")
    rows = rows[np.argsort(trace.start_fs[rows], kind="stable")]
    samples, steps = trace.sample[rows], trace.product[rows]
    offset = np.zeros(shape, np.int64)
    back = np.full(shape, NO_SYMBOL, np.int64)
    offset[samples[1:], steps[1:]] = samples[:-1] - samples[1:]
    back[samples[1:], steps[1:]] = steps[:-1] - steps[1:]
    far = (back < -1) | (back > 0)
    back[far] = NO_SYMBOL
    return offset, back


def _by_sample_and_step(trace: Trace, rows: Ints, shape: tuple[int, int]) -> Ints:
    table = np.full(shape, -1, np.int64)
    table[trace.sample[rows], trace.product[rows]] = rows
    return table
