"""Columns of times that are exact however long a run is.

Times are whole femtoseconds. A column keeps them in 64 bits while these hold every time in it and
every difference of two; that is for 1.28 hours. Beyond, a column consists of Python integers, which
numpy adds, compares and sorts as exactly, only more slowly. What computes with times works with
both, as long as it takes the type of a new column from an old one.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Whole femtoseconds: 64-bit integers, or Python integers (dtype object).
Times = NDArray[Any]

#: Largest magnitude of a time in 64 bits: sums and differences of two have room, too [fs].
WIDEST_FS = 2**62 - 1


def time_column(values: Sequence[int]) -> Times:
    """Return times as a column."""
    fits = not len(values) or (max(values) <= WIDEST_FS and min(values) >= -WIDEST_FS)
    return np.array(values, dtype=np.int64 if fits else object)


def wide_enough(column: Times, most: float) -> Times:
    """Return a column that has room for numbers of a magnitude up to `most`.

    Args:
        column: Times [fs].
        most: Largest magnitude [fs].
    """
    return column if most <= WIDEST_FS else column.astype(object)


def magnitude(column: Times) -> int:
    """Return the largest magnitude in a column; 0 where it is empty."""
    return max(int(column.max()), -int(column.min())) if column.size else 0


def seconds(column: Times) -> NDArray[np.float64]:
    """Return times as seconds, the same ones for both types of columns."""
    return np.asarray(column.astype(np.float64) / 1e15)


def total_fs(column: Times, counts: NDArray[np.int64] | None = None) -> int:
    """Return the sum of a column, each entry counted once or as often as `counts` has it [fs]."""
    entries = column.tolist()
    return sum(entries if counts is None else map(operator.mul, entries, counts.tolist()))


def after_all(column: Times) -> int:
    """Return a time after every one in a column [fs]; 1 where it is empty."""
    return magnitude(column) + 1


def in_order(*keys: Times) -> NDArray[np.int64]:
    """Return the order of rows by several keys, the last one first, as `numpy.lexsort`."""
    plain = [np.unique(key, return_inverse=True)[1] if key.dtype == object else key for key in keys]
    return np.lexsort(plain).astype(np.int64)
