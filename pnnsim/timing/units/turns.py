"""The order in which the encoder serves blocks: one after the other, or several in turns.

A block enters the loop when fewer are in it than `control.blocks_in_flight`, the readout has a
place for its results, and its first input is mapped. With one in flight, the paper's order, it
enters when the block before has left. With more, blocks take turns, a step each time, in the order
that the policy gives (`pnnsim.mapping.policies`): first those for which the switch need not move,
and whose states are there.
The samples of a block follow each other within its turn.

The next turn is chosen when the encoder is free of the last sample of a turn, so that the switch
has the next bank before it may move. A block that could enter at that very instant comes one turn
later: only what was so before counts, whichever process SimPy happened to resume first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pnnsim.mapping.actions import NO_CAUSE
from pnnsim.mapping.policies import Access, Candidate
from pnnsim.timing.kernel import Inbox, Wait
from pnnsim.timing.wiring import Turn, Wiring


@dataclass(slots=True)
class Block:
    """A block of samples in the loop.

    Args:
        number: Number of the block.
        first: Its first sample.
        end: The sample behind its last; known when the first one is taken.
        accesses: Its accesses, by product.
        left: Row of the span that let it enter the loop.
        product: Its next product.
    """

    number: int
    first: int
    end: int
    accesses: tuple[Access, ...]
    left: int = NO_CAUSE
    product: int = 0


class Turns:
    """Blocks in the loop, and whose turn it is.

    Args:
        wiring: Connections of the core.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._policy = wiring.work.policy
        self._plan: Iterator[tuple[Access, ...]] = wiring.plan()
        self._waiting: list[Block] = []
        self._newest = Block(-1, 0, 0, ())
        self._served: Block | None = None
        self._selected = -1

    def next(self) -> Wait[tuple[Block, Turn]]:
        """Return the block that is served next, and its turn, once it is in the loop."""
        served = self._served
        if served is not None:
            served.product += 1
            if self._goes_on(served):
                return served, self._choose(served)
            if served.product == self._wiring.products:
                served = None
        alone = served is None and not self._waiting
        newcomer = self._newcomer() if alone or self._could_enter() else None
        self._waiting = self._policy.in_turn(self._waiting, newcomer, served)
        candidates = [self._candidate(block) for block in self._waiting]
        block = self._waiting.pop(self._policy.whose_turn(candidates, self._selected))
        turn = self._choose(block)
        if newcomer is not None:
            for inbox in self._conditions(newcomer.number):
                newcomer.left = self._wiring.spans.latest(newcomer.left, (yield from inbox.get()))
        return block, turn

    def _candidate(self, block: Block) -> Candidate:
        """Return what the policy is given of a block that waits."""
        wiring, row = self._wiring, NO_CAUSE
        bank = block.accesses[block.product].bank
        if block.product:
            digital = wiring.passage[block.product].digital
            row = (wiring.computed if digital else wiring.held).posted(block.first)
            if row == NO_CAUSE:
                return Candidate(bank, ready=False)
        return Candidate(bank, ready=wiring.spans.end(row) < wiring.env.now)

    def _goes_on(self, block: Block) -> bool:
        """Return whether a block keeps its turn: within a step, and where it is alone."""
        if block.product == self._wiring.products:
            return False
        return self._policy.blocks_in_flight == 1 or not self._wiring.passage[block.product].begins

    def _choose(self, block: Block) -> Turn:
        """Return the turn of a block, on which bank and switch can be prepared from now on."""
        wiring, access = self._wiring, block.accesses[block.product]
        if self._policy.blocks_in_flight > 1:
            # Every weight set has its bank; the switch comes from that of another block.
            moves = access.bank != self._selected
            access = Access(access.bank, access.weight_set, write=False, route=moves)
        leads = access.changes and self._served is not None
        self._served, self._selected = block, access.bank
        turn = Turn(block.number, block.product, access, leads)
        wiring.tally.turns.append(block.number * wiring.products + block.product)
        wiring.chosen.put(turn)
        return turn

    def _newcomer(self) -> Block:
        """Return the next block, whose size is not known yet."""
        before = self._newest
        self._newest = Block(before.number + 1, before.end, before.end + 1, next(self._plan))
        return self._newest

    def _conditions(self, number: int) -> list[Inbox[int]]:
        """Return where the rows come for which a block waits before it enters the loop.

        Args:
            number: Number of the block.
        """
        wiring, conditions = self._wiring, []
        if number >= self._policy.blocks_in_flight:
            conditions.append(wiring.loop_left)
        if number >= self._policy.places:
            conditions.append(wiring.results_taken)
        return conditions

    def _could_enter(self) -> bool:
        """Return whether the next block could have entered the loop before now."""
        wiring, newest = self._wiring, self._newest
        if self._policy.blocks_in_flight == 1 or not newest.product:
            return False
        rows = [inbox.first for inbox in (wiring.mapped, *self._conditions(newest.number + 1))]
        return all(row is not None and wiring.spans.end(row) < wiring.env.now for row in rows)
