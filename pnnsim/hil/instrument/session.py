"""Execute the commands of one client of the instrument.

Every method executes one command of `pnnsim.hil.instrument.commands` and gets its arguments, whose
number has been checked. Neither sockets nor the spelling of commands are known here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from pnnsim.hil.backend import HardwareBackend
from pnnsim.hil.cost_report import CostReport
from pnnsim.hil.instrument.message import Argument, block
from pnnsim.hil.instrument.status import ScpiError, Status

SCPI_VERSION = "1999.0"

#: Longest block in a response [bytes]; the client of `pnnsim.hil.remote` reads no longer one.
REPLY_LIMIT = 2**28

#: Most work of one message, in products of two numbers: some ten seconds of one processor core
#: (262,144 passes of a sample through a step of 8 lines took 11 s). One bank may always be
#: measured, and one sample passed.
WORK_LIMIT = 2**34

#: Products in whose time one pass of a sample through one step is simulated, apart from its own.
_PASS = 2**16

#: Type of one number in a block by its bits; little endian.
FORMATS = {32: "<f4", 64: "<f8"}


class Instrument:
    """Machine and costs that all clients of an instrument share.

    Args:
        backend: Machine.
        save: Keeps the machine's state; None where there is no place for it.
    """

    def __init__(self, backend: HardwareBackend, save: Callable[[], None] | None = None) -> None:
        self.backend = backend
        self.save = save
        self.description = backend.describe()
        self.version = version("pnnsim")
        self.total = CostReport()
        self.last = CostReport()

    def charge(self, cost: CostReport) -> None:
        """Keep the cost of a call."""
        self.last = cost
        self.total = self.total + cost


class Session:
    """Session of one client: its messages in, replies and errors out.

    Args:
        instrument: What it uses.
        token: Secret that has to come first; None for none.
    """

    def __init__(self, instrument: Instrument, token: str | None = None) -> None:
        self.instrument = instrument
        self.status = Status()
        self.owner = True
        self.known = token is None
        self.refusals = 0
        self._token = token
        self._bits = 64
        self._work = 0

    def allowed(self, header: str) -> None:
        """Refuse what only the owner may do.

        Raises:
            ScpiError: If the client has not said the token, or another owns the instrument.
        """
        if not self.known:
            raise ScpiError(-203, f"{header}: SYSTem:TOKen comes first")
        if not self.owner:
            raise ScpiError(-221, f"{header}: another client owns the instrument")

    def begin_message(self) -> None:
        """Start to count the work of a message."""
        self._work = 0

    def _claim_work(self, header: str, passes: int) -> None:
        """Refuse what would keep the machine busy for too long.

        Args:
            header: Command.
            passes: Passes of one sample through one step.
        """
        network = self.instrument.description.network
        each = network.hidden**2 + _PASS
        self._work += passes * each
        if self._work > max(WORK_LIMIT, network.hidden * each, 2 * network.steps * each):
            raise ScpiError(
                -223,
                f"{header}: {passes} passes through a step are too much work for one message; "
                "send fewer samples at a time",
            )

    # common commands

    def identify(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `*IDN?`."""
        about = self.instrument.description
        return _text(f"pnnsim,{about.machine},{about.serial},{self.instrument.version}")

    def reset(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `*RST`: what is fast goes back; banks keep what they hold."""
        network = self.instrument.description.network
        self._bits = 64
        self.instrument.backend.electronics(
            torch.ones(network.weight_sets, dtype=torch.float64),
            torch.zeros((network.weight_sets, network.hidden), dtype=torch.float64),
        )

    def clear(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `*CLS`."""
        self.status.clear()

    def events(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `*ESR?`."""
        return _text(self.status.take_events())

    def set_event_mask(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `*ESE`."""
        self.status.event_mask = _integer(arguments[0], 0, 255)

    def event_mask(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `*ESE?`."""
        return _text(self.status.event_mask)

    def set_service_mask(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `*SRE`."""
        self.status.service_mask = _integer(arguments[0], 0, 255)

    def service_mask(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `*SRE?`."""
        return _text(self.status.service_mask)

    def status_byte(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `*STB?`."""
        return _text(self.status.byte())

    def complete(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `*OPC`: every command is over before the next is read."""
        self.status.complete()

    def one(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `*OPC?`."""
        return b"1"

    def passed(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `*TST?`."""
        return b"0"

    def wait(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `*WAI`: there is nothing to wait for."""

    # system

    def next_error(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `SYSTem:ERRor?`."""
        return _text(self.status.next_error())

    def error_count(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `SYSTem:ERRor:COUNt?`."""
        return _text(self.status.errors())

    def scpi_version(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `SYSTem:VERSion?`."""
        return _text(SCPI_VERSION)

    def give_token(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `SYSTem:TOKen`."""
        given = arguments[0]
        if not isinstance(given, str):
            raise ScpiError(-104, "SYSTem:TOKen: expected a text in quotes")
        if self._token is None:
            return
        # Of digests, so that neither content nor length shows in the time that it takes.
        if not hmac.compare_digest(_digest(given), _digest(self._token)):
            self.refusals += 1
            raise ScpiError(-203, "SYSTem:TOKen: not the token of this instrument")
        self.known = True

    def describe(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `SYSTem:DESCribe?`."""
        data = json.dumps(self.instrument.description.to_data(), sort_keys=True)
        return block(data.encode("ascii"))

    # data

    def set_format(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `FORMat`."""
        if arguments[0] != "REAL":
            raise ScpiError(-104, "FORMat: expected REAL")
        bits = _integer(arguments[1], 32, 64)
        if bits not in FORMATS:
            raise ScpiError(-222, f"FORMat: got REAL,{bits}; expected 32 or 64")
        self._bits = bits

    def format(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `FORMat?`."""
        return _text(f"REAL,{self._bits}")

    def border(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `FORMat:BORDer?`."""
        return b"SWAP"

    # machine

    def write(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `BANK:WEIGht`."""
        network = self.instrument.description.network
        number = _integer(arguments[0], 0, network.weight_sets - 1)
        weight = self._numbers(arguments[1], network.hidden, network.hidden)
        self._claim_work("BANK:WEIGht", network.hidden)
        self.instrument.charge(self.instrument.backend.write(number, weight))

    def measure(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `BANK:MEASure?`."""
        network = self.instrument.description.network
        number = _integer(arguments[0], 0, network.weight_sets - 1)
        self._claim_work("BANK:MEASure?", network.hidden)
        weight, cost = self.instrument.backend.readback(number)
        self.instrument.charge(cost)
        return self._block(weight)

    def electronics(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `ELECtronics`."""
        network = self.instrument.description.network
        gain = self._numbers(arguments[0], network.weight_sets)
        bias = self._numbers(arguments[1], network.weight_sets, network.hidden)
        self.instrument.backend.electronics(gain, bias)

    def forward(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `LOOP:FORWard?`."""
        states = bool(_integer(arguments[0], 0, 1))
        network = self.instrument.description.network
        drive = self._numbers(arguments[1], -1, network.hidden)
        reply = (
            drive.numel() * (1 + network.steps * states) * np.dtype(FORMATS[self._bits]).itemsize
        )
        if reply > REPLY_LIMIT:
            raise ScpiError(
                -223, f"LOOP:FORWard?: a response of {reply} bytes; at most {REPLY_LIMIT}"
            )
        # Where states are read on the way, the pass without them is timed as well.
        self._claim_work("LOOP:FORWard?", len(drive) * network.steps * (1 + states))
        found = self.instrument.backend.forward(drive, states=states)
        self.instrument.charge(found.cost)
        if found.states is None:
            return self._block(found.result)
        return self._block(torch.cat([found.result.unsqueeze(0), found.states]))

    def step(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `LOOP:STEP?`."""
        network = self.instrument.description.network
        number = _integer(arguments[0], 0, network.weight_sets - 1)
        state = self._numbers(arguments[1], -1, network.hidden)
        drive = None
        if len(arguments) > 2:
            drive = self._numbers(arguments[2], len(state), network.hidden)
        self._claim_work("LOOP:STEP?", len(state))
        found = self.instrument.backend.step(number, state, drive)
        self.instrument.charge(found.cost)
        return self._block(found.result)

    def pause(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `LOOP:WAIT`."""
        time = arguments[0]
        if not isinstance(time, float) or not math.isfinite(time):
            raise ScpiError(-104, "LOOP:WAIT: expected a time in seconds")
        updates = _integer(arguments[1], 0, 10**9) if len(arguments) > 1 else 0
        self.instrument.charge(self.instrument.backend.wait(time, updates=updates))

    def last_cost(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `COST?`."""
        return _cost(self.instrument.last)

    def total_cost(self, arguments: tuple[Argument, ...]) -> bytes:
        """Reply to `COST:TOTal?`."""
        return _cost(self.instrument.total)

    def save_state(self, arguments: tuple[Argument, ...]) -> None:
        """Execute `STATe:SAVE`."""
        if self.instrument.save is None:
            raise ScpiError(-221, "STATe:SAVE: the instrument was started without a state file")
        self.instrument.save()

    def _numbers(self, argument: Argument, *shape: int) -> Tensor:
        """Return a block as float64 numbers of a shape; -1 stands for any length from 1."""
        if not isinstance(argument, bytes):
            raise ScpiError(-104, "expected a block")
        kind = np.dtype(FORMATS[self._bits])
        each = math.prod(length for length in shape if length != -1)
        count, rest = divmod(len(argument), kind.itemsize)
        fits = not rest and (count == each if -1 not in shape else count and not count % each)
        if not fits:
            raise ScpiError(
                -161,
                f"got {len(argument)} bytes of REAL,{self._bits}; expected "
                f"{'a multiple of ' if -1 in shape else ''}{each * kind.itemsize}",
            )
        values = np.frombuffer(argument, dtype=kind).astype(np.float64)
        if not np.isfinite(values).all():
            raise ScpiError(-222, "a block holds values that are not finite")
        return torch.from_numpy(values).reshape(shape)

    def _block(self, values: Tensor) -> bytes:
        return block(values.numpy().astype(FORMATS[self._bits]).tobytes())


def _integer(argument: Argument, least: int, most: int) -> int:
    if not isinstance(argument, float):
        raise ScpiError(-104, "expected a whole number")
    if not math.isfinite(argument) or argument != int(argument) or not least <= argument <= most:
        raise ScpiError(-222, f"got {argument:g}; expected a whole number from {least} to {most}")
    return int(argument)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _text(value: object) -> bytes:
    return str(value).encode("ascii", "replace")


def _cost(cost: CostReport) -> bytes:
    """Return a cost in decimal digits that give back the same numbers."""
    return ",".join(repr(number) for number in cost.numbers()).encode("ascii")
