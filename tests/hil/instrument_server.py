"""Run the instrument on the loopback in a thread, and talk to it by hand."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from pnnsim.hil.instrument.message import block
from pnnsim.hil.instrument.server import Limits, Server
from pnnsim.hil.instrument.session import Instrument
from pnnsim.hil.simulated import SimulatedBackend
from tests.hil.hil_machines import NETWORK, spec, written

#: Seconds after which a test that hangs fails.
PATIENCE = 30.0

HOST = "127.0.0.1"


def machine(seed: int = 7) -> SimulatedBackend:
    return written(SimulatedBackend(spec(), NETWORK, seed=seed))


def doubles(values: torch.Tensor) -> bytes:
    return block(values.numpy().astype("<f8").tobytes())


def condition(backend: SimulatedBackend) -> list[object]:
    """Return all of a machine's state that a command could change, as plain values."""
    now = backend.condition
    banks = [
        (bank.number, bank.began_fs, None if bank.weight is None else bank.weight.tolist())
        for bank in now.banks
    ]
    return [banks, now.gain.tolist(), now.bias.tolist(), now.clock_fs, now.writes]


class Watched(Server):
    """Server that tells a test what has happened, so that the test need not guess the time."""

    def __init__(self, instrument: Instrument, **options: Any) -> None:
        super().__init__(instrument, **options)
        self.ended = threading.Semaphore(0)
        self.gave_up = threading.Semaphore(0)
        self.port = 0

    def limit(self, **limits: float) -> None:
        """Change the limits of connections that come from now on."""
        self._limits = replace(self._limits, **limits)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await super()._client(reader, writer)
        finally:
            self.ended.release()

    def _give_up(self, *about: Any) -> None:
        super()._give_up(*about)
        self.gave_up.release()


def happens(what: threading.Semaphore, times: int = 1) -> None:
    """Wait until something has happened; a test that hangs fails."""
    for _ in range(times):
        assert what.acquire(timeout=PATIENCE)


@contextmanager
def watching(
    instrument: Instrument, *, token: str | None = None, limits: Limits | None = None
) -> Iterator[Watched]:
    """Yield a server, which is stopped at the end."""
    server = Watched(instrument, host=HOST, port=0, token=token, limits=limits)
    there = threading.Event()

    def ready(port: int) -> None:
        server.port = port
        there.set()

    thread = threading.Thread(target=server.run, args=(ready,))
    thread.start()
    try:
        assert there.wait(PATIENCE)
        yield server
    finally:
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def serving(
    instrument: Instrument, *, token: str | None = None, limits: Limits | None = None
) -> Iterator[int]:
    """Yield the port of a server, which is stopped at the end."""
    with watching(instrument, token=token, limits=limits) as server:
        yield server.port


class Client:
    """Be a client that knows sockets and nothing else."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *of: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        return self.file.readline().removesuffix(b"\n")

    def ask(self, data: bytes) -> bytes:
        self.send(data + b"\n")
        return self.line()

    def error(self) -> int:
        return int(self.ask(b"SYST:ERR?").split(b",")[0])

    def vanish(self) -> None:
        """Close as a computer that crashes: a reset, no farewell."""
        option = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
        self.file.close()
        self.socket.close()
