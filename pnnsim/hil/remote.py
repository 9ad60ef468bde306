"""Use a machine behind a socket or a VISA resource, by the commands of the instrument.

The link carries bytes, the backend has the commands; any controller with these commands will do.
"""

from __future__ import annotations

import json
import math
import socket
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from pnnsim.errors import BackendError
from pnnsim.hil.backend import Description, Measured
from pnnsim.hil.cost_report import CostReport

#: Longest response in text; a longer one is none of this instrument.
_LINE = 65536

#: Longest response in numbers [bytes].
_BLOCK = 2**28

#: Seconds that a response may take: the machine may be simulated on a slow computer.
_PATIENCE = 120.0


class Link(Protocol):
    """Connection that carries bytes to an instrument and back."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def read(self, count: int) -> bytes:
        """Return the next bytes, exactly so many."""
        ...

    def close(self) -> None:
        """Let the instrument go."""
        ...


class SocketLink:
    """Plain TCP connection.

    It closes where it fails: a late response must not be taken for that of the next query.

    Args:
        host: Address of the instrument.
        port: Its port.
        patience: Time that a response may take [s].

    Raises:
        BackendError: If nothing listens there.
    """

    def __init__(self, host: str, port: int, *, patience: float = _PATIENCE) -> None:
        self._where = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=patience)
        except OSError as error:
            raise BackendError(f"{self._where}: cannot connect: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            self.close()
            raise BackendError(f"{self._where}: cannot send: {error}") from error

    def read(self, count: int) -> bytes:
        """Return the next bytes, exactly so many."""
        while len(self._buffer) < count:
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                self.close()
                raise BackendError(f"{self._where}: no response: {error}") from error
            if not data:
                raise BackendError(f"{self._where}: the instrument has closed the connection")
            self._buffer += data
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


class VisaLink:
    """VISA resource, such as `TCPIP::192.168.0.7::5025::SOCKET`; needs PyVISA.

    Args:
        resource: Its name.
        library: VISA library; `@py` is PyVISA-py, which needs nothing else installed.
        patience: Time that a response may take [s].

    Raises:
        BackendError: If PyVISA is missing, or the resource cannot be opened.
    """

    def __init__(self, resource: str, *, library: str = "@py", patience: float = _PATIENCE) -> None:
        try:
            import pyvisa
        except ImportError as error:
            raise BackendError(
                f"{resource}: PyVISA is not installed. Hint: pip install 'pnnsim[lab]'"
            ) from error
        self._where = resource
        self._errors = (pyvisa.Error, OSError)
        try:
            self._manager = pyvisa.ResourceManager(library)
            opened: Any = self._manager.open_resource(resource)
        except (*self._errors, ValueError) as error:
            raise BackendError(f"{resource}: cannot open: {error}") from error
        # Blocks may hold line feeds, so the end of a response follows from its beginning alone.
        opened.read_termination = None
        opened.write_termination = ""
        opened.timeout = 1e3 * patience
        self._resource = opened

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._resource.write_raw(data)
        except self._errors as error:
            self.close()
            raise BackendError(f"{self._where}: cannot send: {error}") from error

    def read(self, count: int) -> bytes:
        """Return the next bytes, exactly so many."""
        try:
            return bytes(self._resource.read_bytes(count, break_on_termchar=False))
        except self._errors as error:
            self.close()
            raise BackendError(f"{self._where}: no response: {error}") from error

    def close(self) -> None:
        """Close the resource and the library's session."""
        self._resource.close()
        self._manager.close()


