"""When the server of the digital steps takes each sample, found anew from a trace."""

from __future__ import annotations

import numpy as np

from pnnsim.common.times import in_order
from pnnsim.mapping.actions import Ints
from pnnsim.timing.invariants.needs import LONG_AGO, before
from pnnsim.timing.invariants.passages import Passages


def results_taken_fs(run: Passages) -> Ints:
    """Return when the readout, or the digital engine's server, takes each last value [fs]."""
    if not run.work.converts:
        return run.start(run.output_rows[:, 0])
    return served_fs(run)[:, -1]


def served_fs(run: Passages) -> Ints:
    """Return when the server of the digital steps takes a sample, shape `(n_sample, n_product)`.

    It takes samples in the order in which their last numbers came, one behind the other.
    """
    trace = run.trace
    there = run.compute_rows >= 0
    came = run.digitize_rows[there]
    over = run.end(run.compute_rows)
    over[:, -1] = run.end(run.output_rows[:, -1])
    order = in_order(came, trace.end_fs[came])
    served = np.empty(len(order), dtype=trace.end_fs.dtype)
    served[order] = np.maximum(trace.end_fs[came][order], before(over[there][order]))
    table = np.full(there.shape, LONG_AGO, dtype=trace.end_fs.dtype)
    table[there] = served
    return table
