"""Report a broken invariant: what every file of this package raises, and how rows are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import ACTIONS, Columns

Flags = NDArray[np.bool_]


def fail(trace: Columns, row: int, what: str) -> NoReturn:
    """Raise for one row of a trace.

    Args:
        trace: The trace.
        row: The row that breaks the invariant.
        what: What is wrong with it, as the end of a sentence whose subject is the row.
    """
    raise InvariantError(
        f"trace row {row} ({trace.units[trace.unit[row]]} {ACTIONS[trace.action[row]]}, sample "
        f"{trace.sample[row]}, product {trace.product[row]}, {trace.start_fs[row]} to "
        f"{trace.end_fs[row]} "
        f"fs): {what}"
    )


@contextmanager
def blamed_on_pnnsim() -> Iterator[None]:
    """Mark a broken invariant as a fault of pnnsim, not of its user."""
    try:
        yield
    except InvariantError as fault:
        raise InvariantError(
            f"timing: internal: the simulated run breaks a rule of its machine: {fault}"
        ) from None


def first(broken: Flags) -> int | None:
    """Return the first index where the condition holds, or None."""
    found = np.flatnonzero(broken)
    return int(found[0]) if len(found) else None
