"""Lay the parts of a chip out as a table for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pnnsim.common.html_table import html_table
from pnnsim.devices.component import Component


def chip_table(
    title: str, components: Mapping[str, Component[Any]], static_w: Mapping[str, float]
) -> str:
    """Return the parts of a chip with their kinds and their static power.

    Args:
        title: What the table is of.
        components: Component of each part.
        static_w: Static power of each part that has any [W].
    """
    rows = [
        (part, component.params.kind, f"{static_w.get(part, 0.0):.4g} W")
        for part, component in components.items()
    ]
    return html_table(title, ("part", "kind", "static power"), rows)
