"""Page of all commands with their arguments and options."""

from __future__ import annotations

import re
from typing import Any

import typer

from pnnsim.cli.app import app
from reference.tables import NOTE, row

_HEAD = """# Command line

Every command of `pnnsim`. Exit codes: 0 fine, 1 a fault of pnnsim (or, of `verify`, a figure that
differs), 2 a user's error, of which one message with place, reason and hint is printed, 130 when
interrupted. `pnnsim --install-completion` makes the shell complete commands, options, machines and
keys.
"""


def commands_page() -> str:
    """Return the page of all commands."""
    group: Any = typer.main.get_command(app)
    lines = [NOTE, _HEAD]
    for name, command in sorted(group.commands.items()):
        lines += [f"## `pnnsim {name}`\n", f"{_prose(command.help)}\n"]
        lines += ["| word | meaning |", "|---|---|"]
        context = typer.Context(command, info_name=name)
        records = (parameter.get_help_record(context) for parameter in command.params)
        lines += [row((f"`{words}`", meaning)) for words, meaning in filter(None, records)]
        lines.append("")
    return "\n".join(lines)


def _prose(text: str) -> str:
    """Return the help of a command as paragraphs of one line each."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
