"""Check every run before its figures are used: whole up to a size, a sample of it beyond.

A run that repeats is checked on a shorter one with the same beginning, the same period and the same
end, as copies differ from each other in nothing but a multiple of the period. Cores that were timed
once for all are checked once.
"""

from __future__ import annotations

from dataclasses import replace

from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.invariants.window import check_windows
from pnnsim.timing.multicore import AnyTrace, ParallelTrace
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.trace import Trace

#: Spans of one core up to which every span is checked: about 0.5 s.
EVERYTHING = 1_000_000
#: Spans of a window beyond that.
WINDOW = 100_000


def check_run(run: AnyTrace, work: Work, arrivals: Arrivals) -> None:
    """Raise if a run breaks an invariant of its machine.

    Args:
        run: The run.
        work: What each core had to do.
        arrivals: When requests came to the host.

    Raises:
        InvariantError: A fault of pnnsim itself: the first invariant that is broken.
    """
    parts = run.parts if isinstance(run, ParallelTrace) else (run,)
    dealt = [arrivals]
    if isinstance(run, ParallelTrace):
        dealt = arrivals.deal(run.cores, run.deal)
    checked: set[int] = set()
    for part, mine in zip(parts, dealt, strict=True):
        if id(part) not in checked:
            _check_core(part, work, mine)
        checked.add(id(part))


def _check_core(run: Trace | PeriodicTrace, work: Work, arrivals: Arrivals) -> None:
    """Check the run of one core, or a sample of it."""
    if len(run) <= EVERYTHING:
        run.check(work, arrivals)
    elif isinstance(run, PeriodicTrace):
        period = run.end_row - run.first_row
        short = replace(run, repeats=max(1, (WINDOW - len(run.base)) // period))
        short.check(work, arrivals.first(short.samples))
    else:
        check_windows(run, work, arrivals, spans=WINDOW)
