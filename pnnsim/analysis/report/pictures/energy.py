"""Draw where the energy goes: static and dynamic parts apart, and power against time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pnnsim.analysis.report.format import engineering, percent
from pnnsim.analysis.report.pictures.picture import Picture, table_of
from pnnsim.analysis.report.record import Record
from pnnsim.analysis.report.rows import EnergyPart, energy_parts
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.style import COLORS, NARROW, beside, settings, sheet, si_axis, tooltip

#: Height of a bar with its distance, and of what is around the bars [inch].
_BAR, _AROUND = 0.2, 0.62
#: Decades below the largest bar that an axis shows.
_DECADES = 7


def energy_pictures(metrics: Metrics, record: Record | None) -> list[Picture]:
    """Return `energy`, and `power` where its data are there.

    Args:
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """
    found = [_split(metrics)]
    if record is not None and len(record.power.power_w) > 0:
        found.append(_power(metrics, record))
    return found


def draw_split(axes: Axes, parts: Sequence[EnergyPart], which: str, narrow: bool) -> None:
    """Draw one bar for each part that spends anything, on a logarithmic axis.

    Args:
        axes: Where to draw.
        parts: Energy of one inference by component, in the order of the bars.
        which: `static` or `dynamic`.
        narrow: Leave the share of the whole out.
    """
    whole = math.fsum(part.total for part in parts) or 1.0
    values = [part.static if which == "static" else part.dynamic for part in parts]
    largest = max(values, default=0.0)
    axes.set_title(f"{which}: {engineering(math.fsum(values), 'J')}")
    axes.set_yticks(range(len(parts)), [part.component for part in parts])
    axes.set_ylim(len(parts) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    if largest <= 0:
        axes.set_xticks([])
        axes.text(0.02, 0.5, "none", transform=axes.transAxes, color=COLORS["soft"])
        return
    shown = [value for value in values if value > 0]
    low = max(min(shown), largest * 10.0**-_DECADES)
    low, high = 10 ** math.floor(math.log10(low) - 0.05), largest
    axes.set_xscale("log")
    # Room on the right for the longest text.
    room = 1.42 if narrow else 1.48
    axes.set_xlim(low, low * (high / low) ** room)
    color = COLORS["sample" if which == "dynamic" else "static"]
    for place, (part, value) in enumerate(zip(parts, values, strict=True)):
        if value <= 0:
            beside(axes, low, place, "0", color=COLORS["soft"])
            continue
        (bar,) = axes.barh([place], [max(value - low, 0.0)], left=low, height=0.66, color=color)
        tooltip(bar, f"{part.component}, {which}: {engineering(value, 'J')}")
        text = engineering(value, "J", 3) + ("" if narrow else f" ({percent(value / whole, 2)})")
        beside(axes, max(value, low), place, text)
    si_axis(axes, "x", "J")
    ticks = [10.0**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    step = -(-len(ticks) // (2 if narrow else 4))
    axes.set_xticks(ticks[::step])
    axes.grid(axis="x")


def _split(metrics: Metrics) -> Picture:
    parts = [part for part in energy_parts(metrics) if part.total > 0]

    def draw(width: float) -> Figure:
        narrow = width < NARROW
        tall = _AROUND + _BAR * max(1, len(parts))
        with settings():
            drawing = sheet(width, 2 * tall if narrow else tall)
            grid = (2, 1) if narrow else (1, 2)
            first = drawing.add_subplot(*grid, 1)
            second = drawing.add_subplot(*grid, 2)
            draw_split(first, parts, "static", narrow)
            draw_split(second, parts, "dynamic", narrow)
            if not narrow:
                second.set_yticklabels([])
        return drawing

    words = ", ".join(f"{part.component} {engineering(part.total, 'J')}" for part in parts)
    rows = [(part.component, part.dynamic, part.static, part.total) for part in parts]
    total = engineering(metrics["energy_j"]["per_inference"], "J")
    return Picture(
        "energy",
        f"Energy of one inference by component: {total}",
        "Static: power drawn all the time. Dynamic: counted actions times their price. The axes "
        "are logarithmic and differ, so that small terms are seen; shares are of both together.",
        words or "nothing spends energy",
        table_of("component dynamic_j static_j total_j", rows),
        draw,
    )


def _power(metrics: Metrics, record: Record) -> Picture:
    power = record.power

    def draw(width: float) -> Figure:
        with settings():
            drawing = sheet(width, 1.9)
            axes = drawing.add_subplot()
            low, high = min(power.power_w), max(power.power_w)
            standing = [power.standing_w] * 2
            ends = [power.time_s[0], power.time_s[-1]]
            axes.stairs(power.power_w, power.time_s, color=COLORS["sample"], baseline=None)
            axes.plot(ends, standing, color=COLORS["static"], linestyle="--", linewidth=1.0)
            spread = high - min(low, power.standing_w)
            if spread <= 0:
                spread = 0.1 * high or 1.0
            axes.set_ylim(min(low, power.standing_w) - 0.12 * spread, high + 0.15 * spread)
            axes.set_xlim(*ends)
            _level(axes, power.standing_w)
            si_axis(axes, "x", "s")
            axes.grid(axis="y")
            axes.locator_params(axis="x", nbins=4 if width < NARROW else 9)
        return drawing

    return Picture(
        "power",
        "Power of the machine while it begins",
        f"Mean of the whole run {engineering(metrics['power_w'], 'W')}; dashed, "
        f"{engineering(power.standing_w, 'W')}, is drawn also when nothing happens. The axis does "
        "not start at zero.",
        f"from {engineering(min(power.power_w), 'W')} to {engineering(max(power.power_w), 'W')}",
        table_of(
            "start_s end_s power_w",
            [
                (start, end, value)
                for start, end, value in zip(
                    power.time_s[:-1], power.time_s[1:], power.power_w, strict=True
                )
            ],
        ),
        draw,
    )


def _level(axes: Axes, standing: float) -> None:
    """Write the ticks of a power with as many digits as tell them apart."""
    low, high = axes.get_ylim()
    span = (high - low) / max(abs(high), 1e-300)
    digits = min(9, max(3, 2 + math.ceil(-math.log10(max(span, 1e-9)))))
    axes.yaxis.set_major_formatter(lambda value, _: engineering(value, "W", digits))
