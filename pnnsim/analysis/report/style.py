"""One style for every picture of pnnsim, and its three forms: page, file for a paper, bitmap.

Matplotlib's object interface: no window, no global figure, no settings of the user's own, and the
same bytes for the same picture on the same Matplotlib. What a picture shows is not chosen here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from pnnsim.analysis.report.format import engineering
from pnnsim.errors import OutputError

#: Color of each style, by the name that it has in the style sheet of the page. Blue, bluish green,
#: vermilion and reddish purple of Okabe and Ito (Color Universal Design, 2008), darkened until
#: white text on them can be read; readers who see fewer colors tell them apart.
COLORS = {
    "ink": "#1b1f24", "soft": "#57606a", "line": "#d6dbe1", "sample": "#1f6fb2",
    "route": "#14806a", "write": "#b8530b", "digital": "#a3477f", "other": "#c3cad2",
    "static": "#8d99a6", "cut": "#e9e2d0", "oncolor": "#ffffff",
}  # fmt: skip

#: Widths of a column, and of the page, of common journals [inch]: 89 mm and 183 mm.
COLUMNS = {"single": 3.5, "double": 7.2}
#: Widths of a picture in a page on a desk and on a telephone [inch].
DESK, PHONE = 10.4, 4.0
#: Widths below this are those of one column or a telephone [inch].
NARROW = 5.0

#: Kinds of files, and what keeps date and program out of them.
FORMATS: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}

#: Dots of a bitmap in an inch; a unit of an SVG is a point.
_DPI = 150
#: Marks the tooltip of a shape among the names of groups in an SVG.
_TOOLTIP = "tooltip: "

_SETTINGS: dict[Any, Any] = {
    "font.size": 8.0, "axes.titlesize": 9.0, "axes.titlelocation": "left", "axes.labelsize": 8.0,
    "xtick.labelsize": 8.0, "ytick.labelsize": 8.0, "legend.fontsize": 8.0,
    "legend.frameon": False, "svg.fonttype": "none", "svg.hashsalt": "pnnsim",
    "pdf.fonttype": 42, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "lines.linewidth": 1.4, "axes.unicode_minus": True, "axes.axisbelow": True,
    "text.color": COLORS["ink"], "axes.edgecolor": COLORS["soft"],
    "axes.labelcolor": COLORS["ink"], "xtick.color": COLORS["soft"],
    "ytick.color": COLORS["soft"], "xtick.labelcolor": COLORS["ink"],
    "ytick.labelcolor": COLORS["ink"], "axes.titlecolor": COLORS["ink"],
    "grid.color": COLORS["line"], "grid.linewidth": 0.6, "text.parse_math": False,
    "figure.constrained_layout.h_pad": 0.05, "figure.constrained_layout.w_pad": 0.05,
}  # fmt: skip


@contextmanager
def settings() -> Iterator[None]:
    """Draw with the settings of pnnsim, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def sheet(width: float, height: float) -> Figure:
    """Return an empty picture whose axes find their places by themselves.

    Args:
        width: Width [inch].
        height: Height [inch].
    """
    return Figure(figsize=(width, height), layout="constrained")


def arrange(drawing: Figure) -> None:
    """Give all axes their places once: Matplotlib would look for them again at each drawing."""
    engine = drawing.get_layout_engine()
    if engine is not None:
        engine.execute(drawing)
        drawing.set_layout_engine("none")


def tooltip(artist: mpl.artist.Artist, text: str) -> None:
    """Give a shape a tooltip, which a page shows where the pointer rests on it.

    Args:
        artist: The shape.
        text: One line.
    """
    artist.set_gid(_TOOLTIP + text)


def beside(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    """Write a text to the right of a place, or to its left where that is asked for.

    Args:
        axes: Axes of the picture.
        x: Place on the first axis.
        y: Place on the second axis.
        text: What to write.
        **how: Settings of the text, such as its color, or `ha="right"`.
    """
    shift = -3 if how.get("ha") == "right" else 3
    axes.annotate(text, (x, y), xytext=(shift, 0), textcoords="offset points",
                  annotation_clip=False, **{"va": "center", **how})  # fmt: skip


def si_axis(axes: Axes, way: str, unit: str) -> None:
    """Write the ticks of an axis with SI prefixes.

    Args:
        axes: Axes of the picture.
        way: `x` or `y`.
        unit: Unit of the values.
    """
    axis = axes.xaxis if way == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: engineering(value, unit)))
    if axis.get_scale() == "log":
        axis.set_minor_locator(NullLocator())


def write_picture(path: Path, drawing: Figure) -> None:
    """Write a picture; its suffix says in which format.

    Args:
        path: File to write, `.svg`, `.pdf` or `.png`.
        drawing: The picture.

    Raises:
        OutputError: If the suffix is another, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise OutputError(f"{path}: is no picture; expected a name that ends in .svg, .pdf or .png")
    FigureCanvasAgg(drawing)
    try:
        with settings():
            drawing.savefig(path, format=suffix[1:], dpi=_DPI, metadata=FORMATS[suffix])
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); expected a file in a folder "
            "that exists and is writable. Hint: choose another folder"
        ) from error


def svg(drawing: Figure, key: str, *, title: str, words: str) -> str:
    """Return a picture as an SVG element for a page, with text as text.

    Colors are the variables of the page's style sheet, so that they follow its dark and its
    printed form; names within the element begin with the key.

    Args:
        drawing: The picture.
        key: Word that no other picture of the page has.
        title: What it shows.
        words: What is to be seen, for who cannot see it.
    """
    with settings():
        arrange(drawing)
        drawing.patch.set_visible(False)
        for axes in drawing.axes:
            axes.patch.set_visible(False)
        file = io.StringIO()
        FigureCanvasSVG(drawing).print_svg(file, metadata={"Date": None})  # type: ignore[no-untyped-call]
    text = file.getvalue()
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    box = "0 0 1 1" if size is None else f"0 0 {float(size[1]):g} {float(size[2]):g}"
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(rf'<g id="{_TOOLTIP}([^"]*)">', r"<g><title>\1</title>", body)
    # What is referred to keeps a name of its own; groups of Matplotlib need none.
    named = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in named else "", body)
    for name in named:
        body = re.sub(
            rf'(id="|xlink:href="#|url\(#){re.escape(name)}(?=["\)])', rf"\1{key}-{name}", body
        )
    body = body.replace("xlink:href", "href")
    body = re.sub(r' transform="rotate\(-?0 [^"]*"', "", body)
    body = re.sub(r'style="[^"]*"', _page_style, body)
    body = re.sub(r' (?:d|transform|x|y|width|height)="[^"]*"', _rounded, body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    return (
        f'<svg viewBox="{box}" role="img" aria-labelledby="{key}-t {key}-d">\n'
        f'<title id="{key}-t">{escape(title)}</title>\n<desc id="{key}-d">{escape(words)}</desc>\n'
        f"{body}\n</svg>"
    )


def _rounded(attribute: re.Match[str]) -> str:
    """Return a place in an SVG to a hundredth of a point; texts are never rounded."""
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", attribute[0])


def _page_style(style: re.Match[str]) -> str:
    """Return a style attribute with the page's fonts, and with its variables as colors."""
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", style[0])
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    for name, color in COLORS.items():
        text = text.replace(color, f"var(--{name})")
    return text
