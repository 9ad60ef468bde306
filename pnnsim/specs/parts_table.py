"""Lay the parts of a machine out as a table for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pnnsim.common.html_table import html_table

#: Values of a part that are shown.
_SHOWN = 4


def parts_table(title: str, values: Mapping[str, Any]) -> str:
    """Return the parts of a machine with their kinds and their first values.

    Args:
        title: What the table is of.
        values: Validated values as plain data, by part.
    """
    rows = [
        (name, str(part.get("kind", "")), _given(part))
        for name, part in values.items()
        if isinstance(part, Mapping)
    ]
    return html_table(title, ("part", "kind", "first values"), rows)


def _given(values: Mapping[str, Any]) -> str:
    """Return the first values of a part in words."""
    given = [
        f"{key} {value}" for key, value in values.items() if key != "kind" and value is not None
    ]
    return ", ".join(given[:_SHOWN]) + (", …" if len(given) > _SHOWN else "")
