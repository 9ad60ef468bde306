"""Of all shapes of a logical bank the mapping takes the best one, ties included."""

from __future__ import annotations

import math
from itertools import product

import pytest

from pnnsim.mapping.tiling import map_network


def ways(hidden: int, rows: int, cols: int, most: int) -> list[tuple[int, int, int]]:
    """Return folds, tiles and partial sums to add of every shape that fits."""
    down, across = math.ceil(hidden / rows), math.ceil(hidden / cols)
    found = []
    for r, c in product(range(1, down + 1), range(1, across + 1)):
        if r * c <= most:
            turns = math.ceil(down / r), math.ceil(across / c)
            found.append((turns[0] * turns[1], r * c, turns[1]))
    return found


@pytest.mark.parametrize("hidden", [7, 12, 20])
def test_no_shape_is_better_in_folds_then_banks_then_partial_sums(hidden: int) -> None:
    decided_late = 0
    for rows, cols, most in product(range(1, 8), range(1, 8), range(1, 13)):
        mapping = map_network(hidden=hidden, weight_sets=1, count=most, rows=rows, cols=cols)
        every = ways(hidden, rows, cols, most)
        assert (mapping.folds, mapping.tiles, mapping.sequential_tiles[1]) == min(every)
        least = min(every)
        decided_late += len({way for way in every if way[:2] == least[:2]}) > 1
    assert decided_late > 10  # partial sums decide where folds and banks are equal


def test_ties_by_hand() -> None:
    # 4 outputs and 4 inputs on banks of 1 x 1, four at once: 4 folds in any of three shapes, and
    # only rows of four inputs leave no partial sums between folds.
    assert map_network(hidden=4, weight_sets=1, count=4, rows=1, cols=1).parallel_tiles == (1, 4)
    # Five at once are no use to four by four.
    assert map_network(hidden=4, weight_sets=1, count=5, rows=1, cols=1).parallel_tiles == (1, 4)
