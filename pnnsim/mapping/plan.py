"""Order the accesses of samples to banks, and say what must be written or switched before each.

There are no times here. A block of samples accesses the bank of step 0, then that of step 1, and so
on; then the next block comes. Which bank is overwritten is the choice of a policy
(`pnnsim.mapping.policies`). Where a matrix is folded, each fold is an access of its own, and its
number (`pnnsim.mapping.tiling`) is what is called the weight set here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from pnnsim.errors import ScheduleError
from pnnsim.mapping.policies import Access, Belady, Policy, Situation, initial_contents
from pnnsim.mapping.tiling import Mapping

__all__ = [
    "Access",
    "initial_contents",
    "period_within",
    "plan_blocks",
    "plan_period",
]

_DEFAULT = Belady()


def plan_blocks(
    order: Sequence[int], mapping: Mapping, policy: Policy = _DEFAULT
) -> Iterator[tuple[Access, ...]]:
    """Yield the accesses of block 0, 1, 2, … without end; a block has one access per product.

    Resident sets stay where they are, set k in bank k. Otherwise the banks start with the sets that
    are used first, and the policy says which one is overwritten; the bank just used is a candidate
    like any other, as it is free once its step is captured.

    Args:
        order: Weight set of each access, shape `(n_product,)`.
        mapping: How many sets the banks hold.
        policy: Choice of the bank to overwrite.

    Raises:
        ScheduleError: The order does not use exactly the mapped weight sets.
    """
    return (accesses for _, accesses in _blocks(order, mapping, policy))


def plan_period(
    order: Sequence[int], mapping: Mapping, policy: Policy = _DEFAULT
) -> tuple[int, int]:
    """Return after how many blocks a plan begins to repeat, and how many blocks it then repeats.

    A plan always does: what a block does depends on the situation that it finds, and there are
    finitely many.

    Args:
        order: Weight set of each access, shape `(n_product,)`.
        mapping: How many sets the banks hold.
        policy: Choice of the bank to overwrite.
    """
    found = period_within(None, order, mapping, policy)
    assert found is not None
    return found


def period_within(
    blocks: int | None, order: Sequence[int], mapping: Mapping, policy: Policy = _DEFAULT
) -> tuple[int, int] | None:
    """Return as `plan_period`, or None where a plan has not repeated within some blocks.

    A cycle of n contents on fewer banks comes again after about n blocks.

    Args:
        blocks: Most blocks to look at; all that it takes where it is None.
        order: Weight set of each access, shape `(n_product,)`.
        mapping: How many sets the banks hold.
        policy: Choice of the bank to overwrite.
    """
    seen: dict[Situation, int] = {}
    plan = islice(_blocks(order, mapping, policy), blocks)
    for number, (situation, _) in enumerate(plan):
        if situation in seen:
            return seen[situation], number - seen[situation]
        seen[situation] = number
    return None


def _blocks(
    order: Sequence[int], mapping: Mapping, policy: Policy
) -> Iterator[tuple[Situation, tuple[Access, ...]]]:
    """Yield the situation that each block finds, and its accesses."""
    if sorted(set(order)) != list(range(mapping.matrices)):
        raise ScheduleError(
            f"schedule: the order uses the weight sets {sorted(set(order))}; expected every set "
            f"from 0 to {mapping.matrices - 1}, as mapped"
        )
    distances = _distances_to_next_use(order)
    # What a block does depends on what it finds and on nothing else, and few situations occur.
    known: dict[Situation, tuple[tuple[Access, ...], Situation]] = {}
    situation = policy.begins(order, mapping)
    while True:
        if situation not in known:
            known[situation] = policy.plan_block(order, situation, distances)
        found = situation
        accesses, situation = known[situation]
        yield found, accesses


def _distances_to_next_use(order: Sequence[int]) -> list[int]:
    """Return for each step how many steps later its weight set is used again."""
    steps = len(order)
    seen: dict[int, int] = {}
    distances = [0] * steps
    for position in range(2 * steps - 1, -1, -1):
        weight_set = order[position % steps]
        if position < steps:
            distances[position] = seen[weight_set] - position
        seen[weight_set] = position
    return distances
