"""All pictures of a run by name, in the order in which a reader meets them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pnnsim.analysis.report.files import write_pieces
from pnnsim.analysis.report.pictures.accuracy import accuracy_pictures
from pnnsim.analysis.report.pictures.bands import band_pictures
from pnnsim.analysis.report.pictures.energy import draw_split, energy_pictures
from pnnsim.analysis.report.pictures.machine import machine_picture
from pnnsim.analysis.report.pictures.picture import Picture
from pnnsim.analysis.report.pictures.rate import rate_pictures
from pnnsim.analysis.report.pictures.schedule import (
    draw_timeline,
    name_room,
    schedule_height,
    schedule_pictures,
)
from pnnsim.analysis.report.record import Record, Schedule
from pnnsim.analysis.report.rows import energy_parts, title
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.style import settings, write_picture

#: Width of the overview [inch], and heights of its title and of what is between its parts.
_WIDE, _HEAD, _BETWEEN = 10.0, 0.35, 0.35


def pictures(metrics: Metrics, record: Record) -> list[Picture]:
    """Return every picture for which a run has data.

    Args:
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """
    return [
        machine_picture(metrics, record),
        *schedule_pictures(record),
        *rate_pictures(metrics, record),
        *energy_pictures(metrics, record),
        *accuracy_pictures(metrics, record),
        *band_pictures(metrics, record),
    ]


def write_with_data(path: Path, picture: Picture, width: float) -> Path:
    """Write a picture, and its numbers as CSV beside it.

    Args:
        path: File of the picture, `.svg`, `.pdf` or `.png`.
        picture: What to write.
        width: Its width [inch].

    Returns:
        The file of the numbers.

    Raises:
        OutputError: If a file cannot be written.
    """
    write_picture(path, picture.draw(width))
    data = path.with_suffix(".csv")
    write_pieces(data, [picture.table.csv()])
    return data


def write_overview(path: Path, metrics: Metrics, record: Record) -> None:
    """Write schedule and energy below each other as one picture: `run.png`.

    Args:
        path: File to write; its suffix says in which format.
        metrics: Content of `metrics.json`.
        record: Data of the pictures.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_picture(path, overview(metrics, record.schedules))


def overview(metrics: Metrics, schedules: Sequence[Schedule]) -> Figure:
    """Return schedule and energy below each other.

    Args:
        metrics: Content of `metrics.json`.
        schedules: Pictures of the schedule.
    """
    parts = [part for part in energy_parts(metrics) if part.total > 0]
    tall = 0.75 + 0.2 * max(1, len(parts))
    heights = [schedule_height(s.timeline) + _BETWEEN for s in schedules]
    height = _HEAD + sum(heights) + tall
    with settings():
        drawing = Figure(figsize=(_WIDE, height))
        drawing.text(0.1 / _WIDE, 1 - 0.5 * _HEAD / height, title(metrics), fontsize=11,
                     fontweight="bold", va="center")  # fmt: skip
        left = max([name_room(s.timeline, 8.0) for s in schedules] + [1.2]) / _WIDE
        share = 1 - left - 0.01
        top = _HEAD
        for schedule, room in zip(schedules, heights, strict=True):
            drawing.text(0.1 / _WIDE, 1 - (top + 0.17) / height,
                         " ".join([f"{schedule.title}. Filled: critical path.",
                                   *schedule.timeline.remarks]), va="center")  # fmt: skip
            below = 0.42
            upper = 0.3 + (0.22 if schedule.timeline.axis.cuts else 0.0)
            axes = drawing.add_axes(
                (left, 1 - (top + room - below) / height, share, (room - below - upper) / height)
            )
            draw_timeline(axes, schedule.timeline, _WIDE * share)
            top += room
        half = (share - 0.03) / 2
        for place, which in enumerate(("static", "dynamic")):
            axes = drawing.add_axes(
                (left + place * (half + 0.03), 0.3 / height, half, (tall - 0.62) / height)
            )
            draw_split(axes, parts, which, narrow=False)
            if place:
                axes.set_yticklabels([])
    return drawing
