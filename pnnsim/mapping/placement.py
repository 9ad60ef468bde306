"""Where each tile of each weight set lives, and what is rewritten when, for people to read.

This reads a mapping and a plan; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from pnnsim.mapping.plan import initial_contents, plan_blocks, plan_period
from pnnsim.mapping.policies import Policy
from pnnsim.mapping.tiling import Mapping


@dataclass(frozen=True, slots=True)
class PlacedTile:
    """One tile of one weight set, and its bank.

    Args:
        weight_set: Weight set.
        fold: Fold of its matrix; 0 where it is not folded.
        outputs: First output and the one after the last.
        inputs: First input and the one after the last.
        bank: Physical bank that holds it when the first sample comes; None where it must be written
            on the way.
    """

    weight_set: int
    fold: int
    outputs: tuple[int, int]
    inputs: tuple[int, int]
    bank: int | None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One write of a plan.

    Args:
        block: Block of samples, from the first that repeats for ever.
        step: Step before which it is needed.
        fold: Fold of this step before which it is needed.
        weight_set: Weight set that is written, or the fold of it.
        banks: Physical banks that are overwritten.
    """

    block: int
    step: int
    fold: int
    weight_set: int
    banks: tuple[int, ...]


def tiles(order: Sequence[int], mapping: Mapping) -> list[PlacedTile]:
    """Return every tile, set by set and fold by fold, in the order of the banks that hold a fold.

    Args:
        order: What a logical bank must hold at each product, as of `Work`.
        mapping: How many sets the banks hold.
    """
    contents = initial_contents(order, mapping)
    found = []
    for matrix in range(mapping.matrices):
        held = contents.index(matrix) if matrix in contents else None
        banks = None if held is None else mapping.physical_banks(held)
        content = mapping.contents[matrix]
        weight_set, fold = content.matrix, content.number
        for place, tile in mapping.bank_tiles(matrix):
            bank = None if banks is None else banks[place]
            outputs, inputs = ((edges.start, edges.stop) for edges in (tile.outputs, tile.inputs))
            found.append(PlacedTile(weight_set, fold, outputs, inputs, bank))
    return found


def rewrites(order: Sequence[int], mapping: Mapping, policy: Policy) -> list[Rewrite]:
    """Return the writes of the blocks that repeat for ever, counted from the first of them.

    Args:
        order: What a logical bank must hold at each product, as of `Work`.
        mapping: How many sets the banks hold.
        policy: Choice of the bank to overwrite.
    """
    start, length = plan_period(order, mapping, policy)
    plan = plan_blocks(order, mapping, policy)
    contents, firsts = mapping.contents, set(mapping.first_contents)
    step_of = [step - 1 for step in accumulate(content in firsts for content in order)]
    return [
        Rewrite(
            block,
            step_of[number],
            contents[access.weight_set].number,
            contents[access.weight_set].matrix,
            tuple(mapping.physical_banks(access.bank)),
        )
        for block, accesses in enumerate(islice(plan, start, start + length))
        for number, access in enumerate(accesses)
        if access.write
    ]
