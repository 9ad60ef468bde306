"""Slow down guesses of the token.

Tokens are judged one after the other, with pauses that grow with the wrong ones: over more
connections, or from more addresses, tokens are not guessed faster.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pnnsim.hil.instrument.status import ScpiError

#: Time without a guess after which earlier ones no longer count [s].
_FORGET_S = 600.0

#: Addresses whose guesses are counted apart; of more, the one with the oldest guess is dropped.
_PEERS = 1024


@dataclass(frozen=True, slots=True)
class Pace:
    """Pause after each wrong token, which doubles from one to the next.

    Args:
        first_s: After the first [s].
        most_s: Longest [s].
    """

    first_s: float
    most_s: float

    def pause(self, failures: int) -> float:
        """Return the pause after some wrong tokens in a row [s]."""
        return min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 64))


#: Of one address.
PEER = Pace(0.1, 2.0)

#: Of all addresses together; short, as it delays clients with the right token, too.
OVERALL = Pace(0.01, 0.5)


@dataclass(slots=True)
class _Queue:
    """Connections whose tokens are judged one after the other."""

    pace: Pace
    failures: int = 0
    next_s: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def fail(self, now: float) -> None:
        """Count a wrong token."""
        if now > self.next_s + _FORGET_S:
            self.failures = 0
        self.failures += 1
        self.next_s = now + self.pace.pause(self.failures)


class Guard:
    """Order in which tokens are judged, on the clock of the event loop."""

    def __init__(self) -> None:
        self._peers: OrderedDict[str, _Queue] = OrderedDict()
        self._overall = _Queue(OVERALL)

    @asynccontextmanager
    async def turn(self, origin: str) -> AsyncIterator[None]:
        """Wait until a token may be judged within the context; an error in there is a wrong one.

        Args:
            origin: Where the token comes from.
        """
        queues = self._peer(origin), self._overall
        async with queues[0].turn:
            await _until(queues[0].next_s)
            async with queues[1].turn:
                await _until(queues[1].next_s)
                try:
                    yield
                except ScpiError:
                    for queue in queues:
                        queue.fail(_now())
                    raise

    def _peer(self, origin: str) -> _Queue:
        queue = self._peers.setdefault(origin, _Queue(PEER))
        self._peers.move_to_end(origin)
        if len(self._peers) > _PEERS:
            self._peers.popitem(last=False)
        return queue


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _until(time_s: float) -> None:
    if time_s > _now():
        await asyncio.sleep(time_s - _now())


def origin(address: str) -> str:
    """Return what one computer can hardly change of its address: of IPv6 the first 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), 64), strict=False))
