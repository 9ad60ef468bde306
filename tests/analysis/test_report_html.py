"""The page of a run, and its bitmap: complete, self-contained, safe, the same twice."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from pnnsim.analysis.report import html
from pnnsim.analysis.report.canvas import svg
from pnnsim.analysis.report.figures import accuracy_figure, latency_figure, schedule_figure
from pnnsim.analysis.report.html import write_html
from pnnsim.analysis.report.run_figures import write_run_picture
from pnnsim.analysis.report.timeline import first_sample
from pnnsim.errors import OutputError
from tests.analysis.report_example import SPEC, make_metrics, make_trace

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collect tags and attributes, and refuse tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(tmp_path: Path, metrics: dict[str, Any] | None = None, **of: int) -> str:
    trace = make_trace(**of)
    write_html(tmp_path / "report.html", metrics or make_metrics(trace), trace, SPEC)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_page_is_well_formed_and_needs_nothing_else(tmp_path: Path) -> None:
    text = page(tmp_path, steps=12)
    found = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert not {"src", "href", "onload"} & {name for name, _ in found.attributes}
    assert "url(" not in text
    assert "@import" not in text


def test_every_picture_has_a_title_and_a_description(tmp_path: Path) -> None:
    text = page(tmp_path)
    found = Page(text)
    pictures = found.tags.count("svg")
    assert pictures == 5  # first sample, closer, latencies, energy, accuracy
    labels = [value for name, value in found.attributes if name == "aria-labelledby"]
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(labels) == pictures
    assert len(set(ids)) == len(ids) == 2 * pictures
    assert sorted(" ".join(map(str, labels)).split()) == sorted(map(str, ids))


def test_page_says_what_a_reader_needs(tmp_path: Path) -> None:
    text = page(tmp_path)
    for wanted in (
        "96.94 %", "detector saturates for 3 %", "crosstalk", "+0.47 points", "6b1f" * 16,
        "pnnsim run resolved.yaml", "Lu, Optics Express, 2016", "switch.rise_time",
        "assumed: a fast sample-and-hold", "equal to the simulation to the femtosecond",
    ):  # fmt: skip
        assert wanted in text, wanted


def test_page_tells_of_refreshes_where_banks_are_refreshed(tmp_path: Path) -> None:
    assert "refresh" not in page(tmp_path).lower()
    metrics = make_metrics(make_trace())
    metrics["refresh"] = {"writes": 4, "time_s": 8e-6, "energy_j": 2e-9}
    text = page(tmp_path, metrics)
    for wanted in ("Refresh, while inference goes on", "2 µs each", "2 nJ"):
        assert wanted in text, wanted


def test_names_cannot_inject_markup(tmp_path: Path) -> None:
    trace = make_trace()
    metrics = make_metrics(trace)
    metrics["hardware"] = metrics["warnings"][0] = "<script>alert(1)</script>"
    spec = SimpleNamespace(name="<b>", summary='"><i>', sources={"<u>": "<img src=x>"})
    write_html(tmp_path / "r.html", metrics, trace, spec)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not {"script", "b", "i", "u", "img"} & set(Page(text).tags)


def test_page_without_accuracy_and_sources_is_whole(tmp_path: Path) -> None:
    metrics = make_metrics(make_trace(samples=1))
    del metrics["accuracy"], metrics["task"], metrics["warnings"]
    text = page(tmp_path, metrics, samples=1)
    assert Page(text).tags.count("svg") == 3  # one sample has no distribution of latencies
    assert "Every sample took equally long" in text
    assert "accuracy" not in text


def test_rewriting_leaves_the_picture_legible() -> None:
    figure = schedule_figure(first_sample(make_trace(steps=6, write_fs=10_000_000_000)), "first")
    cuts = [box for box in figure.boxes if box.style == "cut"]
    assert len(cuts) == 5
    # each capture is wider than a line (1 px) although a write lasts 50,000 times as long
    detects = [box for box in figure.boxes if box.title.startswith("detect t=")]
    assert min(box.width for box in detects) > 1.5
    assert all(box.x + box.width <= figure.width for box in figure.boxes)


def test_text_stays_inside_its_span() -> None:
    figure = schedule_figure(first_sample(make_trace(steps=12)), "first")
    named = [box for box in figure.boxes if box.text]
    assert named
    # 5 px is a narrow mean advance at 11 px: text that passes here may still be tight, not long
    assert all(5.0 * len(box.text) < box.width for box in named)


def test_histogram_counts_every_sample_once() -> None:
    latency = np.array([100, 100, 103, 120, 140, 140, 140])
    figure = latency_figure(latency)
    assert figure is not None
    counted = [int(re.match(r"\d+", box.title)[0]) for box in figure.boxes]  # type: ignore[index]
    assert sum(counted) == len(latency)
    assert latency_figure(np.array([7, 7])) is None


def test_chips_that_agree_stay_visible() -> None:
    figure = accuracy_figure(0.97, [0.95, 0.95, 0.95, 0.96])
    assert figure is not None
    assert len({(box.x, box.y) for box in figure.boxes}) == 4
    assert all(0 <= box.y < figure.height for box in figure.boxes)
    assert accuracy_figure(0.97, []) is None
    assert accuracy_figure(1.0, [1.0]) is not None


def test_drawing_keeps_every_text_and_tooltip_as_text() -> None:
    figure = schedule_figure(first_sample(make_trace(steps=3)), "a & <b>")
    root = ElementTree.fromstring(svg(figure, "s1"))
    texts = [element.text for element in root.iter("text")]
    inside = [box.text for box in figure.boxes if box.text]
    assert sorted(map(str, texts)) == sorted([*inside, *(text.text for text in figure.texts)])
    tooltips = [element.text for element in root.iter("title")]
    assert tooltips == ["a & <b>", *(box.title for box in figure.boxes)]


def test_drawing_takes_its_colors_and_fonts_from_the_page() -> None:
    trace = make_trace(steps=6, write_fs=10_000_000_000)
    text = svg(schedule_figure(first_sample(trace), "first"), "s1")
    assert not re.search(r"#[0-9a-f]{6}", text)
    assert "font" not in text
    template = (
        Path(html.__file__)
        .with_name("report.html.j2")
        .read_text(encoding="utf-8")
        .split("</style>")
    )[0]
    for name in set(re.findall(r"var\(--(\w+)\)", text)):
        assert f"--{name}: " in template


def test_names_in_one_drawing_never_meet_those_of_another(tmp_path: Path) -> None:
    ids = re.findall(r' id="([^"]*)"', page(tmp_path))
    assert len(ids) == len(set(ids)) == 2 * 5


def test_page_and_picture_are_the_same_twice(tmp_path: Path) -> None:
    trace = make_trace()
    assert page(tmp_path) == page(tmp_path)
    for name in ("a.png", "b.png"):
        write_run_picture(tmp_path / name, trace, make_metrics(trace))
    first = (tmp_path / "a.png").read_bytes()
    assert first == (tmp_path / "b.png").read_bytes()
    assert first.startswith(b"\x89PNG")


def test_picture_leaves_the_settings_of_matplotlib_alone(tmp_path: Path) -> None:
    trace = make_trace()
    plain = page(tmp_path)
    write_run_picture(tmp_path / "a.png", trace, make_metrics(trace))
    with mpl.rc_context({"font.size": 17.0, "svg.fonttype": "path", "savefig.dpi": 30}):
        assert page(tmp_path) == plain
        write_run_picture(tmp_path / "b.png", trace, make_metrics(trace))
        assert mpl.rcParams["font.size"] == 17.0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_file_that_cannot_be_written_is_a_plain_error(tmp_path: Path) -> None:
    trace = make_trace()
    with pytest.raises(OutputError, match="cannot be written"):
        write_html(tmp_path / "no" / "r.html", make_metrics(trace), trace, SPEC)
    with pytest.raises(OutputError, match="cannot be written"):
        write_run_picture(tmp_path / "no" / "r.png", trace, make_metrics(trace))
