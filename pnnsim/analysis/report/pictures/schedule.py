"""Draw schedules: lanes of units, bars of what they do, and an axis that may be cut."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pnnsim.analysis.report.format import engineering
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.record import Record, Schedule
from pnnsim.analysis.report.style import COLORS, NARROW, settings, tooltip
from pnnsim.analysis.report.timeline import Timeline

#: Heights of a lane, of what is above the lanes and of what is below them [inch].
_LANE, _ABOVE, _BELOW = 0.235, 0.22, 0.42
#: Mean advance of a character for each point of its size [inch]; generous, since fonts differ.
_ADVANCE = 0.0088
#: Share of a lane that a bar takes, and opacity of a bar that cost no time.
_BAR, _PALE = 0.78, 0.22
_FRAMED = ("sample", "route", "write", "digital")
_NAMES = ("timeline", "steps")


def schedule_pictures(record: Record) -> list[Picture]:
    """Return the pictures of the schedule: `timeline`, and `steps` where there are several."""
    return [
        _picture(name, schedule) for name, schedule in zip(_NAMES, record.schedules, strict=False)
    ]


def draw_schedules(
    axes: Sequence[Axes], schedules: Sequence[Schedule], width: float, size: float
) -> None:
    """Draw schedules into axes that lie below each other.

    Args:
        axes: One for each schedule.
        schedules: What to draw.
        width: Width of the axes [inch].
        size: Size of the text [points].
    """
    for axis, schedule in zip(axes, schedules, strict=True):
        draw_timeline(axis, schedule.timeline, width, size)


def draw_timeline(axes: Axes, timeline: Timeline, width: float, size: float = 8.0) -> None:
    """Draw lanes, bars, axis and cuts.

    Args:
        axes: Where to draw.
        timeline: What to draw.
        width: Width of the axes [inch], by which texts are chosen that fit.
        size: Size of the text [points].
    """
    axis, lanes = timeline.axis, len(timeline.lanes)
    axes.set_xlim(0, 1)
    axes.set_ylim(lanes, 0)
    for number in range(1, lanes + 1):
        axes.axhline(number, color=COLORS["line"], linewidth=0.6, zorder=1)
    for first, last in axis.cuts:
        x, end = axis.place(first), axis.place(last)
        length = engineering(1e-15 * (last - first), "s", 3)
        shade = Rectangle((x, 0), end - x, lanes, facecolor=COLORS["cut"], zorder=0)
        tooltip(shade, f"axis cut: {length}")
        axes.add_patch(shade)
        if _fits(length, (end - x) * width, size):
            axes.text((x + end) / 2, -0.12, length, ha="center", va="bottom", fontsize=size)
    for bar in timeline.bars:
        x, end = axis.place(bar.start_fs), axis.place(bar.end_fs)
        across = max(end - x, 0.006 / width)
        plain = bar.kind == "other"
        color = COLORS["soft" if plain and bar.critical else bar.kind]
        alpha = 1.0 if bar.critical or plain else _PALE
        shape = Rectangle(
            (x, bar.lane + (1 - _BAR) / 2), across, _BAR,
            facecolor=(color, alpha), edgecolor=color if bar.kind in _FRAMED else "none",
            linewidth=0.6 if bar.kind in _FRAMED else 0.0, zorder=2,
        )  # fmt: skip
        tooltip(shape, bar.title)
        axes.add_patch(shape)
        texts = () if plain else bar.labels
        text = next((text for text in texts if _fits(text, across * width, size)), "")
        if text:
            ink = COLORS["oncolor" if bar.critical else "ink"]
            axes.text(x + across / 2, bar.lane + 0.53, text, ha="center", va="center",
                      color=ink, fontsize=size, zorder=3)  # fmt: skip
    _frame(axes, timeline, width, size)


def _frame(axes: Axes, timeline: Timeline, width: float, size: float) -> None:
    """Write names of lanes, times and the scale."""
    for side in axes.spines.values():
        side.set_visible(False)
    names = [i + 0.5 for i in range(len(timeline.lanes))]
    axes.set_yticks(names, timeline.lanes, fontsize=size)
    axes.tick_params(axis="y", length=0)
    ticks = timeline.axis.ticks(max(2, min(9, int(width / 0.75))))
    axes.set_xticks([place for place, _ in ticks], [text for _, text in ticks], fontsize=size)
    for place, label in zip(ticks, axes.get_xticklabels(), strict=True):
        # The first and the last must not run over the edge.
        label.set_horizontalalignment(
            "left" if place[0] < 0.02 else "right" if place[0] > 0.97 else "center"
        )
    if not timeline.axis.cuts:
        axes.grid(axis="x", zorder=0)
        return
    share, text = timeline.axis.scale_bar()
    below = len(timeline.lanes) + 0.45
    middle = 0.5
    axes.plot([middle - share / 2, middle + share / 2], [below, below], color=COLORS["ink"],
              linewidth=1.5, clip_on=False)  # fmt: skip
    axes.text(middle, below + 0.15, text, ha="center", va="top", fontsize=size, clip_on=False)


def schedule_height(timeline: Timeline) -> float:
    """Return the height that a schedule needs [inch]."""
    return _LANE * len(timeline.lanes) + _BELOW + (_ABOVE if timeline.axis.cuts else 0.08)


def name_room(timeline: Timeline, size: float) -> float:
    """Return the width that the names of the lanes need [inch].

    Args:
        timeline: What is drawn.
        size: Size of the letters [pt].
    """
    return 0.1 + _ADVANCE * size * max(len(name) for name in timeline.lanes)


def _picture(name: str, schedule: Schedule) -> Picture:
    timeline = schedule.timeline

    def draw(width: float) -> Figure:
        size = 8.0 if width > NARROW else 7.0
        height = schedule_height(timeline)
        left = name_room(timeline, size) / width
        top = (_ABOVE if timeline.axis.cuts else 0.06) / height
        with settings():
            # Places are given: names of lanes and times are all that stands outside the axes.
            drawing = Figure(figsize=(width, height))
            share = 1 - left - 0.01
            axes = drawing.add_axes((left, _BELOW / height, share, 1 - top - _BELOW / height))
            draw_timeline(axes, timeline, width * share, size)
        return drawing

    critical = [bar.title.partition(":")[0] for bar in timeline.bars if bar.critical]
    words = (
        f"{len(timeline.bars)} spans on {len(timeline.lanes)} lanes; critical path: "
        + ", ".join(critical[:12])
        + (" …" if len(critical) > 12 else "")
    )
    rows = [
        (timeline.lanes[bar.lane], bar.title.partition(":")[0], bar.kind, bar.start_fs, bar.end_fs,
         "yes" if bar.critical else "no")
        for bar in timeline.bars
    ]  # fmt: skip
    return Picture(
        name,
        schedule.title,
        " ".join(timeline.remarks),
        words,
        table_of("lane span kind start_fs end_fs critical", rows),
        draw,
    )


def _fits(text: str, room: float, size: float) -> bool:
    """Return whether a text fits into a width [inch]."""
    return _ADVANCE * size * len(text) + 0.04 < room
