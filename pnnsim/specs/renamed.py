"""Keys of descriptions that have other names now, for the messages that refuse the old ones.

A renamed key is never read under its old name: a file has one spelling, and the message says which.
"""

from __future__ import annotations

from pnnsim.specs.document import KeyPath, Tree

#: Section and key of before, and of now.
RENAMED: dict[str, str] = {
    "training.imperfections": "training.non_idealities",
    "simulation.waves": "simulation.samples",
    "control.tiles_at_once": "control.parallel_tiles",
    "network.state": "network.stateful",
}

#: What is written now where the value has changed together with the key.
_VALUES: dict[tuple[str, str], str] = {
    ("network.state", "keep"): "true",
    ("network.state", "reset"): "false",
}


def name_of_today(path: KeyPath, value: Tree) -> tuple[str, str] | None:
    """Return what a message expects in place of a renamed key, and its hint; None for other keys.

    Args:
        path: Key as it was typed, with the sections around it.
        value: What stands there.
    """
    old = ".".join(str(part) for part in path[-2:])
    if old not in RENAMED:
        return None
    new = RENAMED[old]
    now = _VALUES.get((old, value)) if isinstance(value, str) else None
    hint = "" if now is None else f"{new}: {now}"
    return f"expected '{new.partition('.')[2]}', as it is called now", hint
