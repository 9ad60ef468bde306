"""List the commands of the instrument, and obey messages.

The list is literal: what stands here is what can be asked, and the documentation's table says the
same. What a command does to the machine is in `pnnsim.hil.instrument.session`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product

from pnnsim.errors import BackendError, OutputError
from pnnsim.hil.instrument.message import Argument, Command, parse
from pnnsim.hil.instrument.session import Session
from pnnsim.hil.instrument.status import ScpiError


@dataclass(frozen=True, slots=True)
class Entry:
    """Describe one command.

    Args:
        header: Capitals are the short form; what stands in brackets may be left out.
        arguments: Their names and kinds, as the documentation shows them.
        answer: What is answered; empty for a command without an answer.
        meaning: What it does, in one sentence.
        obey: Method of `Session`.
        open: Whether everybody may ask, without a token and without owning the instrument.
    """

    header: str
    arguments: tuple[str, ...]
    answer: str
    meaning: str
    obey: Callable[[Session, tuple[Argument, ...]], bytes | None]
    open: bool = False


def execute(session: Session, message: bytes | ScpiError) -> bytes:
    """Obey a message and return what is to be sent back, with its line feed; or nothing.

    After an error the rest of the message is not obeyed.
    """
    answers = []
    try:
        if isinstance(message, ScpiError):
            raise message
        for command in parse(message):
            answer = _obey(session, command)
            if answer is not None:
                answers.append(answer)
    except ScpiError as error:
        session.status.report(error)
    except BackendError as error:
        session.status.report(ScpiError(-222, str(error)))
    except OutputError as error:
        session.status.report(ScpiError(-310, str(error)))
    return b";".join(answers) + b"\n" if answers else b""


def _obey(session: Session, command: Command) -> bytes | None:
    entry = _table().get(command.header)
    if entry is None:
        raise ScpiError(-113, command.header)
    if not entry.open:
        session.allowed(command.header)
    least = sum(not name.startswith("[") for name in entry.arguments)
    if len(command.arguments) < least:
        raise ScpiError(-109, f"{entry.header}: expected {', '.join(entry.arguments)}")
    if len(command.arguments) > len(entry.arguments):
        raise ScpiError(-108, f"{entry.header}: got {len(command.arguments)} arguments")
    return entry.obey(session, command.arguments)


_SET, _BLOCK = "<set>", "<block>"

#: Every command, in the order of the documentation.
COMMANDS: tuple[Entry, ...] = (
    Entry("*IDN?", (), "text", "maker, machine, serial number, version", Session.identify, True),
    Entry("*RST", (), "", "REAL,64, gains 1, biases 0; banks keep their weights", Session.reset),
    Entry("*CLS", (), "", "forget errors and events", Session.clear, True),
    Entry("*ESR?", (), "integer", "event register, cleared by reading", Session.events, True),
    Entry(
        "*ESE", ("<mask>",), "", "events that show in the status byte", Session.set_event_mask, True
    ),
    Entry("*ESE?", (), "integer", "that mask", Session.event_mask, True),
    Entry(
        "*SRE", ("<mask>",), "", "status bits that ask for service", Session.set_service_mask, True
    ),
    Entry("*SRE?", (), "integer", "that mask", Session.service_mask, True),
    Entry("*STB?", (), "integer", "status byte", Session.status_byte, True),
    Entry("*OPC", (), "", "set the event of completion", Session.complete, True),
    Entry("*OPC?", (), "1", "1 when all before it is done", Session.one, True),
    Entry("*TST?", (), "0", "0, for passed", Session.passed, True),
    Entry("*WAI", (), "", "nothing: commands never overlap", Session.wait, True),
    Entry(
        "SYSTem:ERRor[:NEXT]?", (), "number,text", "oldest error, or 0", Session.next_error, True
    ),
    Entry("SYSTem:ERRor:COUNt?", (), "integer", "errors that wait", Session.error_count, True),
    Entry("SYSTem:VERSion?", (), "text", "version of SCPI", Session.scpi_version, True),
    Entry(
        "SYSTem:TOKen",
        ('"<token>"',),
        "",
        "say the token, where one is needed",
        Session.give_token,
        True,
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
        "BILL?",
        (),
        "12 numbers",
        "count, time [s], energy [J] of forward, write, read, host: last call",
        Session.last_cost,
    ),
    Entry("BILL:TOTal?", (), "12 numbers", "the same since the start", Session.total_cost),
    Entry(
        "STATe:SAVE",
        (),
        "",
        "keep the machine's state now, as a clean stop does",
        Session.save_state,
    ),
)


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
