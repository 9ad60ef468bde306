"""The clock of the simulation and the ways in which its processes hand work to each other.

This is the only file that imports SimPy. Time is whole femtoseconds. The clock is a SimPy
environment and units are SimPy processes; in the place of its resources and stores stand

    Inbox    for Store(env), with one taker
    Board    for FilterStore(env), with rows found by the number of an access or a sample
    Servers  for Resource(env, capacity)
    Engine   for PriorityResource(env, 1), the oldest sample first among those that come at once
    Gate     for nothing that SimPy has: many samples cross, or one job closes it

They carry what theirs do not: causes. What is granted comes with the row of the span that ended
just now and set it free, so that the trace can name for each span the one that it waited for; a
request to a SimPy resource succeeds with no value. And an inbox that is not empty costs no event,
where a store schedules two for each item.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import simpy
from simpy.events import EventPriority

from pnnsim.timing.trace import NO_CAUSE

Item = TypeVar("Item")
Wait = Generator[simpy.Event, Any, Item]

#: Priority of an event that comes behind all others of its time; SimPy's own are 0 and 1.
_AFTER_ALL = EventPriority(2)


class Clock(simpy.Environment):
    """A SimPy environment whose time is whole femtoseconds; SimPy itself would allow floats."""

    if TYPE_CHECKING:

        @property
        def now(self) -> int:
            """Return the time [fs]."""

    else:
        # Processes read the time several times an event: this is SimPy's property without a frame.
        now = property(attrgetter("_now"))


class Inbox(Generic[Item]):
    """A queue of messages from any processes to the one that takes them, first in first out."""

    __slots__ = ("_env", "_items", "_waiting")

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._items: deque[Item] = deque()
        self._waiting: simpy.Event | None = None

    def put(self, item: Item) -> None:
        """Leave an item; wake the taker."""
        if self._waiting is None:
            self._items.append(item)
        else:
            self._waiting.succeed(item)
            self._waiting = None

    @property
    def first(self) -> Item | None:
        """Return the oldest item without taking it, None if there is none."""
        return self._items[0] if self._items else None

    def get(self) -> Wait[Item]:
        """Take the oldest item, waiting for one if there is none."""
        if self._items:
            return self._items.popleft()
        self._waiting = self._env.event()
        item: Item = yield self._waiting
        return item


class Board:
    """Rows by a number, of an access or a sample, each kept until a process takes it."""

    __slots__ = ("_env", "_rows", "_waiting")

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._rows: dict[int, int] = {}
        self._waiting: dict[int, simpy.Event] = {}

    def post(self, number: int, row: int) -> None:
        """Leave the row of a number; wake the process that waits for it.

        Args:
            number: Number of what the row is of.
            row: Row of its span.
        """
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            self._rows[number] = row
        else:
            waiting.succeed(row)

    def posted(self, number: int) -> int:
        """Return the row of a number without taking it, `NO_CAUSE` if it is not there."""
        return self._rows.get(number, NO_CAUSE)

    def get(self, number: int) -> Wait[int]:
        """Return the row of a number, waiting for it if need be."""
        row = self._rows.pop(number, None)
        if row is None:
            waiting = self._waiting[number] = self._env.event()
            row = yield waiting
        return row


class Servers:
    """A number of equal servers, lent first come first served."""

    __slots__ = ("_env", "_free", "_waiting")

    def __init__(self, env: Clock, count: int) -> None:
        self._env = env
        self._free = count
        self._waiting: deque[simpy.Event] = deque()

    def take(self) -> Wait[int]:
        """Take a server; return the row whose end freed it, or `NO_CAUSE` if one was free."""
        if self._free:
            self._free -= 1
            return NO_CAUSE
        event = self._env.event()
        self._waiting.append(event)
        row: int = yield event
        return row

    def give(self, row: int) -> None:
        """Give a server back at the end of the span in this row."""
        if self._waiting:
            self._waiting.popleft().succeed(row)
        else:
            self._free += 1


class _AfterAll(simpy.Event):
    """An event that comes when everything else has happened at the time at which it is made."""

    def __init__(self, env: Clock) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        env.schedule(self, priority=_AFTER_ALL)


class Engine:
    """A server that works for one sample at a time: first come first served.

    Of those that come at the same instant, the oldest sample goes first, whichever process SimPy
    happened to resume before; so a turn is given when nothing else is left to happen at that time.
    """

    __slots__ = ("_busy", "_env", "_waiting")

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._busy = False
        self._waiting: list[tuple[int, int, simpy.Event]] = []

    def take(self, sample: int) -> Wait[None]:
        """Take the server for a sample, waiting for it if need be."""
        turn = self._env.event()
        heapq.heappush(self._waiting, (self._env.now, sample, turn))
        self._choose_last()
        yield turn

    def give(self) -> None:
        """Give the server back."""
        self._busy = False
        self._choose_last()

    def _choose_last(self) -> None:
        """Choose who is next once everything else has happened at this time."""
        if self._waiting and not self._busy:
            _AfterAll(self._env).callbacks.append(self._choose)

    def _choose(self, _: simpy.Event) -> None:
        if self._waiting and not self._busy:
            self._busy = True
            heapq.heappop(self._waiting)[-1].succeed()


class Gate:
    """A place that samples cross, or at which one job happens, never both.

    A job that waits goes before samples that have not entered yet.
    """

    __slots__ = ("_empty", "_env", "_inside", "_opened", "_shut")

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._inside = 0
        self._shut = False
        self._opened: simpy.Event | None = None
        self._empty: simpy.Event | None = None

    def enter(self) -> Wait[int]:
        """Go in as soon as the gate is open; return the row that opened it, or `NO_CAUSE`."""
        row = yield from self._wait()
        self._inside += 1
        return row

    def leave(self, row: int) -> None:
        """Go out at the end of the span in this row."""
        self._inside -= 1
        if self._empty is not None and not self._inside:
            self._empty.succeed(row)
            self._empty = None

    def close(self) -> Wait[int]:
        """Let no sample in any more; return, once none is inside, the row of the last to leave."""
        row = yield from self._wait()
        self._shut = True
        if self._inside:
            self._empty = self._env.event()
            row = yield self._empty
        return row

    def open(self, row: int) -> None:
        """Let samples in at the end of the span in this row."""
        self._shut = False
        if self._opened is not None:
            self._opened.succeed(row)
            self._opened = None

    def _wait(self) -> Wait[int]:
        row = NO_CAUSE
        while self._shut:
            if self._opened is None:
                self._opened = self._env.event()
            row = yield self._opened
        return row
