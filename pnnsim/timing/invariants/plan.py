"""The plan of a run, found anew: which bank each access uses, and what must be done before it.

It is written from the rule alone, with no view of how the simulation plans: resident weight sets
stay where they are; otherwise the bank is overwritten whose content is needed again latest
(L. A. Belady, IBM Systems Journal 5(2), 78, 1966), or, by the policy `lru`, the one whose last use
is the longest ago.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, replace

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

    def in_turn(self, turns: Ints) -> Plan:
        """Return the plan with the moves of the switch that some order of accesses needs.

        Args:
            turns: Accesses, block times products plus product, in the order in which they come.
        """
        if np.all(turns[:-1] < turns[1:]):
            return self
        bank = self.bank.ravel()[turns]
        route = np.zeros(bank.size, dtype=np.int64)
        route[turns] = np.concatenate([[0], bank[1:] != bank[:-1]])
        return replace(self, route=route.reshape(self.bank.shape))


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
    held = {content: bank for bank, content in enumerate(contents)}
    selected = held[order[0]]
    seen: dict[tuple[int, ...], int] = {}
    # Banks by their last use, the longest ago first, where that decides.
    old = list(range(banks)) if work.control.policy == "lru" else []
    # Products that use each content, of this block and of the next.
    uses: dict[int, list[int]] = {}
    for step, content in enumerate(order * 2):
        uses.setdefault(content, []).append(step)
    planned: list[list[tuple[int, int, int]]] = []
    while (selected, *contents, *old) not in seen and len(planned) < max(1, first + blocks):
        seen[selected, *contents, *old] = len(planned)
        accesses = []
        # When what each bank holds is needed again, and the bank; the next one first.
        needed = sorted((uses[content][0], bank) for bank, content in enumerate(contents))
        for step, wanted in enumerate(order):
            write = wanted not in held
            if write and old:
                bank = next(bank for bank in old if not (work.ahead and bank == selected))
                needed.remove((next(use for use, where in needed if where == bank), bank))
            elif write:
                spared = work.ahead and needed[-1][1] == selected
                _, bank = needed.pop(-2 if spared else -1)
            else:
                _, bank = needed.pop(0)
            if write:
                del held[contents[bank]]
                contents[bank], held[wanted] = wanted, bank
            if old:
                old.remove(bank)
                old.append(bank)
            places = uses[wanted]
            insort(needed, (places[bisect_right(places, step)], bank))
            accesses.append((bank, int(write), int(bank != selected)))
            selected = bank
        planned.append(accesses)
    numbers = np.arange(first, first + blocks)
    again = seen.get((selected, *contents, *old))
    if again is not None:
        period = len(planned) - again
        numbers = np.where(numbers < again, numbers, again + (numbers - again) % period)
    table = np.array(planned, dtype=np.int64)[numbers]
    return Plan(bank=table[..., 0], write=table[..., 1], route=table[..., 2])
