"""Put runs side by side, with how often each machine beats each other over draws.

Nothing is run here, and torch is not imported: past runs are compared at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pnnsim.analysis.bands.pairs import Drawn, Pairing, pairings
from pnnsim.analysis.report.band_rows import pairings_table
from pnnsim.analysis.report.text import compare_table


@dataclass(frozen=True, slots=True)
class Comparison:
    """Metrics of several runs side by side.

    Args:
        rows: Label and metrics of each.
        table: The same as a table for people.
        pairings: How often each machine beats each other over draws from their ranges.
    """

    rows: list[tuple[str, dict[str, Any]]]
    table: str
    pairings: tuple[Pairing, ...] = ()


def side_by_side(
    rows: Sequence[tuple[str, dict[str, Any]]], drawn: Sequence[Drawn | None]
) -> Comparison:
    """Return runs side by side.

    Args:
        rows: Label and metrics of each run.
        drawn: What was drawn from the ranges of each machine; None for nothing.
    """
    found = pairings(drawn)
    table = compare_table(rows)
    if found:
        table = f"{table}\n\n{pairings_table([label for label, _ in rows], found)}"
    return Comparison(list(rows), table, tuple(found))
