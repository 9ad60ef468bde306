"""Tables and figures of the recipes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pnnsim import ReLaXNet


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation; a single value has no spread."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return float(np.mean(values)), deviation


def against_sets(
    values: dict[int, list[float]], depth: int, width: int
) -> list[tuple[int, int, float, float, int, float, float]]:
    """Return a row for each number of weight sets, as `against_sets_head` names them.

    Args:
        values: What each seed found, less being better, by the number of weight sets; 1 is there.
        depth: Steps of the networks.
        width: Width of the networks.
    """
    base, base_std = spread(values[1])
    rows = []
    for sets, found in values.items():
        mean, std = spread(found)
        # Standard error of the difference of two means of independent seeds.
        both = ((std**2 + base_std**2) / len(found)) ** 0.5
        hidden = ReLaXNet(hidden=width, weight_sets=sets, steps=depth).parameter_counts()["hidden"]
        rows.append((sets, hidden, mean, std, len(found), base - mean, both))
    return rows


def against_sets_head(what: str) -> tuple[str, ...]:
    """Return the head of a table against the number of weight sets."""
    return (
        "weight sets", "hidden parameters", what, "std", "seeds", "below one set", "standard error",
    )  # fmt: skip


def draw_against_sets(
    axes: Axes, rows: Sequence[tuple[int, int, float, float, int, float, float]], title: str,
    what: str,
) -> None:  # fmt: skip
    """Draw means and deviations of rows of `against_sets`, beside one weight set.

    Args:
        axes: Where to draw.
        rows: Rows of `against_sets`; the first is that of one weight set.
        title: Title of the axes.
        what: Quantity of the ordinate, with its unit.
    """
    sets, means, stds = ([row[column] for row in rows] for column in (0, 2, 3))
    axes.errorbar(sets, means, stds, marker="o", capsize=3)
    axes.axhline(rows[0][2], linestyle="--", color="grey", label="one weight set (RNN)")
    axes.set(xlabel="weight sets", ylabel=what, title=title)
    axes.legend()


def write_table(folder: Path, name: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Write a table as CSV and as text, and return the text.

    Args:
        folder: Folder of both files.
        name: Their name without suffix.
        head: Heads of the columns.
        rows: Cells of each row.
    """
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = [
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        for row in (head, ["-" * width for width in widths], *cells)
    ]
    text = "\n".join(lines) + "\n"
    (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return text


@contextmanager
def picture(file: Path) -> Iterator[Axes]:
    """Yield axes of a figure that is written to a file at the end."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    yield figure.add_subplot()
    figure.savefig(file, dpi=150)


@contextmanager
def machine_panels(
    file: Path, machines: Sequence[str], *, below: str, aside: tuple[str, str]
) -> Iterator[NDArray[Any]]:
    """Yield axes of a figure that is written to a file at the end: two for each machine.

    Args:
        file: File to write.
        machines: Title of each column.
        below: What the lower axes show along x.
        aside: What upper and lower axes show along y, on logarithmic scales.
    """
    figure = Figure(figsize=(3.6 * len(machines), 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(machines), sharex=True, squeeze=False)
    for column, machine in enumerate(machines):
        axes[0][column].set_title(machine)
        axes[1][column].set_xlabel(below)
    for row, label in enumerate(aside):
        axes[row][0].set_ylabel(label)
        for each in axes[row]:
            each.set_yscale("log")
    yield axes
    axes[0][0].legend()
    figure.savefig(file, dpi=130, metadata={"Software": None})


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
