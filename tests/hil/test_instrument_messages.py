"""Streams are cut into messages and messages into commands, whatever comes."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.hil.instrument.commands import COMMANDS, RENAMED, _table, spellings
from pnnsim.hil.instrument.message import (
    TEXT_LIMIT,
    Command,
    ForeignProtocolError,
    Splitter,
    block,
    parse,
)
from pnnsim.hil.instrument.status import TEXTS, ScpiError, Status


def commands(message: bytes) -> list[Command]:
    return list(parse(message))


def cut(data: bytes, limit: int = 1000) -> list[bytes | int]:
    """Return messages, and the numbers of errors in their place."""
    found = Splitter(limit).feed(data)
    return [item.number if isinstance(item, ScpiError) else item for item in found]


def test_commands_have_headers_and_arguments() -> None:
    found = commands(b':BANK:WEIG 1,#13a;b , 2.5e-1,word,"te;xt" ; *OPC?')
    assert found == [
        Command("BANK:WEIG", (1.0, b"a;b", 0.25, "WORD", "te;xt")),
        Command("*OPC?", ()),
    ]
    assert commands(b" ;; ") == []


@pytest.mark.parametrize(
    ("message", "number"),
    [
        (b"\xff", -102),
        (b"BANK:", -102),
        (b"BANK::WEIG", -102),
        (b"BANK WEIG,", -102),
        (b"BANK ,1", -102),
        (b"BANK 1 2", -102),
        (b"BANK 1,;", -102),
        (b"BANK?x", -102),
        (b"BANK @", -102),
        (b'BANK "open', -151),
        (b'BANK "\xff"', -151),
        (b"BANK #", -161),
        (b"BANK #x", -161),
        (b"BANK #0abc", -161),
        (b"BANK #15ab", -161),
        (b"BANK #2a5ab", -161),
    ],
)
def test_messages_without_meaning_are_errors(message: bytes, number: int) -> None:
    with pytest.raises(ScpiError) as found:
        commands(message)
    assert found.value.number == number


def test_line_feeds_end_messages_and_belong_to_blocks() -> None:
    assert cut(b"*IDN?\r\nA #14\n\n\n\n,1\n*CLS") == [b"*IDN?", b"A #14\n\n\n\n,1"]
    assert cut(b"A #\n") == [-161]
    assert cut(b"A#1\n") == [b"A#1"]


def test_stream_goes_on_after_an_error() -> None:
    assert cut(b"A #9999999999\nB\n") == [-223, b"B"]
    assert cut(b"A #x\nB\n") == [-161, b"B"]
    assert cut(b"x" * (TEXT_LIMIT + 5) + b"\nB\n") == [-223, b"B"]
    assert cut(b"A #31") == []


def test_blocks_of_one_message_share_its_limit() -> None:
    """Many blocks, each of which is allowed, must not fill the memory."""
    half = block(bytes(600))
    assert cut(b"A " + half + b"\nB " + half + b"\n") == [b"A " + half, b"B " + half]
    assert cut(b"A " + half + b"," + half + b"\nB\n")[0] == -223
    assert cut(b"A " + half + b"," + half + b"\nB\n")[-1] == b"B"


@given(st.lists(st.binary(max_size=40), max_size=5), st.data())
@settings(max_examples=60, deadline=None)
def test_pieces_of_a_stream_may_come_in_any_size(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(b"W 1," + block(part) + b"\nJ " + part + b"\n" for part in parts)
    whole = cut(stream, 30)
    splitter, found, place = Splitter(30), [], 0
    while place < len(stream):
        size = data.draw(st.integers(1, 7))
        items = splitter.feed(stream[place : place + size])
        found += [item.number if isinstance(item, ScpiError) else item for item in items]
        place += size
    assert found == whole


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_messages_or_errors_and_nothing_else(data: bytes) -> None:
    try:
        items = list(Splitter(50).feed(data))
    except ForeignProtocolError:
        return  # a web page's request: the connection ends
    for item in items:
        if isinstance(item, bytes):
            with suppress(ScpiError):
                commands(item)
        else:
            assert item.number in TEXTS


def test_headers_have_a_short_and_a_long_form_and_optional_parts() -> None:
    assert set(spellings("SYSTem:ERRor[:NEXT]?")) == {
        f"{system}:{error}{rest}?"
        for system in ("SYST", "SYSTEM")
        for error in ("ERR", "ERROR")
        for rest in ("", ":NEXT")
    }
    assert spellings("*IDN?") == ["*IDN?"]
    assert {"COST?", "COST:TOT?", "FORM:DATA", "FORM?", "LOOP:STEP?"} <= set(_table())
    assert all(len(spellings(entry.header)) >= 1 for entry in COMMANDS)


def test_renamed_headers_are_those_of_no_command_and_name_one_that_is() -> None:
    for old, new in RENAMED.items():
        assert not set(spellings(old)) & set(_table())
        assert set(spellings(new)) <= set(_table())


def test_error_queue_is_bounded_and_says_so() -> None:
    status = Status()
    for _ in range(100):
        status.report(ScpiError(-113, 'a "b"\n\xff'))
    assert status.errors() == 32
    assert status.next_error() == '-113,"Undefined header; a .b..."'
    rest = [status.next_error() for _ in range(32)]
    assert rest[30] == '-350,"Queue overflow"'
    assert rest[31] == '0,"No error"'


def test_events_and_the_status_byte_follow_the_standard() -> None:
    status = Status()
    assert status.take_events() == 0x80
    status.report(ScpiError(-113))
    status.report(ScpiError(-222))
    status.complete()
    status.event_mask, status.service_mask = 0x20, 0x20
    assert status.byte() == 0x04 | 0x20 | 0x40
    assert status.take_events() == 0x20 | 0x10 | 0x01
    assert status.byte() == 0x04
    status.clear()
    assert status.byte() == 0


def test_documentation_lists_every_command_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/scpi.md").read_text(encoding="utf-8")
    table = text.split("## Commands")[1].split("## Errors")[0]
    rows = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    expected = [
        [f"`{e.header}`", ", ".join(f"`{name}`" for name in e.arguments), e.reply, e.meaning]
        for e in COMMANDS
    ]
    assert rows == expected


def test_documentation_lists_every_error_that_is_reported() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/scpi.md").read_text(encoding="utf-8")
    listed = {int(number) for number in re.findall(r"-\d{3}", text.split("## Errors")[1])}
    source = "".join(
        file.read_text(encoding="utf-8")
        for file in (Path(__file__).parents[2] / "pnnsim/hil/instrument").glob("*.py")
    )
    reported = {int(number) for number in re.findall(r"(?:ScpiError|_line)\((-\d{3})", source)}
    assert reported == listed
    assert reported < set(TEXTS)
