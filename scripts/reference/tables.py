"""Rows of Markdown tables, and the note at the head of a generated page."""

from __future__ import annotations

from collections.abc import Iterable

#: First line of every generated page.
NOTE = "<!-- Written by scripts/make_reference.py; edit docstrings and machines instead. -->\n"


def row(cells: Iterable[str]) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(map(_cell, cells)) + " |"


def first_line(documented: object) -> str:
    """Return the first line of a docstring."""
    return (documented.__doc__ or "").strip().partition("\n")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
