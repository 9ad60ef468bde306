"""Choose the figures of a run: for the page, and for the bitmap that a README or a slide shows."""

from __future__ import annotations

from pathlib import Path

from pnnsim.analysis.report.canvas import write_bitmap
from pnnsim.analysis.report.figures import Figure, energy_figure, schedule_figure
from pnnsim.analysis.report.format import engineering
from pnnsim.analysis.report.rows import energy_parts, title
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.timeline import change_title, first_change, first_sample
from pnnsim.timing.trace import Trace


def schedule_figures(trace: Trace) -> list[tuple[Figure, tuple[str, ...]]]:
    """Return the figures of the schedule, each with remarks that a reader needs."""
    found = [("The first sample, from arrival to result", first_sample(trace))]
    change = first_change(trace)
    if change is not None:
        found.append((f"Closer: {change_title(trace)} of the first sample", change))
    return [(schedule_figure(timeline, name), timeline.remarks) for name, timeline in found]


def write_run_picture(path: Path, trace: Trace, metrics: Metrics) -> None:
    """Write a PNG with the first sample, its first change of bank, and the energy split.

    Args:
        path: File to write.
        trace: Trace of the run.
        metrics: Content of `metrics.json` of the same run.

    Raises:
        OutputError: If the file cannot be written.
    """
    schedules = [
        (" ".join([f"{figure.title}. Filled: critical path.", *remarks]), figure)
        for figure, remarks in schedule_figures(trace)
    ]
    energy = energy_figure(energy_parts(metrics))
    total = engineering(metrics["energy_j"]["per_inference"], "J")
    split = f"{energy.title}: {total} (blue: dynamic, grey: static)"
    write_bitmap(path, title(metrics), [*schedules, (split, energy)])
