"""Be the clock of the simulation and the ways in which its processes hand work to each other.

This is the only file that imports SimPy. Time is whole femtoseconds.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import simpy
from simpy.events import EventPriority

from pnnsim.timing.trace import NO_CAUSE

Item = TypeVar("Item")
Wait = Generator[simpy.Event, Any, Item]

#: Priority of an event that comes behind all others of its time; SimPy's own are 0 and 1.
_AFTER_ALL = EventPriority(2)


class Clock(simpy.Environment):
    """Count time in whole femtoseconds; SimPy itself would allow floats."""

    if TYPE_CHECKING:

        @property
        def now(self) -> int:
            """Return the time [fs]."""


class Inbox(Generic[Item]):
    """Hand items from any process to the one process that waits for them, first in first out.

    A SimPy store would cost two events for each item; this costs one, and only if the taker waits.
    """

    __slots__ = ("_env", "_items", "_waiting")

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._items: deque[Item] = deque()
        self._waiting: simpy.Event | None = None

    def put(self, item: Item) -> None:
        """Leave an item; wake the taker."""
        self._items.append(item)
        if self._waiting is not None:
            self._waiting.succeed()
            self._waiting = None

    def get(self) -> Wait[Item]:
        """Take the oldest item, waiting for one if there is none."""
        if not self._items:
            self._waiting = self._env.event()
            yield self._waiting
        return self._items.popleft()


class Board:
    """Keep one row for each access until the one process that needs it comes for it."""

    __slots__ = ("_env", "_rows", "_waiting")

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._rows: dict[int, int] = {}
        self._waiting: dict[int, simpy.Event] = {}

    def post(self, access: int, row: int) -> None:
        """Leave the row of an access; wake whoever waits for it."""
        self._rows[access] = row
        if access in self._waiting:
            self._waiting.pop(access).succeed()

    def get(self, access: int) -> Wait[int]:
        """Return the row of an access, waiting for it if need be."""
        if access not in self._rows:
            self._waiting[access] = self._env.event()
            yield self._waiting[access]
        return self._rows.pop(access)


class Servers:
    """Lend a number of equal servers, first come first served."""

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
    """Let samples cross a place or one job happen there, never both.

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
        """Let nobody in any more; return, once nobody is inside, the row that made it so."""
        row = yield from self._wait()
        self._shut = True
        if self._inside:
            self._empty = self._env.event()
            row = yield self._empty
        return row

    def open(self, row: int) -> None:
        """Let everybody in at the end of the span in this row."""
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
