"""Draw which parameters move latency and energy most, as two bar charts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pnnsim.analysis.report.style import COLORS, settings, sheet, write_picture

if TYPE_CHECKING:
    from pnnsim.analysis.sensitivity import Sensitivity

_MOST = 15
_BARS = ("sample", "write")


def write_tornado(path: Path, found: Sequence[Sensitivity], title: str) -> None:
    """Write the most influential parameters.

    Args:
        path: File to write, `.svg`, `.pdf` or `.png`.
        found: What the parameters do, in any order.
        title: Name of the machine and network.

    Raises:
        OutputError: If the file cannot be written.
    """
    with settings():
        figure = sheet(10.0, 4.5)
        figure.suptitle(title, fontsize=10, fontweight="bold")
        latency = [(each.latency_share, each.parameter) for each in found]
        energy = [(each.energy_share, each.parameter) for each in found]
        for place, (name, moved) in enumerate(
            (("mean latency", latency), ("energy of one inference", energy))
        ):
            axes = figure.add_subplot(1, 2, place + 1)
            ranked = sorted(moved, key=lambda pair: abs(pair[0]))[-_MOST:]
            shares, parameters = [pair[0] for pair in ranked], [pair[1] for pair in ranked]
            axes.barh(parameters, shares, color=COLORS[_BARS[place]])
            axes.axvline(0, color=COLORS["soft"], linewidth=0.8)
            axes.set_title(f"Change of the {name}")
            axes.set_xlabel("% for 1 % more of the parameter")
    write_picture(path, figure)
