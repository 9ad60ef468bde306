"""What a picture consists of: words, a drawing for any width, and a table of its numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

#: What a cell of a table holds; None where there is no value.
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of a picture, in SI units that its heads name.

    Args:
        heads: Names of the columns.
        rows: Cells of each line.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """Return the table as comma-separated values, floats with all their digits."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.heads)
        writer.writerows(["" if cell is None else cell for cell in row] for row in self.rows)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Picture:
    """Picture that can be drawn at any width.

    Args:
        name: Word by which a user asks for it.
        title: What it shows.
        caption: What a reader needs to know to read it.
        words: What is to be seen, for who cannot see it.
        table: Its numbers.
        draw: Function of the width [inch] that returns the drawing.
    """

    name: str
    title: str
    caption: str
    words: str
    table: Table
    draw: Callable[[float], Figure]


def table_of(heads: str, rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Return a table.

    Args:
        heads: Names of the columns, separated by spaces.
        rows: Cells of each line.
    """
    return Table(tuple(heads.split()), tuple(rows))
