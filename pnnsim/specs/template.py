"""Start a description of one's own from a machine that exists, with its comments and sources."""

from __future__ import annotations

import re
from pathlib import Path

from pnnsim.common.units import show
from pnnsim.errors import InputError
from pnnsim.specs.resolve import source_text

#: Name of the schema beside a description that starts with a reference to it.
SCHEMA_FILE = "pnnsim.schema.json"
_NAME = re.compile(r"^name:.*$", re.MULTILINE)


def started_from(source: str, name: str) -> str:
    """Return the text of a description with another name, and with a schema for editors.

    Args:
        source: Name of a shipped machine, or path of a file.
        name: Name of the new machine: letters, digits, `-` and `_`.

    Raises:
        SpecError: If there is no such machine or file.
        InputError: If the file has no name to replace, or the new one is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise InputError(
            f"name: {show(name)} is not a name; expected letters, digits, '-' and '_', at most 64. "
            "Hint: it is taken from the file's"
        )
    text, found = _NAME.subn(f"name: {name}", source_text(source), count=1)
    if not found:
        raise InputError(f"{source}: has no name on a line of its own; expected a machine")
    lines = [line for line in text.splitlines() if "yaml-language-server:" not in line]
    return "\n".join([f"# yaml-language-server: $schema={SCHEMA_FILE}", *lines, ""])


def named_by(path: Path) -> str:
    """Return the name of the machine that a file is to describe."""
    return path.name.partition(".")[0]
