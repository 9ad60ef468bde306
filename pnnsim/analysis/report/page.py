"""Render pages that need nothing else: no network, no font, and no script but for zooming.

A policy in their head forbids the browser to load anything.

All pages share style sheet, script and the form of a figure; the templates stand beside this file.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pnnsim.analysis.report.files import write_pieces
from pnnsim.analysis.report.pictures.picture import Picture
from pnnsim.analysis.report.style import COLORS, DESK, PHONE, svg

#: Template of the one page that has something to zoom into.
ZOOMED = "report.html.j2"
#: Parts of D3 that zooming takes, each after those that it needs; licences are beside them.
_D3 = (
    "dispatch", "ease", "color", "timer", "selection", "interpolate", "drag", "transition", "zoom",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plate:
    """Picture as a page shows it: for a desk, for a telephone, and to take away.

    Args:
        name: Word that no other picture of the page has.
        title: What it shows.
        caption: What a reader needs to know to read it.
        desk: Wide drawing.
        phone: Narrow drawing.
        svg_file: Address that holds the drawing as a file.
        csv_file: Address that holds its numbers as a file.
    """

    name: str
    title: str
    caption: str
    desk: Markup
    phone: Markup
    svg_file: str
    csv_file: str


def plate(picture: Picture, stem: str = "") -> Plate:
    """Return a picture as a page shows it.

    Args:
        picture: What to draw.
        stem: Beginning of the names of its files; they have the picture's name otherwise.
    """
    wide, narrow = (
        svg(picture.draw(width), f"{picture.name}-{key}", title=picture.title, words=picture.words)
        for key, width in (("d", DESK), ("p", PHONE))
    )
    encoded = base64.b64encode(standalone(wide).encode()).decode()
    return Plate(
        f"{stem}{picture.name}",
        picture.title,
        picture.caption,
        Markup(wide),  # texts are escaped where they are drawn
        Markup(narrow),
        f"data:image/svg+xml;base64,{encoded}",
        f"data:text/csv;charset=utf-8,{quote(picture.table.csv())}",
    )


def plates(pictures: Sequence[Picture]) -> dict[str, Plate]:
    """Return pictures as a page shows them, by name."""
    return {picture.name: plate(picture) for picture in pictures}


def standalone(element: str) -> str:
    """Return an SVG element of a page as a file of its own, with the colors of print."""
    text = re.sub(r"var\(--(\w+)\)", lambda found: COLORS[found[1]], element)
    font = "font-family: 'DejaVu Sans', Verdana, sans-serif; background: #ffffff"
    return text.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" style="{font}" ', 1)


def write_page(path: Path, template: str, content: Mapping[str, Any]) -> None:
    """Render a template and write it.

    Args:
        path: File to write.
        template: Name of the template, in this folder.
        content: Everything that it names.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_pieces(path, [render(template, content)])


def render(template: str, content: Mapping[str, Any]) -> str:
    """Return a template with its content.

    Args:
        template: Name of the template, in this folder.
        content: Everything that it names.
    """
    return (
        _environment()
        .get_template(template)
        .render(style=Markup(_beside("page.css")), script=Markup(_script(template)), **content)
    )


def embedded(text: str) -> Markup:
    """Return JSON as the content of a script element, which it cannot end."""
    return Markup(text.replace("<", "\\u003c"))


def _beside(name: str) -> str:
    return (files("pnnsim.analysis.report") / name).read_text("utf-8")


def _script(template: str) -> str:
    """Return the script of a page; that of a run comes with the library that zooms."""
    names = [f"vendor/d3-{name}.min.js" for name in _D3] if template == ZOOMED else []
    return "\n".join(_beside(name) for name in (*names, "page.js"))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pnnsim.analysis.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
