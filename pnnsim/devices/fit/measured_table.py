"""Tables of measured data, and what an axis and its values must be.

How a table gets out of a file is in `read_table`; what columns mean is stated by a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pnnsim.common.units import DIMENSIONS, show_path
from pnnsim.errors import MeasurementError, Problem

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """Column that a measurement reads.

    Args:
        name: Name in the header.
        dimensions: What it may measure, keys of `DIMENSIONS`; empty for any unit.
        required: Whether the file must have it.
        least: Smallest value, in the unit of the dimension.
        most: Largest value.
    """

    name: str
    dimensions: tuple[str, ...] = ()
    required: bool = True
    least: float = -math.inf
    most: float = math.inf

    @property
    def example(self) -> str:
        """Return a header that is right, such as `wavelength [nm]`."""
        if not self.dimensions:
            return f"{self.name} [V]"
        unit = DIMENSIONS[self.dimensions[0]].example.partition(" ")[2]
        return self.name if self.dimensions[0] == "fraction" else f"{self.name} [{unit}]"


@dataclass(frozen=True, slots=True)
class MeasuredTable:
    """Measured data of one file.

    Args:
        file: Name for messages.
        values: Column → numbers in the unit of its dimension, shape `(n_row,)`; decibels stay.
        dimensions: Column → what it measures; empty for any unit.
        units: Column → unit as typed.
        rows: Text of each row, for messages.
        lines: Line of each row, from 1.
        positions: Column → which cell of a row it is.
        delimiter: What separates cells.
    """

    file: str
    values: Mapping[str, Array]
    dimensions: Mapping[str, str]
    units: Mapping[str, str]
    rows: Sequence[str]
    lines: Sequence[int]
    positions: Mapping[str, int]
    delimiter: str

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def problem(self, name: str, row: int, what: str, hint: str = "") -> Problem:
        """Return a problem at one cell.

        Args:
            name: Column.
            row: Row from 0.
            what: What is wrong and what is expected.
            hint: What to try.
        """
        column = place_of(self.rows[row], self.positions[name], self.delimiter)
        return Problem(name, what, hint, show_path(self.file), self.lines[row], column)

    def refuse(self, name: str, row: int, what: str, hint: str = "") -> MeasurementError:
        """Return the error of one wrong cell; arguments as of `problem`."""
        return MeasurementError([self.problem(name, row, what, hint)])


def place_of(line: str, index: int, delimiter: str) -> int:
    """Return the character from 1 at which a cell of a line begins.

    Args:
        line: Line of the file.
        index: Number of the cell, from 0.
        delimiter: What stands between cells.
    """
    cells = line.split(delimiter)
    before = sum(len(cell) + 1 for cell in cells[:index])
    cell = cells[index] if index < len(cells) else ""
    return before + len(cell) - len(cell.lstrip()) + 1


def require_rows(table: MeasuredTable, least: int) -> None:
    """Refuse a table with too few rows.

    Args:
        table: Measured data.
        least: Fewest rows that determine what is fitted.

    Raises:
        MeasurementError: If there are fewer.
    """
    if len(table) < least:
        what = f"has {len(table)} rows of numbers; expected at least {least}"
        line = table.lines[-1] if len(table) else 1
        raise MeasurementError([Problem("", what, "", show_path(table.file), line, 1)])


def require_increasing(
    table: MeasuredTable, name: str, rows: NDArray[np.intp] | None = None
) -> None:
    """Refuse an axis that does not increase, or decrease, from row to row.

    Args:
        table: Measured data.
        name: Column of the axis.
        rows: Rows to look at; all of them where not given.

    Raises:
        MeasurementError: At the first row that turns back or repeats a value.
    """
    index = np.arange(len(table)) if rows is None else rows
    steps = np.diff(table.values[name][index])
    if not steps.size:
        return
    wrong = np.flatnonzero(steps * (1.0 if np.sum(steps) >= 0.0 else -1.0) <= 0.0)
    if wrong.size:
        row = int(index[wrong[0] + 1])
        same = steps[wrong[0]] == 0.0
        what = "repeats the value before" if same else "turns back"
        what += "; expected an axis that only rises, or only falls"
        raise table.refuse(name, row, what, "sort the rows, and average what was measured twice")


def require_variation(table: MeasuredTable, name: str) -> None:
    """Refuse a column whose numbers are all the same.

    Args:
        table: Measured data.
        name: Column.

    Raises:
        MeasurementError: If nothing varies.
    """
    values = table.values[name]
    if float(np.ptp(values)) == 0.0:
        what = "is the same in all rows; expected data that vary"
        raise table.refuse(name, 0, what, "is it the right column?")
