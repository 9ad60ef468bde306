"""Errors: messages are safe for a terminal, bounded, and survive the way to another process."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from pnnsim import errors
from pnnsim.errors import OutputError, PnnsimError, Problem, SpecError, UnsavedError, one_line

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PnnsimError)
]


def made(kind: type[PnnsimError], text: str) -> PnnsimError:
    if issubclass(kind, SpecError):
        return kind([Problem(text, text, text, text, 3, 4)] * 500)
    if issubclass(kind, UnsavedError):
        return kind(text, {"a": 1}, "table", Path("b"))
    return kind(text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_printable_and_bounded(kind: type[PnnsimError]) -> None:
    short, long = str(made(kind, "a\x1b[2J\x9b\u202e\rb")), str(made(kind, "\x1b" * 1_000_000))
    assert r"a\x1b[2J\x9b\u202e\rb" in short
    for text in (short, long):
        assert all(line.isprintable() for line in text.split("\n"))
        assert len(text) < 450_000


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_back_from_another_process(kind: type[PnnsimError]) -> None:
    error = made(kind, "where: what")
    back = copy.copy(error)  # by the same protocol as pickle
    assert type(back) is kind
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_a_short_message_is_left_as_it_is() -> None:
    text = "m.yaml:1:2: bank.rows: '5 µm' → Ω. Hint: \\x is no escape"
    assert one_line(text) == str(OutputError(text)) == text
    assert str(SpecError([Problem("a", "b"), Problem("c", "d")])) == "a: b\nc: d"


def test_of_a_long_text_both_ends_are_kept() -> None:
    text = "begin" + "x" * 1000 + "end"
    assert len(one_line(text, 100)) == 101
    assert one_line(text, 100).startswith("beginx")
    assert one_line(text, 100).endswith("xend")
    assert one_line(text, len(text)) == text


def test_many_problems_are_counted() -> None:
    lines = str(SpecError([Problem("a", str(i)) for i in range(150)])).split("\n")
    assert lines[100] == "a: 100"
    assert lines[101:] == ["49 more problem(s) are not shown"]
