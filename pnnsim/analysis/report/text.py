"""Lay the summary of one run, or the comparison of several, out as plain text.

Monospaced, without colour and without box drawing: the text goes to terminals, logs and papers. The
figures are chosen in `sections.py`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from pnnsim.analysis.report.format import MISSING, count, engineering
from pnnsim.analysis.report.rows import title, writes_per_inference
from pnnsim.analysis.report.section import Metrics, Row
from pnnsim.analysis.report.sections import sections
from pnnsim.errors import one_line

#: Widest line of a table, in characters.
WIDTH = 100

_LABEL = 26
_VALUE = 16
_NOTE = 2 + _LABEL + _VALUE + 2
_MOST_LABEL = 40

#: Head of each column of a comparison, in two lines.
_COLUMNS = (
    ("", "run"),
    ("surro-", "gate %"),
    ("chips", "%"),
    ("hidden", "param."),
    ("latency", "first"),
    ("latency", "p50"),
    ("through-", "put"),
    ("energy /", "infer."),
    ("writes", "/inf."),
    ("set-up", "energy"),
)

#: Heads of the same in full.
_HEADS = (
    "run", "surrogate", "chips, mean ± std", "hidden parameters", "latency, first",
    "latency, p50", "throughput", "energy per inference", "writes per inference", "set-up energy",
)  # fmt: skip


def summary_table(metrics: Metrics, *, folder: Path | str | None = None) -> str:
    """Return the figures of one run as a table of plain text.

    Args:
        metrics: Content of `metrics.json`.
        folder: Run folder to name in the last line; None where nothing was written.

    Returns:
        Lines of at most `WIDTH` characters (a folder or a word longer than that is not broken),
        without a newline at the end.
    """
    head = title(metrics)
    lines = textwrap.wrap(head, WIDTH)
    lines.append("=" * max(map(len, lines)))
    for section in sections(metrics):
        lines += ["", section.title]
        for row in section.rows:
            lines += _row_lines(row)
    warnings = metrics.get("warnings") or ()
    if warnings:
        lines += ["", f"Warnings ({len(warnings)})"]
        for warning in warnings:
            lines += textwrap.wrap(
                str(warning), WIDTH, initial_indent="  ! ", subsequent_indent="    ",
                break_long_words=False,
            )  # fmt: skip
    lines += ["", f"pnnsim {metrics['pnnsim_version']}, seed {metrics['seed']}"]
    if folder is not None:
        lines.append(f"Run folder: {one_line(str(folder))}")
    return "\n".join(lines)


def compare_table(rows: Sequence[tuple[str, Metrics]]) -> str:
    """Return several runs as a table of plain text, one line each.

    Args:
        rows: Label and metrics of each run. A label that makes the table wider than `WIDTH` is
            shortened in its middle.
    """
    cells = [_compare_cells(label, metrics, short=True) for label, metrics in rows]
    widths = [
        max(len(text) for text in (*_COLUMNS[i], *(row[i] for row in cells)))
        for i in range(len(_COLUMNS))
    ]
    room = max(8, WIDTH - sum(widths[1:]) - 2 * (len(widths) - 1))
    widths[0] = min(widths[0], room, _MOST_LABEL)
    table = [[_shorten(row[0], widths[0]), *row[1:]] for row in cells]
    heads = [[head[line] for head in _COLUMNS] for line in range(2)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (*heads, rule, *table)
    )


def comparison_cells(
    rows: Sequence[tuple[str, Metrics]],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads of a comparison and the texts of each line, units and labels in full.

    Args:
        rows: Label and metrics of each run.
    """
    return _HEADS, [_compare_cells(label, metrics, short=False) for label, metrics in rows]


def _row_lines(row: Row) -> list[str]:
    """Return a row as one line, its note wrapped below itself."""
    notes = textwrap.wrap(row.note, WIDTH - _NOTE, break_long_words=False) or [""]
    first = f"  {row.label:<{_LABEL}}{row.value:>{_VALUE}}  {notes[0]}".rstrip()
    return [first, *(" " * _NOTE + note for note in notes[1:])]


def _compare_cells(label: str, metrics: Metrics, *, short: bool) -> tuple[str, ...]:
    """Return the texts of one run; `short` leaves units to the column heads."""
    digits = 3 if short else 4
    accuracy = metrics.get("accuracy") or {}
    latency, setup = metrics["latency_s"], metrics.get("setup") or {}
    unit = "" if short else " %"
    surrogate, mean = accuracy.get("surrogate"), accuracy.get("hardware_mean")
    std = accuracy.get("hardware_std")
    places = 1 if short else 2
    chips = MISSING if mean is None else f"{100 * mean:.{places}f}"
    if mean is not None and std is not None:
        chips += f" ± {100 * std:.{places}f}"
    return (
        one_line(label),
        MISSING if surrogate is None else f"{100 * surrogate:.{places}f}{unit}",
        chips if mean is None else chips + unit,
        count(metrics["parameters"]["hidden"]),
        engineering(latency["first"], "s", digits),
        engineering(latency["p50"], "s", digits),
        engineering(metrics["throughput_per_s"], "/s", digits),
        engineering(metrics["energy_j"]["per_inference"], "J", digits),
        count(writes_per_inference(metrics)),
        engineering(setup.get("energy_j"), "J", digits),
    )


def _shorten(text: str, width: int) -> str:
    """Return text of at most `width` characters, cut in its middle: both ends tell runs apart."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + "…" + text[len(text) - tail :]
