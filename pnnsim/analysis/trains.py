"""Trains of vectors in a trace: how many follow each other in a span, and how long parts work.

A span of several vectors lasts from its first to its last. The stages of the encoder are written
for the first one alone; the others pass them while the symbols before are kept.
"""

from __future__ import annotations

import numpy as np

from pnnsim.common.times import Times
from pnnsim.mapping.actions import Ints, numbers
from pnnsim.timing.trace import Trace

_HOLD_SYMBOL, _PROPAGATE = numbers("hold_symbol", "propagate")


def vectors_of(trace: Trace) -> Ints:
    """Return the vectors for which each span stands, shape `(n_span,)`; 1 outside the loop."""
    product = trace.product
    vectors = np.ones(int(product.max(initial=0)) + 2, dtype=np.int64)
    departs = trace.action == _PROPAGATE
    vectors[product[departs]] = trace.amount[departs]
    vectors[-1] = 1
    return np.asarray(vectors[product], np.int64)


def working_fs(trace: Trace) -> Times:
    """Return for how long each span keeps its lane at work, shape `(n_span,)` [fs].

    A converter of the encoder works once for each vector. The lane of the symbols is at work from
    the first vector to the last, as it says itself.
    """
    lengths = trace.end_fs - trace.start_fs
    if not np.any(trace.amount != 1):
        return lengths
    driven = np.unique(trace.unit[trace.action == _HOLD_SYMBOL])
    encoder = np.array([name == "encoder" for name in trace.components()])
    apart = encoder[trace.unit] & ~np.isin(trace.unit, driven) & (trace.step >= 0)
    return np.where(apart, lengths * vectors_of(trace), lengths)
