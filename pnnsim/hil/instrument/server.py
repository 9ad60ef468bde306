"""Listen on a socket and let one client at a time own the instrument.

Clients may vanish, send garbage or stall: a message is executed when it is complete or not at all,
so that a write that breaks off changes no bank. One event loop serves all connections; what uses
the machine is computed beside it by one worker thread, one command at a time, and a connection is
read no further until its command is over. As the machine has one owner, no more than one command
waits for the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pnnsim.errors import BackendError
from pnnsim.hil.instrument.commands import Use, Work, execute
from pnnsim.hil.instrument.connections import Connection, Connections
from pnnsim.hil.instrument.guard import Guard, origin
from pnnsim.hil.instrument.message import TEXT_LIMIT, ForeignProtocolError, Splitter
from pnnsim.hil.instrument.session import Instrument, Session
from pnnsim.hil.instrument.status import ScpiError

#: SCPI over a raw socket (5025 by LXI and IANA).
DEFAULT_PORT = 5025

#: Wrong tokens after which a connection is closed.
_REFUSALS = 3

_READ = 65536

_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of what one client may use.

    Args:
        block: Most bytes in the blocks of one message.
        clients: Connections at once that may use the instrument, the owner's included.
        strangers: Connections at once that have not said the token.
        stall_s: Time without a byte after which an unfinished message is given up [s].
        token_s: Time within which the token must be said, pauses after wrong ones apart [s].
        idle_s: Time without a message after which a connection is closed [s].
    """

    block: int = 64 * 2**20
    clients: int = 8
    strangers: int = 8
    stall_s: float = 10.0
    token_s: float = 10.0
    idle_s: float = 3600.0


class Server:
    """Server of one instrument over TCP, for several clients.

    Args:
        instrument: What is served.
        host: Address to listen on.
        port: Port; 0 for any that is free.
        token: Secret that clients must say first; None for none.
        limits: What clients may use.

    Raises:
        BackendError: If others than this computer could connect and there is no token, or there is
            no such port.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        token: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        if token is None and not _loopback(host):
            raise BackendError(
                f"host: {host} lets other computers connect; expected a token for that. Hint: "
                "give --token, or leave the host at 127.0.0.1"
            )
        if token is not None and not (token and token.isascii() and '"' not in token):
            raise BackendError("token: expected ASCII text without double quotes")
        if not 0 <= port <= _LAST_PORT:
            raise BackendError(f"port: got {port}; expected a number from 0 to {_LAST_PORT}")
        self._instrument = instrument
        self._host, self._port, self._token = host, port, token
        self._limits = limits or Limits()
        self._connections = Connections(
            clients=self._limits.clients, strangers=self._limits.strangers
        )
        self._guard = Guard()
        self._owner: Session | None = None
        self._worker: ThreadPoolExecutor | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, ready: Callable[[int], None], *, signals: bool = False) -> None:
        """Serve until `stop` is called; then the state is kept, if there is a place for it.

        A command that is being computed at that time is finished first.

        Args:
            ready: Called with the port once clients may connect.
            signals: Whether an interrupt or a request to terminate stops the server.

        Raises:
            BackendError: If the address cannot be listened on.
            OutputError: If the state cannot be written at the end.
        """
        with ThreadPoolExecutor(1, "pnnsim-machine") as self._worker:
            asyncio.run(self._run(ready, signals=signals))
        if self._instrument.save is not None:
            self._instrument.save()

    def stop(self) -> None:
        """Let `run` end, from any thread."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)

    async def _run(self, ready: Callable[[int], None], *, signals: bool) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        if signals:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._loop.add_signal_handler(number, self._stop.set)
        try:
            server = await asyncio.start_server(self._client, self._host, self._port)
        except OSError as error:
            hint = ". Hint: --port 0 takes one that is free" * (error.errno == errno.EADDRINUSE)
            raise BackendError(
                f"cannot listen on {self._host}:{self._port}: {error.strerror or error}{hint}"
            ) from error
        ready(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Signals are still handled while the machine finishes what it computes.
        await self._loop.run_in_executor(self._worker, lambda: None)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends, whichever way."""
        task, peer = asyncio.current_task(), writer.get_extra_info("peername")
        assert task is not None, "connections are served by tasks"
        deadline = asyncio.get_running_loop().time() + self._limits.token_s
        session = Session(self._instrument, self._token)
        connection = Connection(origin(peer[0]) if peer else "", session, task, deadline)
        # A computer that lost its power says no farewell; the system finds out, in time.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            if self._connections.enter(connection):
                await self._converse(connection, reader, writer)
        except TimeoutError:
            writer.transport.abort()  # a client that does not read; what waits for it would stay
        except (OSError, asyncio.CancelledError, ForeignProtocolError):
            pass  # a client that is gone or is none, or a server that stops: nothing is left to say
        finally:
            self._connections.leave(connection)
            if self._owner is session:
                self._owner = None
            writer.close()

    async def _converse(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # Strangers need no more than their token.
        limits, session = self._limits, connection.session
        splitter = Splitter(limits.block if session.known else TEXT_LIMIT)
        carry = partial(self._carry, connection)
        while (patience := self._patience(connection, splitter)) > 0.0:
            try:
                async with asyncio.timeout(patience):
                    data = await reader.read(_READ)
            except TimeoutError:
                if not splitter.pending:
                    return
                self._give_up(session, splitter)
                continue
            if not data:
                return
            for message in splitter.feed(data):
                self._claim(session)
                reply = await execute(session, message, carry)
                if session.refusals >= _REFUSALS or not self._still_welcome(connection):
                    return
                splitter.limit = limits.block if session.known else TEXT_LIMIT
                if reply:
                    writer.write(reply)
                    async with asyncio.timeout(limits.stall_s):
                        await writer.drain()
                await asyncio.sleep(0)  # many short messages let the others' pass

    def _patience(self, connection: Connection, splitter: Splitter) -> float:
        """Return how long the next bytes of a connection may take [s]."""
        limits = self._limits
        # Whoever may use the instrument may think for long; others would only take up room.
        patience = limits.stall_s if splitter.pending else limits.idle_s
        if connection.session.known:
            return patience
        return min(patience, connection.deadline - asyncio.get_running_loop().time())

    def _give_up(self, session: Session, splitter: Splitter) -> None:
        """Report that a message broke off, and expect the next."""
        splitter.reset()
        session.status.report(ScpiError(-161, "a message broke off"))

    def _still_welcome(self, connection: Connection) -> bool:
        """Return whether a connection may stay: one with a valid token needs a place."""
        return not connection.session.known or self._connections.admit(connection)

    async def _carry(self, connection: Connection, use: Use, work: Work) -> bytes | None:
        """Carry out a command: at once, after a pause, or beside the event loop."""
        loop = asyncio.get_running_loop()
        if use is Use.MACHINE:
            return await loop.run_in_executor(self._worker, work)
        if use is Use.STATUS or connection.session.known:
            return work()
        begin = loop.time()
        async with self._guard.turn(connection.origin):
            connection.deadline += loop.time() - begin
            return work()

    def _claim(self, session: Session) -> None:
        """Let the first client that may use the instrument own it until it leaves."""
        if self._owner is None and session.known:
            self._owner = session
        session.owner = self._owner is session


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
