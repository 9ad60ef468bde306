"""Read tables of measured data: CSV files whose header names each column and its unit.

    wavelength [nm], through [dB], drop [dB]
    1550.00, -0.31, -24.6

What the columns mean is stated by the measurement that reads them; nothing is fitted here. Every
fault becomes a problem with line and column, and all of them are raised at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from pnnsim.common.files import FileError, open_regular
from pnnsim.common.units import DIMENSIONS, UnitError, parse_quantity, show, show_path
from pnnsim.devices.fit.measured_table import Array, Column, MeasuredTable, place_of
from pnnsim.errors import MeasurementError, Problem

#: Largest file [bytes], most rows, and most problems that one message lists.
MOST_BYTES = 16 * 1024 * 1024
MOST_ROWS = 100_000
_MOST_PROBLEMS = 20
#: Magnitudes of numbers in any unit, and largest level [dB]: products of a few stay floats.
_LEAST, _MOST, _MOST_LEVEL = 1e-30, 1e30, 300.0

_HEADER = re.compile(r"\s*([^\[\](]+?)\s*(?:[\[(]\s*([^\])]*?)\s*[\])])?\s*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_NOT_FINITE = {"nan", "inf", "infinity", "+inf", "-inf", "#n/a", "na", "null", ""}


def read_table(path: Path, columns: Sequence[Column]) -> MeasuredTable:
    """Return the table of a file.

    Lines that begin with `#` are comments. Cells are separated by commas, semicolons or tabs.

    Args:
        path: CSV file in UTF-8.
        columns: What may stand in it.

    Raises:
        MeasurementError: With every problem of the file.
    """
    name = show_path(str(path))
    numbered = [
        (number, line)
        for number, line in enumerate(_text(path, name).splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not numbered:
        wanted = ", ".join(column.example for column in columns if column.required)
        raise MeasurementError(
            [Problem("", f"holds no data; expected a header such as '{wanted}'", "", name)]
        )
    (at, header), *body = numbered
    delimiter = next((mark for mark in "\t;," if mark in header), ",")
    found, problems = _header(header, at, delimiter, columns, name)
    if problems:
        raise MeasurementError(problems)
    if len(body) > MOST_ROWS:
        what = f"has {len(body)} rows; expected at most {MOST_ROWS}"
        raise MeasurementError([Problem("", what, "average neighbors, or cut", name, at, 1)])
    cells, problems = _cells(body, len(header.split(delimiter)), delimiter, found, name)
    if problems:
        raise MeasurementError(problems)
    table = MeasuredTable(
        file=str(path),
        values={
            title.column.name: _in_si(np.array(cells[title.column.name]), title) for title in found
        },
        dimensions={title.column.name: title.dimension for title in found},
        units={title.column.name: title.unit for title in found},
        rows=[line for _, line in body],
        lines=[number for number, _ in body],
        positions={title.column.name: title.index for title in found},
        delimiter=delimiter,
    )
    _check_bounds(table, found)
    return table


@dataclass(frozen=True, slots=True)
class _Title:
    """Cell of a header: which column it names, where, and in which unit."""

    column: Column
    index: int
    unit: str
    dimension: str


def _text(path: Path, name: str) -> str:
    """Return the text of a file.

    Raises:
        MeasurementError: If it cannot be read, is too large, empty, or no text.
    """
    try:
        with open_regular(path, MOST_BYTES) as (file, _):
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise MeasurementError([Problem("", "no such file", "", name)]) from None
    except FileError as error:
        hint = "average neighbors, or cut" if "bytes" in str(error) else ""
        raise MeasurementError([Problem("", str(error), hint, name)]) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MeasurementError([Problem("", f"cannot be read: {why}", "", name)]) from None
    if not raw.strip():
        what = "is empty; expected a header and rows of numbers"
        raise MeasurementError([Problem("", what, "", name)])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        what = f"got the byte 0x{raw[error.start]:02x}, which is no text in UTF-8"
        hint = "export the data as CSV in UTF-8"
        raise MeasurementError([Problem("", what, hint, name, line, column)]) from None
    if "\0" in text:
        what = "is a binary file; expected CSV text"
        raise MeasurementError([Problem("", what, "export the data as CSV", name)])
    return text


def _header(
    header: str, line: int, delimiter: str, columns: Sequence[Column], name: str
) -> tuple[list[_Title], list[Problem]]:
    """Return the columns that a header names, and what is wrong with it."""
    known = {column.name: column for column in columns}
    found: list[_Title] = []
    problems: list[Problem] = []
    for index, cell in enumerate(header.split(delimiter)):
        place = (name, line, place_of(header, index, delimiter))
        match = _HEADER.fullmatch(cell.strip().strip('"'))
        title = re.sub(r"[\s-]+", "_", match[1].strip().lower()) if match else ""
        if match is None or title not in known:
            close = get_close_matches(title[:60], list(known), n=1, cutoff=0.6)
            hint = f"did you mean '{close[0]}'?" if close else ""
            what = f"unknown column {show(cell.strip())}; expected {_any_of(columns)}"
            problems.append(Problem("", what, hint, *place))
        elif any(title == other.column.name for other in found):
            problems.append(
                Problem(title, "is there twice; expected one column of a name", "", *place)
            )
        else:
            unit, column = (match[2] or "").strip(), known[title]
            dimension, why = _dimension(unit, column)
            if why:
                problems.append(Problem(title, why, "", *place))
            found.append(_Title(column, index, unit, dimension))
    given = {title.column.name for title in found}
    problems.extend(
        Problem(column.name, f"is missing; expected a column '{column.example}'", "", name, line, 1)
        for column in columns
        if column.required and column.name not in given
    )
    return found, problems


def _dimension(unit: str, column: Column) -> tuple[str, str]:
    """Return which of its dimensions a column is in, and why it is in none."""
    why = ""
    for dimension in column.dimensions:
        try:
            parse_quantity(f"1 {unit}", dimension)
        except UnitError:
            if not why and not unit:
                why = f"has no unit; expected such as '{column.example}'"
            elif not why:
                names = " or ".join(DIMENSIONS[each].name for each in column.dimensions)
                why = f"has the unit {show(unit)}; expected {names} such as '{column.example}'"
        else:
            return dimension, ""
    return "", why


def _any_of(columns: Sequence[Column]) -> str:
    return "one of " + ", ".join(column.example for column in columns)


def _cells(
    body: Sequence[tuple[int, str]],
    width: int,
    delimiter: str,
    found: Sequence[_Title],
    name: str,
) -> tuple[dict[str, list[float]], list[Problem]]:
    """Return the numbers of each column, and what is wrong with its cells."""
    values: dict[str, list[float]] = {title.column.name: [] for title in found}
    problems: list[Problem] = []
    for line, text in body:
        cells = text.split(delimiter)
        if len(cells) != width:
            what = f"has {len(cells)} cells; expected {width}, as the header has"
            problems.append(Problem("", what, "", name, line, 1))
        else:
            for title in found:
                cell = cells[title.index].strip().strip('"').strip()
                why = "" if _NUMBER.fullmatch(cell) and len(cell) < 60 else _why_not(cell)
                number = math.nan if why else float(cell)
                if not why and not math.isfinite(number):
                    why = f"{show(cell)} is not a finite number; expected one"
                if why:
                    place = place_of(text, title.index, delimiter)
                    problems.append(Problem(title.column.name, why, "", name, line, place))
                values[title.column.name].append(number)
        if len(problems) >= _MOST_PROBLEMS:
            break
    return values, problems


def _why_not(cell: str) -> str:
    if cell.lower() in _NOT_FINITE:
        return f"{show(cell)} is not a finite number; expected one, or leave out the row"
    tail = ", with a decimal point" if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", cell) else ""
    return f"{show(cell)} is not a number; expected one{tail}"


def _in_si(values: Array, title: _Title) -> Array:
    """Return the numbers of a column in the unit of its dimension."""
    if not title.dimension:
        return values
    with np.errstate(over="ignore", under="ignore"):  # what is no float is out of range
        if title.unit == "dBm":
            return 1e-3 * 10.0 ** (values / 10.0)
        none = parse_quantity(f"0 {title.unit}", title.dimension)
        one = parse_quantity(f"1 {title.unit}", title.dimension)
        return none + (one - none) * values


def _check_bounds(table: MeasuredTable, found: Sequence[_Title]) -> None:
    """Refuse values that a column cannot have.

    Raises:
        MeasurementError: With the first of each column.
    """
    problems = []
    for title in found:
        column, values = title.column, table.values[title.column.name]
        level = title.dimension in ("ratio_db", "noise_dbc")
        # Bounds are of ratios and densities, not of their levels.
        low, high = (-_MOST_LEVEL, _MOST_LEVEL) if level else (column.least, column.most)
        about = DIMENSIONS.get(title.dimension)
        least, most = (_LEAST, _MOST) if about is None else (about.least, about.most)
        size = np.abs(values)
        odd = ~level & (size > 0.0) & ((size < least) | (size > most))
        beyond = np.flatnonzero((values < low) | (values > high) | odd)
        if beyond.size:
            row = int(beyond[0])
            cell = table.rows[row].split(table.delimiter)[title.index].strip()
            if odd[row]:
                ends = (
                    f"a magnitude from {least:g} to {most:g} {about.si if about else ''}".rstrip()
                )
            else:
                ends = f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
            what = f"{show(cell)} is out of range; expected {ends}"
            problems.append(table.problem(column.name, row, what))
    if problems:
        raise MeasurementError(problems)
