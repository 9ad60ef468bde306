"""Check contiguous windows of a run that is too long to be checked whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from pnnsim.mapping.actions import ACTIONS, PREPARING, Columns, Ints, numbers
from pnnsim.mapping.work import Work
from pnnsim.timing.invariants import check_passages
from pnnsim.timing.invariants.blocks import Requests, firsts_of
from pnnsim.timing.invariants.faults import blamed_on_pnnsim
from pnnsim.timing.invariants.grouping import NOWHERE, groups
from pnnsim.timing.invariants.occupancy import parts_serve_one_at_a_time
from pnnsim.timing.invariants.order import causes_precede, times_ascend
from pnnsim.timing.invariants.passages import Window, passages
from pnnsim.timing.invariants.plan import plan_of

#: Blocks on either side of a window that are looked at but not judged. What a span waits for is at
#: most so many blocks away: the readout has places for two, and writes come as early.
_CONTEXT = 4


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Some rows of a trace, as columns of their own; causes are left out.

    Args:
        units: Lane names.
        unit: Lane of each span.
        action: Action of each span.
        start_fs: Start of each span [fs].
        end_fs: End of each span [fs].
        sample: Sample of each span, counted from the first of the cut.
        product: Product of each span.
        bank: Bank of each span.
        content: What the bank of each span holds.
        amount: What each span counts.
        arrival_fs: Arrival of each sample [fs].
        result_fs: Result of each sample [fs].
    """

    units: tuple[str, ...]
    unit: Ints
    action: Ints
    start_fs: Ints
    end_fs: Ints
    sample: Ints
    product: Ints
    bank: Ints
    content: Ints
    amount: Ints
    arrival_fs: Ints
    result_fs: Ints

    @property
    def cause(self) -> Ints:
        """Return no causes; they are checked on the whole trace."""
        return np.full(len(self.unit), -1, dtype=np.int64)

    @property
    def dropped(self) -> Ints:
        """Return no requests; drops are counted over the whole run."""
        return np.zeros(0, dtype=np.int64)

    @property
    def samples(self) -> int:
        """Return the number of samples."""
        return len(self.arrival_fs)

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.unit)

    def rows(self, action: str) -> Ints:
        """Return the rows with this action, in row order."""
        return np.flatnonzero(self.action == ACTIONS.index(action)).astype(np.int64)


def check_windows(trace: Columns, work: Work, requests: Requests, *, spans: int) -> None:
    """Raise if the beginning, the middle or the end of a run breaks an invariant.

    The order of rows, their causes and that parts serve one at a time are checked everywhere, and
    nothing else is where several blocks are in flight: a part of their turns cannot be judged.

    Args:
        trace: The trace.
        work: What was to be done, and with what.
        requests: Whom it was to serve.
        spans: About how many spans a window has.

    Raises:
        InvariantError: The first invariant that is broken.
    """
    with blamed_on_pnnsim():
        times_ascend(trace)
        causes_precede(trace, work.trains_fs, double_buffered=work.delays.double_buffered)
        parts_serve_one_at_a_time(trace)
        if work.control.blocks_in_flight > 1:
            return
        firsts = firsts_of(trace, work, requests)
        blocks = len(firsts)
        size = max(4 * _CONTEXT, blocks * spans // len(trace))
        for begin in sorted({0, max(0, (blocks - size) // 2), max(0, blocks - size)}):
            _check_window(trace, work, requests, firsts, (begin, min(blocks, begin + size)))


def _check_window(
    trace: Columns, work: Work, requests: Requests, firsts: Ints, blocks: tuple[int, int]
) -> None:
    """Check some blocks of a run: the first and the one behind the last."""
    begin, end = blocks
    edges = np.append(firsts, trace.samples)
    samples = int(edges[begin]), int(edges[end])
    shown = (trace.sample >= samples[0]) & (trace.sample < samples[1])
    shown &= ~np.isin(trace.action, numbers(*PREPARING))
    before, here = plan_of(work, begin), plan_of(work, end - begin, first=begin)
    entered = int(trace.start_fs[shown & (trace.product == 0)].min())
    over = int(trace.result_fs[samples[1] - 1])
    shown[_between(trace.rows("route"), before.route, here.route)] = True
    writes, refreshes = trace.rows("write"), trace.rows("refresh")
    written_fs = []
    places = [groups(trace.bank[rows]) for rows in (writes, refreshes)]
    counts = [
        np.bincount(plan.bank[plan.write > 0], minlength=work.mapping.used).tolist()
        for plan in (before, here)
    ]
    for bank in range(work.mapping.used):
        mine = writes[places[0].get(bank, NOWHERE)]
        again = refreshes[places[1].get(bank, NOWHERE)]
        first, last = (count[bank] for count in counts)
        last += first
        shown[mine[first:last]] = True
        # Refreshes stand between the writes that are shown; later ones are of other contents.
        from_fs = min([entered, *trace.start_fs[mine[first:last]].tolist()])
        to_fs = min([over, *trace.start_fs[mine[last:]].tolist()])
        start_fs = trace.start_fs[again]
        shown[again[(start_fs >= from_fs) & (start_fs < to_fs)]] = True
        earlier = trace.start_fs[np.concatenate([mine[:first], again[start_fs < from_fs]])]
        written_fs.append(int(earlier.max(initial=0)))
    cut = _cut(trace, np.flatnonzero(shown), samples)
    mine_firsts = firsts[begin:end] - samples[0]
    run = passages(cut, work, None, Window(mine_firsts))
    taken = run.encode_start[mine_firsts, 0]
    window = Window(
        mine_firsts,
        begin,
        tuple(written_fs),
        int(taken[_CONTEXT]) if begin else -math.inf,
        int(taken[-_CONTEXT]) if end < len(firsts) else math.inf,
    )
    check_passages(replace(run, window=window, saturated=requests.times_fs is None))


def _between(rows: Ints, before: Ints, here: Ints) -> Ints:
    """Return the rows of a window, as many as were planned there, behind those planned before."""
    skipped = int(before.sum())
    return rows[skipped : skipped + int(here.sum())]


def _cut(trace: Columns, rows: Ints, samples: tuple[int, int]) -> Cut:
    """Return some rows of a trace as a trace of its own, samples counted from the first."""
    sample = trace.sample[rows]
    return Cut(
        units=trace.units,
        unit=trace.unit[rows],
        action=trace.action[rows],
        start_fs=trace.start_fs[rows],
        end_fs=trace.end_fs[rows],
        sample=np.where(sample >= 0, sample - samples[0], sample),
        product=trace.product[rows],
        bank=trace.bank[rows],
        content=trace.content[rows],
        amount=trace.amount[rows],
        arrival_fs=trace.arrival_fs[slice(*samples)],
        result_fs=trace.result_fs[slice(*samples)],
    )
