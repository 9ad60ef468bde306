"""The plan of a run, found anew: which bank each access uses, and what must be done before it.

It is written from the rule alone, with no view of how the simulation plans: resident weight sets
stay where they are; otherwise the bank is overwritten whose content is needed again latest
(L. A. Belady, IBM Systems Journal 5(2), 78, 1966).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pnnsim.mapping.actions import Ints
from pnnsim.mapping.work import Work


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen before and at each access, an access being one product of one block.

    Args:
        bank: Bank that is used, shape `(n_block, n_product)`.
        write: 1 where it must be written first, else 0, same shape.
        route: 1 where the switch must move first, else 0, same shape.
    """

    bank: Ints
    write: Ints
    route: Ints


def plan_of(work: Work, blocks: int, *, first: int = 0) -> Plan:
    """Return the plan of some blocks of a run.

    What a block does depends on the selected bank and on the contents that it finds, and these
    come again; so few blocks are planned, and the rest repeat them.

    Args:
        work: What is to be done, and with what.
        blocks: How many.
        first: The first of them.
    """
    order, banks = work.order, min(work.mapping.logical, work.mapping.matrices)
    resident = work.mapping.matrices <= work.mapping.logical
    used_first = list(dict.fromkeys(order))
    contents = list(range(banks)) if resident else used_first[:banks]
    selected = contents.index(order[0])
    seen: dict[tuple[int, ...], int] = {}
    planned: list[list[tuple[int, int, int]]] = []
    while (selected, *contents) not in seen and len(planned) < max(1, first + blocks):
        seen[selected, *contents] = len(planned)
        accesses = []
        for step, wanted in enumerate(order):
            write = wanted not in contents
            if write:
                bank = _overwritten(order, step, contents, selected if work.ahead else None)
                contents[bank] = wanted
            bank = contents.index(wanted)
            accesses.append((bank, int(write), int(bank != selected)))
            selected = bank
        planned.append(accesses)
    numbers = np.arange(first, first + blocks)
    again = seen.get((selected, *contents))
    if again is not None:
        period = len(planned) - again
        numbers = np.where(numbers < again, numbers, again + (numbers - again) % period)
    table = np.array(planned, dtype=np.int64)[numbers]
    return Plan(bank=table[..., 0], write=table[..., 1], route=table[..., 2])


def _overwritten(order: Sequence[int], step: int, contents: list[int], spared: int | None) -> int:
    """Return the bank whose content is needed again latest.

    Args:
        order: Weight set of each product, repeated without end.
        step: The product for which a bank is written.
        contents: Weight set in each bank.
        spared: Bank that must not be overwritten, as it is in use while another is written ahead.
    """

    def needed_in(bank: int) -> int:
        distance = 1
        while order[(step + distance) % len(order)] != contents[bank]:
            distance += 1
        return distance

    return max((bank for bank in range(len(contents)) if bank != spared), key=needed_in)
