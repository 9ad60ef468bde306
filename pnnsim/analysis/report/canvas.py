"""Draw figures with Matplotlib: as SVG for the page, and as a bitmap beside it.

Matplotlib's object interface: no window, no global figure, no settings of the user's own, and the
same bytes for the same figure on the same Matplotlib. What a figure shows is not chosen here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from pnnsim.analysis.report.figures import WIDTH, Figure
from pnnsim.errors import OutputError

#: Color of each style, by the name that it has in the style sheet of the page.
COLORS = {
    "ink": "#1b1f24", "soft": "#57606a", "line": "#d6dbe1", "sample": "#1f6fb2",
    "route": "#14806a", "write": "#b8530b", "digital": "#7a4fb0", "other": "#c3cad2",
    "static": "#8d99a6", "cut": "#e9e2d0", "oncolor": "#ffffff",
}  # fmt: skip

#: Ink of a line, and width [px].
_LINES = {"grid": ("line", 1.0), "scale": ("ink", 1.5)}
#: Color of a box, and its opacity: pale is what is not on the critical path.
_BOXES = {
    "sample": ("sample", 0.22), "sample critical": ("sample", 1.0),
    "route": ("route", 0.22), "route critical": ("route", 1.0),
    "write": ("write", 0.22), "write critical": ("write", 1.0),
    "digital": ("digital", 0.22), "digital critical": ("digital", 1.0),
    "other": ("other", 1.0), "other critical": ("soft", 1.0),
    "dynamic": ("sample", 1.0), "static": ("static", 1.0), "cut": ("cut", 1.0),
}  # fmt: skip
#: Boxes with a line around them.
_FRAMED = tuple(
    style for style in _BOXES if style.startswith(("sample", "route", "write", "digital"))
)
#: Pixels in an inch, so that one unit of an SVG is a pixel; and of the bitmap.
_PX, _DPI = 72, 110
#: Above the first figure of a bitmap, for its title; and above each figure, for its own [px].
_HEAD, _NAME = 34.0, 30.0
#: Marks the tooltip of a box among the names of groups in an SVG.
_TOOLTIP = "tooltip: "


@contextmanager
def settings() -> Iterator[None]:
    """Draw with the settings of pnnsim, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"font.size": 11, "svg.fonttype": "none", "svg.hashsalt": "pnnsim"})
        yield


def svg(figure: Figure, key: str) -> str:
    """Return a figure as an SVG element for a page, with text as text and a tooltip for each box.

    Colors are the variables of the page's style sheet, so that they follow its dark and its
    printed form.

    Args:
        figure: What to draw.
        key: Word that makes the names of this element unique in the page.
    """
    with settings():
        drawing = Drawing(figsize=(WIDTH / _PX, figure.height / _PX), dpi=_PX)
        _draw(_axes(drawing, 0.0, figure.height, figure.height), figure)
        drawing.patch.set_visible(False)
        file = io.StringIO()
        drawing.savefig(file, format="svg", metadata={"Date": None})
    return _element(file.getvalue(), figure, key)


def write_bitmap(path: Path, title: str, figures: Sequence[tuple[str, Figure]]) -> None:
    """Write figures below each other as a PNG.

    Args:
        path: File to write.
        title: First line of the picture.
        figures: Line above each figure, and the figure.

    Raises:
        OutputError: If the file cannot be written.
    """
    height = _HEAD + sum(_NAME + figure.height for _, figure in figures)
    with settings():
        drawing = Drawing(figsize=(WIDTH / _PX, height / _PX))
        top = _HEAD
        _heading(drawing, title, 1.0 - 0.5 * _HEAD / height, size=13, weight="bold")
        for name, figure in figures:
            _heading(drawing, name, 1.0 - (top + 0.6 * _NAME) / height, size=12, weight="normal")
            _draw(_axes(drawing, top + _NAME, figure.height, height), figure)
            top += _NAME + figure.height
        save_bitmap(path, drawing)


def save_bitmap(path: Path, drawing: Drawing) -> None:
    """Write a drawing as a PNG without the date and the version of the program.

    Args:
        path: File to write.
        drawing: Finished drawing.

    Raises:
        OutputError: If the file cannot be written.
    """
    FigureCanvasAgg(drawing)
    try:
        drawing.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); expected a file in a folder "
            "that exists and is writable. Hint: choose another folder"
        ) from error


def _axes(drawing: Drawing, top: float, height: float, whole: float) -> Axes:
    """Return axes without a frame, in pixels from their upper left corner.

    Args:
        drawing: Drawing to place them in.
        top: Place of their upper edge [px].
        height: Their height [px].
        whole: Height of the drawing [px].
    """
    axes = drawing.add_axes((0.0, 1.0 - (top + height) / whole, 1.0, height / whole))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    return axes


def _heading(drawing: Drawing, text: str, y: float, *, size: int, weight: str) -> None:
    drawing.text(10 / WIDTH, y, text, fontsize=size, fontweight=weight, color=COLORS["ink"],
                 va="center", parse_math=False)  # fmt: skip


def _draw(axes: Axes, figure: Figure) -> None:
    """Draw lines, boxes and texts; nothing is clipped, as a clip would need a name of its own."""
    for line in figure.lines:
        ink, width = _LINES[line.style]
        axes.add_artist(
            Line2D([line.x1, line.x2], [line.y1, line.y2], color=COLORS[ink], linewidth=width,
                   clip_on=False, zorder=1)
        )  # fmt: skip
    for box in figure.boxes:
        name, alpha = _BOXES[box.style]
        color, framed = COLORS[name], box.style in _FRAMED
        axes.add_patch(
            Rectangle((box.x, box.y), box.width, box.height, facecolor=(color, alpha),
                      edgecolor=color if framed else "none", linewidth=1.0 if framed else 0.0,
                      clip_on=False, zorder=2, gid=_TOOLTIP + box.title)
        )  # fmt: skip
        if box.text:
            place = box.x + box.width / 2, box.y + box.height / 2 + 4
            ink = "ink" if alpha < 1 else "oncolor"
            axes.text(*place, box.text, color=COLORS[ink], ha="center", va="baseline",
                      parse_math=False, zorder=3)  # fmt: skip
    sides = {"start": "left", "middle": "center", "end": "right"}
    for text in figure.texts:
        axes.text(text.x, text.y, text.text, color=COLORS["ink"], ha=sides[text.anchor],
                  va="baseline", parse_math=False, zorder=3)  # fmt: skip


def _element(text: str, figure: Figure, key: str) -> str:
    """Return the SVG file of a figure as an element for a page.

    Of the names that Matplotlib gives only the tooltips are left; fonts and colors are those of
    the page.
    """
    body = text[text.index("</defs>") + len("</defs>") : text.rindex("</svg>")]
    body = re.sub(rf'<g id="{_TOOLTIP}([^"]*)">', r"<g><title>\1</title>", body)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*">', "<g>", body)
    body = re.sub(r' transform="rotate\(-?0 [^"]*"', "", body)
    body = re.sub(r'style="[^"]*"', _page_style, body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    title, words = escape(figure.title), escape(figure.description)
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {figure.height:g}" role="img" '
        f'aria-labelledby="t{key} d{key}">\n'
        f'<title id="t{key}">{title}</title>\n<desc id="d{key}">{words}</desc>\n{body}\n</svg>'
    )


def _page_style(style: re.Match[str]) -> str:
    """Return a style attribute without fonts, and with the page's variables as colors."""
    text = re.sub(r"font(-\w+)?: [^;\"]*;? ?", "", style[0])
    for name, color in COLORS.items():
        text = text.replace(color, f"var(--{name})")
    return text
