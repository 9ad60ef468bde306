"""Run the instrument on the loopback in a thread, and talk to it by hand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pnnsim.hil.instrument.server import Limits, Server
from pnnsim.hil.instrument.session import Instrument
from pnnsim.hil.simulated import SimulatedBackend
from tests.hil.hil_machines import NETWORK, spec, written

#: Seconds after which a test that hangs fails.
PATIENCE = 30.0

HOST = "127.0.0.1"


def machine(seed: int = 7) -> SimulatedBackend:
    return written(SimulatedBackend(spec(), NETWORK, seed=seed))


@contextmanager
def serving(
    instrument: Instrument, *, token: str | None = None, limits: Limits | None = None
) -> Iterator[int]:
    """Yield the port of a server, which is stopped at the end."""
    server = Server(instrument, host=HOST, port=0, token=token, limits=limits)
    ports: list[int] = []
    there = threading.Event()

    def ready(port: int) -> None:
        ports.append(port)
        there.set()

    thread = threading.Thread(target=server.run, args=(ready,))
    thread.start()
    try:
        assert there.wait(PATIENCE)
        yield ports[0]
    finally:
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


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
