"""Policies of a controller: by which rules a core orders its work on banks.

A policy is one class here and one name of `control.policy`. It owns whose turn comes next where
several blocks of samples are in the loop, which bank is overwritten, what is written ahead of time,
and how many blocks of the past a span can depend on. There are no times here, and what a policy
decides is carried out elsewhere (`pnnsim.mapping.plan`, `pnnsim.timing`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TypeVar

from pnnsim.mapping.tiling import Mapping

#: A block, as whoever orders turns has it.
Member = TypeVar("Member")


@dataclass(frozen=True, slots=True)
class Access:
    """Use one bank for one step of one block, or for one fold of a step.

    Args:
        bank: Logical bank used.
        weight_set: Weight set that it must hold.
        write: Whether it must be written first.
        route: Whether the switch must move to it first, after the write.
    """

    bank: int
    weight_set: int
    write: bool
    route: bool

    @property
    def changes(self) -> bool:
        """Return whether anything must happen before the access."""
        return self.write or self.route


@dataclass(frozen=True, slots=True)
class AheadOfTime:
    """A write that may begin before the step that needs it.

    Args:
        block: Block of the access.
        step: Number of the access in its block.
        access: The access that needs it.
        frees: Number of the access, over all blocks, that is the last to use what is overwritten.
    """

    block: int
    step: int
    access: Access
    frees: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """Block that waits for its next turn, as far as a policy chooses by it.

    Args:
        bank: Bank that it accesses next.
        ready: Whether the input or state of its first sample was there before now.
    """

    bank: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a block must be given of the past for its accesses to be planned.

    Args:
        selected: Bank on which the switch rests.
        contents: Weight set in each bank.
        recency: Banks by their last use, the longest ago first; empty where the policy needs none.
    """

    selected: int
    contents: tuple[int, ...]
    recency: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy(ABC):
    """Rules by which a core orders its work.

    Each bank has a rank: the bank of the greatest is overwritten next.

    Args:
        blocks_in_flight: Blocks in the loop at once.
        ahead: Whether banks are written ahead of time. The bank just used is never overwritten
            then, so that a write need not wait for it; a machine with a single logical bank has no
            other.
    """

    blocks_in_flight: int = 1
    ahead: bool = False

    @property
    def places(self) -> int:
        """Return of how many blocks the readout has places for the results.

        While one waits to be read, those in the loop come.
        """
        return self.blocks_in_flight + 1

    @property
    def looks_back(self) -> int:
        """Return how many blocks before that of a span can hold up its start, and one more.

        The front end is one block ahead of the loop, while the readout may hand over the block
        before the last to it. A write ahead of time waits for the last use of its bank, which is at
        most two blocks back, as each block uses every weight set. Each further block in flight may
        take a turn between, before or behind.
        """
        return 4 + 2 * (self.blocks_in_flight - 1)

    @property
    def felt_ahead(self) -> tuple[int, ...]:
        """Return how many blocks at the end of a run may differ from those before, fewest first.

        The engine of the front end, which maps their outputs, has no inputs of later blocks to map
        meanwhile. Where the engine is the slowest part, one block more is: it is read, one waits to
        be, and one is in the loop, while the input of the next is mapped. The last blocks in flight
        share the loop with fewer others.
        """
        most = self.blocks_in_flight - 1
        return (2 + 2 * most, 3 + 2 * most)

    def in_turn(
        self, waiting: Sequence[Member], newcomer: Member | None, served: Member | None
    ) -> list[Member]:
        """Return the blocks in the order of their next turns; one that comes in goes ahead.

        Args:
            waiting: Blocks that wait for their turn, in order.
            newcomer: Block that may enter the loop now, if any.
            served: Block that has just had its turn, if it has another one to come.
        """
        behind = (block for block in (newcomer, served) if block is not None)
        return [*waiting, *behind]

    def whose_turn(self, waiting: Sequence[Candidate], selected: int) -> int:
        """Return the place of the block that is served next.

        Blocks for which the switch need not move come first, and of these and of the others those
        whose states are there; otherwise they keep their order. As all blocks go the same way, none
        is passed over for ever: the others come to the bank for which it waits, behind it.

        Args:
            waiting: Blocks that wait, in the order of their turns.
            selected: Bank on which the switch rests.
        """
        ranks = [(block.bank != selected, not block.ready) for block in waiting]
        return ranks.index(min(ranks))

    def begins(self, order: Sequence[int], mapping: Mapping) -> Situation:
        """Return the situation that the first block finds.

        Args:
            order: Weight set of each access, shape `(n_product,)`.
            mapping: How many sets the banks hold.
        """
        contents = initial_contents(order, mapping)
        return Situation(contents.index(order[0]), contents, self._set_up(len(contents)))

    def plan_block(
        self, order: Sequence[int], situation: Situation, distances: Sequence[int]
    ) -> tuple[tuple[Access, ...], Situation]:
        """Return the accesses of a block, and the situation that it leaves behind.

        Args:
            order: Weight set of each access, shape `(n_product,)`.
            situation: What the block finds.
            distances: Accesses until each weight set is used again, shape `(n_product,)`.
        """
        selected, contents = situation.selected, list(situation.contents)
        bank_of = {weight_set: bank for bank, weight_set in enumerate(contents)}
        ranks = self._ranks(order, situation)
        # Banks by rank, the greatest first; entries may be out of date.
        queue = [(-rank, bank) for bank, rank in enumerate(ranks)]
        heapify(queue)
        accesses = []
        for step, weight_set in enumerate(order):
            found = bank_of.get(weight_set)
            bank = found
            if bank is None:
                spared = selected if self.ahead and len(contents) > 1 else None
                bank = _greatest(queue, ranks, spared)
                del bank_of[contents[bank]]
                bank_of[weight_set] = bank
                contents[bank] = weight_set
            ranks[bank] = self._rank(step, distances[step])
            heappush(queue, (-ranks[bank], bank))
            accesses.append(Access(bank, weight_set, found is None, route=bank != selected))
            selected = bank
        return tuple(accesses), Situation(selected, tuple(contents), self._recency(ranks))

    def writes_ahead(self, plan: Iterable[Sequence[Access]]) -> Iterator[AheadOfTime]:
        """Yield the writes of a plan in the order in which they are begun: that of their need.

        Args:
            plan: Accesses of block 0, 1, 2, …, planned by this policy.
        """
        last_used: dict[int, int] = {}
        number = 0
        for block, accesses in enumerate(plan):
            for step, access in enumerate(accesses):
                if access.write:
                    yield AheadOfTime(block, step, access, last_used[access.bank])
                last_used[access.bank] = number
                number += 1

    def _set_up(self, banks: int) -> tuple[int, ...]:
        """Return `Situation.recency` behind the set-up of some banks."""
        return ()

    def _recency(self, ranks: Sequence[int]) -> tuple[int, ...]:
        """Return `Situation.recency` from the rank of each bank behind a block."""
        return ()

    @abstractmethod
    def _ranks(self, order: Sequence[int], situation: Situation) -> list[int]:
        """Return the rank of each bank at the begin of a block, shape `(n_bank,)`.

        Args:
            order: Weight set of each access.
            situation: What the block finds.
        """

    @abstractmethod
    def _rank(self, step: int, distance: int) -> int:
        """Return the rank of a bank from its use on.

        Args:
            step: Number of the access in its block.
            distance: Accesses until its weight set is used again.
        """


