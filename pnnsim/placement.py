"""Say where each tile of each weight set lives, and what is rewritten when.

This reads a mapping and a plan; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from pnnsim.mapping import Mapping
from pnnsim.schedule import initial_contents, plan_blocks, plan_period


@dataclass(frozen=True, slots=True)
class Tile:
    """Place one tile of one weight set.

    Args:
        weight_set: Weight set.
        outputs: First output and the one after the last.
        inputs: First input and the one after the last.
        bank: Physical bank that holds it when the first wave comes; None where it must be written
            on the way.
    """

    weight_set: int
    outputs: tuple[int, int]
    inputs: tuple[int, int]
    bank: int | None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """State one write that the plan asks for.

    Args:
        block: Block of waves, from the first that repeats for ever.
        step: Step before which it is needed.
        weight_set: Weight set that is written.
        banks: Physical banks that are overwritten.
    """

    block: int
    step: int
    weight_set: int
    banks: tuple[int, ...]


def tiles(order: Sequence[int], mapping: Mapping) -> list[Tile]:
    """Return every tile, set by set, in the order of the banks of a set."""
    contents = initial_contents(order, mapping)
    found = []
    for weight_set in range(mapping.weight_sets):
        held = contents.index(weight_set) if weight_set in contents else None
        banks = None if held is None else mapping.physical_banks(held)
        corners = [
            (row, col)
            for row in range(0, mapping.hidden, mapping.rows)
            for col in range(0, mapping.hidden, mapping.cols)
        ]
        for number, (row, col) in enumerate(corners):
            found.append(
                Tile(
                    weight_set,
                    (row, min(row + mapping.rows, mapping.hidden)),
                    (col, min(col + mapping.cols, mapping.hidden)),
                    None if banks is None else banks[number],
                )
            )
    return found


def rewrites(order: Sequence[int], mapping: Mapping, *, prefetch: bool = False) -> list[Rewrite]:
    """Return the writes of the blocks that repeat for ever, counted from the first of them."""
    start, length = plan_period(order, mapping, prefetch=prefetch)
    plan = plan_blocks(order, mapping, prefetch=prefetch)
    return [
        Rewrite(block, step, visit.weight_set, tuple(mapping.physical_banks(visit.bank)))
        for block, visits in enumerate(islice(plan, start, start + length))
        for step, visit in enumerate(visits)
        if visit.write
    ]
