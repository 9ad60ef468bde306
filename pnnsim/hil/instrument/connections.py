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
class Connection:
    """One connection.

    Args:
        origin: Where it comes from.
        session: Its commands.
        task: Task that serves it.
        deadline: Time by which the token must have come, on the clock of the event loop [s].
    """

    origin: str
    session: Session
    task: asyncio.Task[None]
    deadline: float


class Connections:
    """All connections of a server.

    Args:
        clients: Most connections that may use the instrument.
        strangers: Most connections without a valid token yet.
    """

    def __init__(self, *, clients: int, strangers: int) -> None:
        self._most_clients, self._most_strangers = clients, strangers
        self._clients: list[Connection] = []
        self._strangers: list[Connection] = []

    def enter(self, connection: Connection) -> bool:
        """Return whether there is a place; a stranger may take that of another, which is ended."""
        if connection.session.known:
            return self._place(connection)
        if len(self._strangers) >= self._most_strangers:
            last = self._last()
            self._strangers.remove(last)
            last.task.cancel()
        self._strangers.append(connection)
        return True

    def admit(self, connection: Connection) -> bool:
        """Return whether there is a place for a connection with a valid token, or it has one."""
        if connection in self._clients:
            return True
        self.leave(connection)
        return self._place(connection)

    def leave(self, connection: Connection) -> None:
        """Free the place of a connection that has ended."""
        for places in (self._clients, self._strangers):
            if connection in places:
                places.remove(connection)

    def _place(self, connection: Connection) -> bool:
        if len(self._clients) >= self._most_clients:
            return False
        self._clients.append(connection)
        return True

    def _last(self) -> Connection:
        """Return the stranger to end: of the commonest address, most wrong tokens, oldest."""
        strangers = Counter(stranger.origin for stranger in self._strangers)
        return max(
            self._strangers,
            key=lambda stranger: (strangers[stranger.origin], stranger.session.refusals),
        )