class RemoteBackend:
    """Machine behind a link, used as a context, or closed.

    Args:
        link: Way to the instrument.
        token: Secret that it expects; None for none.

    Raises:
        BackendError: If the instrument has other commands or refuses the token.
    """

    def __init__(self, link: Link, *, token: str | None = None) -> None:
        self._link = link
        try:
            if token is not None:
                self._command(b'SYST:TOK "' + token.encode("ascii", "replace") + b'"')
            self._command(b"FORM REAL,64")
            self._description = Description.from_data(json.loads(self._block(b"SYST:DESC?")))
        except ValueError as error:
            link.close()
            raise BackendError(f"SYST:DESC?: not a description: {error}") from error
        except BackendError:
            link.close()
            raise

    def __enter__(self) -> RemoteBackend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the instrument go, so that others can own it."""
        self._link.close()

    def describe(self) -> Description:
        """Return what the machine is."""
        return self._description

    def write(self, weight_set: int, weight: Tensor) -> CostReport:
        """Program one weight set; see `HardwareBackend`."""
        self._command(b"BANK:WEIG %d," % weight_set + _block(weight))
        return self._cost()

    def electronics(self, gain: Tensor, bias: Tensor) -> None:
        """Set gains and biases; see `HardwareBackend`."""
        self._command(b"ELEC " + _block(gain) + b"," + _block(bias))

    def forward(self, drive: Tensor, *, states: bool = False) -> Measured:
        """Carry samples through all steps; see `HardwareBackend`."""
        network = self._description.network
        found = self._numbers(
            b"LOOP:FORW? %d," % states + _block(drive),
            (1 + network.steps * states, len(drive), network.hidden),
        )
        return Measured(found[0], found[1:] if states else None, self._cost())

    def step(self, weight_set: int, state: Tensor, drive: Tensor | None = None) -> Measured:
        """Carry samples through one weight set; see `HardwareBackend`."""
        message = b"LOOP:STEP? %d," % weight_set + _block(state)
        if drive is not None:
            message += b"," + _block(drive)
        found = self._numbers(message, (len(state), self._description.network.hidden))
        return Measured(found, None, self._cost())

    def readback(self, weight_set: int) -> tuple[Tensor, CostReport]:
        """Measure weights; see `HardwareBackend`."""
        hidden = self._description.network.hidden
        return self._numbers(b"BANK:MEAS? %d" % weight_set, (hidden, hidden)), self._cost()

    def wait(self, time_s: float, *, updates: int = 0) -> CostReport:
        """Send how much time passes; see `HardwareBackend`."""
        self._command(f"LOOP:WAIT {time_s!r},{updates}".encode("ascii"))
        return self._cost()

    def _command(self, message: bytes) -> None:
        """Send a command and check that it was executed."""
        self._link.write(message + b"\nSYST:ERR?\n")
        self._judge(message, self._line())

    def _judge(self, message: bytes, reply: str) -> None:
        number, _, text = reply.partition(",")
        if number != "0":
            header = message.split(b" ", 1)[0].decode("ascii")
            raise BackendError(f"{header}: the instrument reports {number}: {text.strip(chr(34))}")

    def _query(self, message: bytes) -> bytes:
        """Send a query and return the first byte of the response, or what is wrong with it.

        The error is queried only where there is no response: an instrument sends none then, so a
        query that always has one follows.
        """
        self._link.write(message + b"\n*OPC?\n")
        first = self._link.read(1)
        if first == b"1":
            # The mark itself: the query had no reply.
            self._link.read(1)
            self._link.write(b"SYST:ERR?\n")
            self._judge(message, self._line())
            raise self._nonsense(message, "the instrument sent no response")
        return first

    def _block(self, message: bytes) -> bytes:
        """Return the block that a query gives."""
        first = self._query(message)
        digits = self._link.read(1) if first == b"#" else b""
        if not digits.isdigit() or digits == b"0":
            raise self._nonsense(message, "the response is not a block")
        length = self._link.read(int(digits))
        if not length.isdigit() or int(length) > _BLOCK:
            raise self._nonsense(message, f"got a block of the length {length!r}")
        data = self._link.read(int(length))
        if self._link.read(3) != b"\n1\n":
            raise self._nonsense(message, "the response is longer than a block")
        return data

    def _numbers(self, message: bytes, shape: tuple[int, ...]) -> Tensor:
        data, size = self._block(message), 8 * math.prod(shape)
        if len(data) != size:
            raise self._nonsense(message, f"got {len(data)} bytes of REAL,64; expected {size}")
        values = np.frombuffer(data, dtype="<f8").astype(np.float64)
        return torch.from_numpy(values).reshape(shape)

    def _nonsense(self, message: bytes, what: str) -> BackendError:
        """Return what is wrong with a response; no query follows, as they are out of step."""
        self._link.close()
        return BackendError(f"{message[:20]!r}: {what}")

    def _cost(self) -> CostReport:
        """Return what the last call took."""
        self._link.write(b"COST?\n")
        text = self._line()
        try:
            numbers = tuple(float(part) for part in text.split(","))
            return CostReport.from_numbers(numbers)
        except ValueError as error:
            raise BackendError(f"COST?: got {text[:80]!r}; expected 12 numbers") from error

    def _line(self) -> str:
        """Return one line of text."""
        found = bytearray()
        while len(found) < _LINE:
            byte = self._link.read(1)
            if byte == b"\n":
                return found.decode("ascii", "replace")
            found += byte
        raise BackendError("the response of the instrument has no end")


def _block(values: Tensor) -> bytes:
    """Return numbers as a definite block of little-endian doubles (IEEE 488.2)."""
    data = values.detach().to(torch.float64).numpy().astype("<f8").tobytes()
    length = str(len(data)).encode("ascii")
    return b"#" + str(len(length)).encode("ascii") + length + data
