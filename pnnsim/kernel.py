"""Be the clock of the simulation and the ways in which its processes hand work to each other.

This is the only file that imports SimPy. Time is whole femtoseconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import simpy

Item = TypeVar("Item")
Wait = Generator[simpy.Event, Any, Item]


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
    """Keep one row for each visit until the one process that needs it comes for it."""

    __slots__ = ("_env", "_rows", "_waiting")

    def __init__(self, env: Clock) -> None:
        self._env = env
        self._rows: dict[int, int] = {}
        self._waiting: dict[int, simpy.Event] = {}

    def post(self, visit: int, row: int) -> None:
        """Leave the row of a visit; wake whoever waits for it."""
        self._rows[visit] = row
        if visit in self._waiting:
            self._waiting.pop(visit).succeed()

    def get(self, visit: int) -> Wait[int]:
        """Return the row of a visit, waiting for it if need be."""
        if visit not in self._rows:
            self._waiting[visit] = self._env.event()
            yield self._waiting[visit]
        return self._rows.pop(visit)
