"""What a summary consists of: sections of rows, chosen in `rows.py` and `band_rows.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The content of `metrics.json`, SI values under the keys that the manual lists.
Metrics = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a summary.

    Args:
        label: What is measured.
        value: The figure with its unit.
        note: What a reader needs to understand it; may be empty.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one subject.

    Args:
        title: Subject.
        rows: Lines, in reading order.
    """

    title: str
    rows: tuple[Row, ...]
