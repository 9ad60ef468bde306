"""Commands of the instrument, and the execution of messages.

The list is literal: the documentation's table has the same entries. What a command does to the
machine is in `pnnsim.hil.instrument.session`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from itertools import product

from pnnsim.errors import OutputError, PnnsimError
from pnnsim.hil.instrument.message import Argument, Command, parse
from pnnsim.hil.instrument.session import Session
from pnnsim.hil.instrument.status import ScpiError


class Use(Enum):
    """What a command uses, and with that which client may give it."""

    #: The client's own status: any client, at any time.
    STATUS = "status"
    #: The token: any client, but slowly.
    TOKEN = "token"
    #: The machine: the client that owns the instrument, for as long as it takes.
    MACHINE = "machine"


Work = Callable[[], bytes | None]

#: Does the work of one command where and when its use allows.
Carrier = Callable[[Use, Work], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Entry:
    """Description of one command.

    Args:
        header: Capitals are the short form; what stands in brackets may be left out.
        arguments: Their names and kinds, as the documentation shows them.
        reply: What is sent back; empty for a command without a reply.
        meaning: What it does, in one sentence.
        execute: Method of `Session`.
        use: What it uses.
    """

    header: str
    arguments: tuple[str, ...]
    reply: str
    meaning: str
    execute: Callable[[Session, tuple[Argument, ...]], bytes | None]
    use: Use = Use.MACHINE


async def execute(session: Session, message: bytes | ScpiError, carry: Carrier) -> bytes:
    """Execute a message and return what is to be sent back, with its line feed; or nothing.

    After an error the rest of the message is not executed.

    Args:
        session: Client that has sent it.
        message: Message without its line feed, or what is wrong with it.
        carry: Carries out one command after the other.
    """
    replies = []
    session.begin_message()
    try:
        if isinstance(message, ScpiError):
            raise message
        for command in parse(message):
            entry = _entry(session, command)
            reply = await carry(entry.use, partial(entry.execute, session, command.arguments))
            if reply is not None:
                replies.append(reply)
    except ScpiError as error:
        session.status.report(error)
    except OutputError as error:
        session.status.report(ScpiError(-310, str(error)))
    except PnnsimError as error:
        session.status.report(ScpiError(-222, str(error)))
    return b";".join(replies) + b"\n" if replies else b""


def _entry(session: Session, command: Command) -> Entry:
    """Return the entry of a command that this client may give, with as many arguments."""
    entry = _table().get(command.header)
    if entry is None:
        today = _renamed().get(command.header)
        raise ScpiError(-113, f"{command.header}: is {today} now" if today else command.header)
    if entry.use is Use.MACHINE:
        session.allowed(command.header)
    least = sum(not name.startswith("[") for name in entry.arguments)
    if len(command.arguments) < least:
        raise ScpiError(-109, f"{entry.header}: expected {', '.join(entry.arguments)}")
    if len(command.arguments) > len(entry.arguments):
        raise ScpiError(-108, f"{entry.header}: got {len(command.arguments)} arguments")
    return entry


_SET, _BLOCK = "<set>", "<block>"

#: Every command, in the order of the documentation.
COMMANDS: tuple[Entry, ...] = (
    Entry(
        "*IDN?", (), "text", "maker, machine, serial number, version", Session.identify, Use.STATUS
    ),
    Entry("*RST", (), "", "REAL,64, gains 1, biases 0; banks keep their weights", Session.reset),
    Entry("*CLS", (), "", "clear errors and events", Session.clear, Use.STATUS),
    Entry("*ESR?", (), "integer", "event register, cleared by reading", Session.events, Use.STATUS),
    Entry(
        "*ESE",
        ("<mask>",),
        "",
        "events that show in the status byte",
        Session.set_event_mask,
        Use.STATUS,
    ),
    Entry("*ESE?", (), "integer", "that mask", Session.event_mask, Use.STATUS),
    Entry(
        "*SRE",
        ("<mask>",),
        "",
        "status bits that request service",
        Session.set_service_mask,
        Use.STATUS,
    ),
    Entry("*SRE?", (), "integer", "that mask", Session.service_mask, Use.STATUS),
    Entry("*STB?", (), "integer", "status byte", Session.status_byte, Use.STATUS),
    Entry("*OPC", (), "", "set the event of completion", Session.complete, Use.STATUS),
    Entry("*OPC?", (), "1", "1 when all before it is done", Session.one, Use.STATUS),
    Entry("*TST?", (), "0", "0, for passed", Session.passed, Use.STATUS),
    Entry("*WAI", (), "", "nothing: commands never overlap", Session.wait, Use.STATUS),
    Entry(
        "SYSTem:ERRor[:NEXT]?",
        (),
        "number,text",
        "oldest error, or 0",
        Session.next_error,
        Use.STATUS,
    ),
    Entry(
        "SYSTem:ERRor:COUNt?", (), "integer", "errors that wait", Session.error_count, Use.STATUS
    ),
    Entry("SYSTem:VERSion?", (), "text", "version of SCPI", Session.scpi_version, Use.STATUS),
    Entry(
        "SYSTem:TOKen",
        ('"<token>"',),
        "",
        "say the token, where one is needed",
        Session.give_token,
        Use.TOKEN,
    ),
    Entry(
        "SYSTem:DESCribe?",
        (),
        "block",
        "machine, serial number and network as JSON",
        Session.describe,
    ),
    Entry(
        "FORMat[:DATA]",
        ("REAL", "<bits>"),
        "",
        "numbers in blocks: 64 or 32 bits",
        Session.set_format,
    ),
    Entry("FORMat[:DATA]?", (), "REAL,<bits>", "that format", Session.format),
    Entry("FORMat:BORDer?", (), "SWAP", "byte order: always little endian", Session.border),
    Entry(
        "BANK:WEIGht",
        (_SET, _BLOCK),
        "",
        "program a set, `n_out` rows of `n_in` weights",
        Session.write,
    ),
    Entry("BANK:MEASure?", (_SET,), "block", "measure the weights of a set", Session.measure),
    Entry(
        "ELECtronics",
        ("<gains>", "<biases>"),
        "",
        "gain of each set, biases of each set's outputs",
        Session.electronics,
    ),
    Entry(
        "LOOP:FORWard?",
        ("<0|1>", "<drives>"),
        "block",
        "pass samples through all steps; 1 adds all states behind the results",
        Session.forward,
    ),
    Entry(
        "LOOP:STEP?",
        (_SET, "<states>", "[<drives>]"),
        "block",
        "pass samples through one set",
        Session.step,
    ),
    Entry(
        "LOOP:WAIT", ("<seconds>", "[<updates>]"), "", "the host computes meanwhile", Session.pause
    ),
    Entry(
        "COST?",
        (),
        "12 numbers",
        "count, time [s], energy [J] of forward, write, read, host: last call",
        Session.last_cost,
    ),
    Entry("COST:TOTal?", (), "12 numbers", "the same since the start", Session.total_cost),
    Entry(
        "STATe:SAVE",
        (),
        "",
        "keep the machine's state now, as a clean stop does",
        Session.save_state,
    ),
)


#: Header that a command had in an earlier version, and the one it has now.
RENAMED = {"BILL?": "COST?", "BILL:TOTal?": "COST:TOTal?"}


@cache
def _renamed() -> dict[str, str]:
    """Return the header of today of every spelling, in capitals, of an earlier one."""
    return {old: now for header, now in RENAMED.items() for old in spellings(header)}


@cache
def _table() -> dict[str, Entry]:
    """Return every accepted spelling, in capitals, of every command."""
    found: dict[str, Entry] = {}
    for entry in COMMANDS:
        for header in spellings(entry.header):
            assert header not in found, f"{header} stands twice in the list of commands"
            found[header] = entry
    return found


def spellings(header: str) -> list[str]:
    """Return the short and long forms of a header in capitals, optional parts with and without."""
    query = "?" if header.endswith("?") else ""
    parts = header.removesuffix("?").replace("[:", "\0:?").replace("]", "").split(":")
    choices: list[list[str]] = []
    optional = False
    for part in parts:
        word = part.removeprefix("?").removesuffix("\0")
        short = "".join(c for c in word if not c.islower())
        forms = sorted({short, word.upper()})
        choices.append([*forms, ""] if optional else forms)
        optional = part.endswith("\0")
    return [":".join(word for word in words if word) + query for words in product(*choices)]
