"""Plots of fits: data, model and residuals. Nothing is fitted here."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from pnnsim.common.files import replace_file
from pnnsim.common.units import show_path
from pnnsim.devices.fit.regression import Solution
from pnnsim.errors import InputError, OutputError

#: Curves that a legend names.
_MOST_NAMED = 8


def write_plot(solution: Solution, title: str, path: Path) -> None:
    """Write data, model and residuals as an image.

    Args:
        solution: What was fitted.
        title: Title of the plot.
        path: File that ends in `.svg` or `.png`.

    Raises:
        InputError: If the name ends otherwise.
        OutputError: If it cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "png"):
        raise InputError(f"plot: got '{show_path(path.name)}'; expected a name in .svg or .png")
    raw = BytesIO()
    _draw(solution, title, raw, kind)
    try:
        replace_file(path, raw.getvalue())
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"{show_path(str(path))}: cannot be written: {why}") from None


def _draw(solution: Solution, title: str, raw: BytesIO, kind: str) -> None:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    curves = solution.regression.curves
    for i, curve in enumerate(curves):
        order = np.argsort(curve.x)
        color = f"C{i % 10}"
        name = curve.label if i < _MOST_NAMED else None
        used = solution.used[i]
        upper.plot(curve.x[used], curve.y[used], ".", ms=3, color=color, label=name)
        upper.plot(curve.x[~used], curve.y[~used], "x", ms=4, color=color)
        upper.plot(curve.x[order], solution.predicted[i][order], "-", lw=1, color="black")
        lower.plot(curve.x[used], solution.residuals[i][used], ".", ms=2, color=color)
    lower.axhline(0.0, color="black", lw=0.5)
    if curves[0].logarithmic and all(float(curve.x.min()) > 0.0 for curve in curves):
        upper.set_xscale("log")
    upper.set_title(title, fontsize=9)
    upper.set_ylabel(curves[0].y_title)
    lower.set_ylabel("residual" if solution.regression.deviance is None else "residual / sigma")
    lower.set_xlabel(curves[0].x_title)
    upper.legend(fontsize=8)
    # A fixed salt and no date: the same fit gives the same file.
    with mpl.rc_context({"svg.hashsalt": "pnnsim"}):
        meta = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(raw, format=kind, dpi=150, metadata=meta)
