"""What the units of one core share: clock, spans, work, and the messages that pass between them.

A message is a row of the trace, whose end is the cause of what the receiver does next, or an
`InFlight` where the receiver also needs the number of the sample. Nothing happens here: units are
in `pnnsim.timing.units`, and `pnnsim.timing.core` joins them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from pnnsim.mapping.plan import Access, plan_blocks
from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals, Queue
from pnnsim.timing.kernel import Board, Clock, Inbox
from pnnsim.timing.recorder import Spans


@dataclass(slots=True)
class InFlight:
    """A sample between two units of the loop.

    It belongs to the unit that has taken it from its inbox, which writes `start_fs` and `cause`
    anew before it passes the sample on. Where the loop forks, both branches only read.

    Args:
        sample: The sample.
        product: Number of the product among those of a sample: the step, or a fold of it.
        access: Bank and weight set of the product.
        last: Whether it is the last sample of its block.
        start_fs: Time at which its first vector left the unit before [fs].
        cause: Row of the span of this vector, which ends when its last one leaves.
    """

    sample: int
    product: int
    access: Access
    last: bool
    start_fs: int
    cause: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One product of one block at the encoder.

    Args:
        block: Number of the block.
        product: Number of the product.
        access: Bank and weight set of the product.
        leads: Whether anything must happen to bank or switch before its first sample departs.
    """

    block: int
    product: int
    access: Access
    leads: bool


class Tally:
    """What a run has counted so far.

    Args:
        arrivals: Requests that come.
    """

    __slots__ = ("arrived", "expected", "firsts", "queue", "results", "turns")

    def __init__(self, arrivals: Arrivals) -> None:
        self.queue = Queue(arrivals)
        #: First sample of each block that has entered the loop.
        self.firsts: list[int] = []
        #: Arrival of each sample [fs].
        self.arrived: list[int] = []
        #: Result of each sample at the host [fs].
        self.results: list[int] = []
        #: Turns as they were chosen: block times products plus product.
        self.turns = array("q")
        #: Samples in all; -1 until the last one was taken from the queue.
        self.expected = -1

    @property
    def over(self) -> bool:
        """Return whether the last sample has its result."""
        return len(self.results) == self.expected


class Wiring:
    """The connections between the units of one core.

    Each inbox is emptied by one unit and named for what has happened when a message comes.

    Args:
        env: The clock.
        work: What is to be done, and with what.
        arrivals: When samples come.
    """

    def __init__(self, env: Clock, work: Work, arrivals: Arrivals) -> None:
        self.env = env
        self.spans = Spans(env)
        self.work = work
        self.delays = work.delays
        #: Products of a sample, and the time from the first to the last vector of each [fs].
        self.passage = work.products
        self.train_fs = work.trains_fs
        self.products = len(work.order)
        self.arrivals = arrivals
        self.tally = Tally(arrivals)
        #: To the encoder: an input is mapped.
        self.mapped: Inbox[int] = Inbox(env)
        #: To the encoder: the sums of a fold are captured, its state may be encoded again.
        self.summed: Inbox[int] = Inbox(env)
        #: To the encoder, by sample: the digital engine is done with what a product reads.
        self.computed = Board(env)
        #: To the encoder, by sample: a state is in the memory.
        self.held = Board(env)
        #: To the encoder: a block has left the loop.
        self.loop_left: Inbox[int] = Inbox(env)
        #: To the encoder: the readout has taken the last result of a block.
        self.results_taken: Inbox[int] = Inbox(env)
        #: To the encoder: the bank of an access that changes anything is there.
        self.bank_ready: Inbox[int] = Inbox(env)
        #: To the front end: the encoder takes the sample.
        self.accepted: Inbox[int] = Inbox(env)
        #: To each bank: a sample has departed to it.
        self.departed: list[Inbox[InFlight]] = [Inbox(env) for _ in range(work.mapping.used)]
        #: To the detector: a bank has responded.
        self.multiplied: Inbox[InFlight] = Inbox(env)
        #: To the nonlinearity: the sums of a step are captured.
        self.captured: Inbox[InFlight] = Inbox(env)
        #: To the converter: values are captured, or activated, that become numbers.
        self.converted: Inbox[InFlight] = Inbox(env)
        #: To the digital engine: all numbers are there that it goes on with.
        self.digitized: Inbox[InFlight] = Inbox(env)
        #: To the memory: a new state is there.
        self.activated: Inbox[InFlight] = Inbox(env)
        #: To the readout: a sample has left the loop.
        self.finished: Inbox[InFlight] = Inbox(env)
        #: To the switch: what is served next is chosen.
        self.chosen: Inbox[Turn] = Inbox(env)
        #: To the switch: no sample needs the bank of the access before any more.
        self.bank_left: Inbox[int] = Inbox(env)

    def plan(self) -> Iterator[tuple[Access, ...]]:
        """Yield the accesses of block 0, 1, 2, … without end."""
        return plan_blocks(self.work.order, self.work.mapping, self.work.policy)
