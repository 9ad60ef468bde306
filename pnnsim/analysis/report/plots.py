"""Draw one bitmap of a run, for a README or a slide: what happened when, and where the energy went.

Matplotlib's object interface on the Agg canvas: no window, no global figure, and the same bytes for
the same run on the same Matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pnnsim.analysis.report.format import engineering, percent
from pnnsim.analysis.report.rows import Metrics, energy_parts, title
from pnnsim.analysis.report.timeline import Timeline, change_title, first_change, first_sample
from pnnsim.errors import OutputError
from pnnsim.timing.trace import Trace

_COLORS = {"sample": "#1f6fb2", "route": "#14806a", "write": "#b8530b", "other": "#c3cad2"}
_BUSY, _STATIC, _CUT, _GRID = "#57606a", "#8d99a6", "#e9e2d0", "#d6dbe1"
_INCHES, _DPI = 10.0, 130
_LABEL_POINTS = 5.2  # mean advance of a character of the labels


def write_run_picture(path: Path, trace: Trace, metrics: Metrics) -> None:
    """Write a PNG with the first sample, its first change of bank, and the energy split.

    Args:
        path: File to write.
        trace: Trace of the run.
        metrics: Content of `metrics.json` of the same run.

    Raises:
        OutputError: If the file cannot be written.
    """
    timelines = [("First sample", first_sample(trace))]
    change = first_change(trace)
    if change is not None:
        timelines.append((f"Closer: {change_title(trace)}", change))
    parts = [part for part in energy_parts(metrics) if part.total > 0]
    heights = [len(timeline.lanes) + 2.5 for _, timeline in timelines] + [len(parts) + 1.5]
    # A user's own matplotlibrc must not change the picture of a run.
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"font.size": 9, "axes.titlesize": 10, "axes.titlelocation": "left"})
        figure = Figure(figsize=(_INCHES, 0.26 * sum(heights) + 0.6), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title(metrics), fontsize=11, fontweight="bold")
        grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        for i, (name, timeline) in enumerate(timelines):
            _draw_timeline(figure.add_subplot(grid[i]), timeline, name)
        _draw_energy(figure.add_subplot(grid[len(timelines)]), metrics)
        try:
            figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror or error}); expected a file in a "
                "folder that exists and is writable. Hint: choose another folder"
            ) from error


def _draw_timeline(axes: Axes, timeline: Timeline, name: str) -> None:
    """Draw lanes and spans; filled spans are on the critical path."""
    axis = timeline.axis
    points = 72 * _INCHES * 0.82
    for first, last in axis.cuts:
        axes.axvspan(axis.place(first), axis.place(last), color=_CUT, zorder=0)
    for bar in timeline.bars:
        x, end = axis.place(bar.start_fs), axis.place(bar.end_fs)
        color = _BUSY if bar.kind == "other" and bar.critical else _COLORS[bar.kind]
        alpha = 1.0 if bar.critical or bar.kind == "other" else 0.25
        edge = "none" if bar.kind == "other" else color
        axes.barh(bar.lane, end - x, height=0.72, left=x, color=(color, alpha), zorder=2,
                  edgecolor=edge, linewidth=0.6)  # fmt: skip
        if bar.kind != "other":
            room = (end - x) * points
            text = next((t for t in bar.labels if len(t) * _LABEL_POINTS < room), "")
            ink = "white" if bar.critical else "black"
            axes.text((x + end) / 2, bar.lane, text, color=ink, fontsize=7.5, ha="center",
                      va="center", zorder=3)  # fmt: skip
    ticks = axis.ticks()
    axes.set_xticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.set_yticks(range(len(timeline.lanes)), timeline.lanes)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(timeline.lanes) - 0.4, -0.6)
    axes.grid(axis="x", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_title(" ".join([f"{name}. Filled: critical path.", *timeline.remarks]))
    _bare(axes)


def _draw_energy(axes: Axes, metrics: Metrics) -> None:
    """Draw the energy of one inference by component, dynamic part first."""
    parts = [part for part in energy_parts(metrics) if part.total > 0]
    whole = sum(part.total for part in parts)
    for i, part in enumerate(parts):
        axes.barh(i, part.dynamic, color=_COLORS["sample"], height=0.72)
        axes.barh(i, part.static, left=part.dynamic, color=_STATIC, height=0.72)
        text = f" {engineering(part.total, 'J')} ({percent(part.total / whole, 1)})"
        axes.text(part.total, i, text, va="center", fontsize=8)
    axes.set_yticks(range(len(parts)), [part.component for part in parts])
    axes.set_ylim(max(len(parts), 1) - 0.4, -0.6)
    axes.set_xlim(0, 1.25 * max((part.total for part in parts), default=1.0))
    axes.set_xticks([])
    total = engineering(metrics["energy_j"]["per_inference"], "J")
    axes.set_title(f"Energy of one inference: {total} (blue: dynamic, grey: static)")
    _bare(axes)


def _bare(axes: Axes) -> None:
    """Leave no frame around the plot; lanes speak for themselves."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
