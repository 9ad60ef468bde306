"""Which of several points no other dominates, and how crowded they are.

A point is a list of losses: less is better in each. One dominates another if it is better somewhere
and nowhere worse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def ranks(losses: ArrayLike) -> NDArray[np.int64]:
    """Return the rank of each point: 0 where none dominates it, 1 where only those of rank 0 do.

    Args:
        losses: Shape `(n_points, n_objectives)`.

    Reference: Deb et al., IEEE Trans. Evol. Comput. 6, 182, 2002 (non-dominated sorting).
    """
    values = np.asarray(losses, dtype=np.float64)
    found = np.full(len(values), -1, dtype=np.int64)
    rank = 0
    while (found < 0).any():
        left = np.flatnonzero(found < 0)
        found[left[_undominated(values[left])]] = rank
        rank += 1
    return found


def _undominated(values: Floats) -> NDArray[np.bool_]:
    """Return which points no other dominates; equal points do not dominate each other.

    In the order of their values a point can be dominated by one before it alone, and what
    dominates it is either undominated or dominated by one that dominates it, too.
    """
    order = np.lexsort(values.T[::-1])
    best = np.zeros(len(values), dtype=np.bool_)
    kept: list[int] = []
    for index in order:
        others = values[kept]
        beaten = (others <= values[index]).all(axis=1) & (others < values[index]).any(axis=1)
        if not beaten.any():
            kept.append(int(index))
            best[index] = True
    return best


def crowding(losses: ArrayLike) -> Floats:
    """Return the crowding distance of each point among the others; infinite at the ends.

    Args:
        losses: Points of one rank, shape `(n_points, n_objectives)`.

    Reference: Deb et al., IEEE Trans. Evol. Comput. 6, 182, 2002.
    """
    values = np.asarray(losses, dtype=np.float64)
    found = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        found[order[[0, -1]]] = np.inf
        if span > 0:
            found[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return found


def best(losses: Sequence[Sequence[float]], count: int) -> list[int]:
    """Return the indices of the best points, ascending: by rank, the less crowded first.

    Args:
        losses: One list for each point.
        count: How many to return at most.
    """
    if not losses:
        return []
    values = np.asarray(losses, dtype=np.float64)
    found = ranks(values)
    far = np.empty(len(values))
    for rank in range(int(found.max()) + 1):
        of_rank = found == rank
        far[of_rank] = crowding(values[of_rank])
    order = sorted(range(len(values)), key=lambda i: (found[i], -far[i], i))
    return sorted(order[:count])
