"""Lay rows out as a table of HTML for notebooks, every text escaped. No figure is named here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def html_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that a notebook shows.

    Args:
        title: What it is of.
        heads: Heads of the columns; empty for none.
        rows: Cells of each line, the first of which names it.
    """
    parts = [f'<div class="pnnsim"><strong>{escape(title)}</strong><table>']
    if heads:
        cells = "".join(f"<th>{escape(head)}</th>" for head in heads)
        parts.append(f"<thead><tr>{cells}</tr></thead>")
    parts.append("<tbody>")
    for first, *others in rows:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
        parts.append(f'<tr><th style="text-align:left">{escape(first)}</th>{cells}</tr>')
    return "".join([*parts, "</tbody></table></div>"])