@dataclass(frozen=True, slots=True)
class Belady(Policy):
    """Overwriting of the bank whose content is needed again latest in the endless order.

    No other choice writes less often. The controller must have the whole order ahead.

    Reference: L. A. Belady, IBM Systems Journal 5(2), 78, 1966.
    """

    def _ranks(self, order: Sequence[int], situation: Situation) -> list[int]:
        first_use = {order[step]: step for step in reversed(range(len(order)))}
        return [first_use[weight_set] for weight_set in situation.contents]

    def _rank(self, step: int, distance: int) -> int:
        return step + distance


@dataclass(frozen=True, slots=True)
class LeastRecentlyUsed(Policy):
    """Overwriting of the bank whose last use is the longest ago.

    The controller needs no more than the access that comes next. The bank just used is the last to
    go. Banks that were not used yet were set up in the order of their numbers. A cycle of one more
    weight set than there are banks is the worst order that it can have: each access is a write.

    Reference: P. J. Denning, Communications of the ACM 11(5), 323, 1968.
    """

    def _set_up(self, banks: int) -> tuple[int, ...]:
        return tuple(range(banks))

    def _recency(self, ranks: Sequence[int]) -> tuple[int, ...]:
        return tuple(sorted(range(len(ranks)), key=lambda bank: -ranks[bank]))

    def _ranks(self, order: Sequence[int], situation: Situation) -> list[int]:
        ranks = [0] * len(situation.recency)
        for place, bank in enumerate(situation.recency):
            ranks[bank] = len(ranks) - place
        return ranks

    def _rank(self, step: int, distance: int) -> int:
        return -step


#: Every policy by its name in a description.
POLICIES: dict[str, type[Policy]] = {"belady": Belady, "lru": LeastRecentlyUsed}


def initial_contents(order: Sequence[int], mapping: Mapping) -> tuple[int, ...]:
    """Return the weight set in each logical bank when the first sample comes, shape `(used,)`.

    Args:
        order: Weight set of each access, shape `(n_product,)`.
        mapping: How many sets the banks hold.
    """
    if mapping.resident:
        return tuple(range(mapping.matrices))
    return tuple(dict.fromkeys(order))[: mapping.logical]


def _greatest(queue: list[tuple[int, int]], ranks: Sequence[int], spared: int | None) -> int:
    """Return the bank of the greatest rank.

    Args:
        queue: Heap of (rank, negative, and bank); what is out of date is taken out.
        ranks: Rank of each bank.
        spared: Bank that is not to be chosen, if any.
    """
    kept = None
    while True:
        entry = rank, bank = heappop(queue)
        if -rank != ranks[bank]:
            continue
        if bank != spared:
            break
        kept = entry
    if kept is not None:
        heappush(queue, kept)
    return bank
