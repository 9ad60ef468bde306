"""Connections of the instrument, with or without a valid token.

Those without have a few places; when these are full, a new one replaces an old one, so that a
client without the token cannot lock others out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from pnnsim.hil.instrument.session import Session


@dataclass(slots=True, eq=False)
class Visitor:
    """One connection.

    Args:
        origin: Where it comes from.
        session: What it asks.
        task: Serves it.
        deadline: Time by which it must have said the token, on the clock of the event loop [s].
    """

    origin: str
    session: Session
    task: asyncio.Task[None]
    deadline: float


class Crowd:
    """All connections of a server.

    Args:
        clients: Most connections that may use the instrument.
        strangers: Most connections that have not said the token.
    """

    def __init__(self, *, clients: int, strangers: int) -> None:
        self._most_clients, self._most_strangers = clients, strangers
        self._clients: list[Visitor] = []
        self._strangers: list[Visitor] = []

    def enter(self, visitor: Visitor) -> bool:
        """Return whether there is a place; a stranger may take that of another, which is ended."""
        if visitor.session.known:
            return self._place(visitor)
        if len(self._strangers) >= self._most_strangers:
            last = self._last()
            self._strangers.remove(last)
            last.task.cancel()
        self._strangers.append(visitor)
        return True

    def admit(self, visitor: Visitor) -> bool:
        """Return whether there is a place for who has said the token, or has one already."""
        if visitor in self._clients:
            return True
        self.leave(visitor)
        return self._place(visitor)

    def leave(self, visitor: Visitor) -> None:
        """Free the place of a connection that has ended."""
        for places in (self._clients, self._strangers):
            if visitor in places:
                places.remove(visitor)

    def _place(self, visitor: Visitor) -> bool:
        if len(self._clients) >= self._most_clients:
            return False
        self._clients.append(visitor)
        return True

    def _last(self) -> Visitor:
        """Return who gives way: of the address with most strangers, most wrong tokens, oldest."""
        crowds = Counter(stranger.origin for stranger in self._strangers)
        return max(
            self._strangers,
            key=lambda stranger: (crowds[stranger.origin], stranger.session.refusals),
        )
