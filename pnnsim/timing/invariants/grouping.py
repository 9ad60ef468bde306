"""Rows of a trace by bank or by lane, found by sorting once: a machine may have thousands."""

from __future__ import annotations

import numpy as np

from pnnsim.mapping.actions import Ints

#: Places of a number that does not occur.
NOWHERE: Ints = np.zeros(0, dtype=np.int64)


def groups(numbers: Ints) -> dict[int, Ints]:
    """Return at which places each number stands, ascending, by number."""
    order = np.argsort(numbers, kind="stable").astype(np.int64)
    found, starts = np.unique(numbers[order], return_index=True)
    return dict(zip(found.tolist(), np.split(order, starts[1:]), strict=True)) if len(order) else {}
