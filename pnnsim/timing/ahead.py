"""Choose whether banks are written ahead of time: only where that makes a saturated run faster.

A plan that writes ahead never overwrites the bank just used, and so may write more often than one
that does not. One period of both is timed; whole numbers are compared, and a tie goes to the plan
that writes nothing ahead.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pnnsim.mapping.work import Work
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.run import run_fast

#: Blocks among which a run is looked for its period; one that has none so early is timed whole.
_BLOCKS = 256
#: Products of a block times blocks, at most: with thousands of folds fewer blocks are looked at.
_PRODUCTS = 65_536
#: But never fewer blocks than these.
_FEWEST = 16


def planned(work: Work) -> Work:
    """Return the work with the faster of both plans, as `control.prefetch` says which it is.

    Args:
        work: What is to be done; banks may be written ahead of time where its control allows that.

    Raises:
        ScheduleError: As `run_fast`.
    """
    if not work.ahead:
        return work
    control = work.control.model_copy(update={"prefetch": False})
    plain = replace(work, control=control)
    return work if steady_interval_fs(work) < steady_interval_fs(plain) else plain


def steady_interval_fs(work: Work) -> Fraction:
    """Return the time from result to result of a saturated run once it repeats itself [fs].

    Refreshes are left out, as they come seldom and share no period with blocks.
    """
    control = work.control.model_copy(update={"refresh_interval": None})
    blocks = max(_FEWEST, min(_BLOCKS, _PRODUCTS // len(work.order)))
    run = run_fast(replace(work, control=control), blocks * work.control.block)
    if isinstance(run, PeriodicTrace):
        return Fraction(run.period_fs, run.period_samples)
    return Fraction(run.result_span_fs, run.samples - 1)
