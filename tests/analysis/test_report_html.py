"""The page of a run, and its pictures: complete, self-contained, safe, the same twice."""

from __future__ import annotations

import re
from base64 import b64decode
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from pydantic import TypeAdapter

from pnnsim.analysis.report import page as page_module
from pnnsim.analysis.report.cards import cards
from pnnsim.analysis.report.html import report, write_html
from pnnsim.analysis.report.page import plate, write_page
from pnnsim.analysis.report.pictures.energy import energy_pictures
from pnnsim.analysis.report.pictures.gallery import write_overview
from pnnsim.analysis.report.record import Record, read_record, write_record
from pnnsim.analysis.report.sections import sections
from pnnsim.errors import InputError, OutputError
from tests.analysis.report_example import make_metrics, make_record, make_trace

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collect tags and attributes, and refuse tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
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

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.words.append(data)


@cache
def plain_page(**of: int) -> str:
    of = {"steps": 12} | of
    trace = make_trace(**of)
    return report(make_metrics(trace), make_record(trace))


def page_of(metrics: dict[str, Any]) -> str:
    return report(metrics, make_record(make_trace(steps=12)))


def test_page_is_well_formed_and_loads_nothing() -> None:
    text = plain_page()
    found = Page(text)
    assert not {"link", "img", "iframe", "object", "image"} & set(found.tags)
    assert not {"src", "onload", "onclick", "srcset"} & {name for name, _ in found.attributes}
    # Links are for a reader to follow, within the page or to a work; files are in the page itself.
    allowed = ("#", "data:", "https://arxiv.org/abs/", "https://doi.org/")
    for name, value in found.attributes:
        if name == "href":
            assert str(value).startswith(allowed), value
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    # A browser is told to load nothing, whatever else the page may hold.
    assert """content="default-src 'none'; style-src 'unsafe-inline'; script-src""" in text
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(", text)


def test_every_picture_has_a_title_and_a_description() -> None:
    text = plain_page()
    found = Page(text)
    labels = [value for name, value in found.attributes if name == "aria-labelledby"]
    ids = [value for name, value in found.attributes if name == "id"]
    # Eleven pictures, each for a desk and for a telephone.
    assert found.tags.count("svg") == len(labels) == 2 * 11
    assert len(set(ids)) == len(ids)
    assert set(" ".join(map(str, labels)).split()) <= set(map(str, ids))


def test_page_says_what_a_reader_needs() -> None:
    text = " ".join(" ".join(Page(plain_page()).words).split())
    for wanted in (
        "96.94 %", "detector saturates for 3 %", "weight_banks.crosstalk", "+0.47 points",
        "6b1f" * 16, "pnnsim run resolved.yaml", "Lu et al., Optics Express", "switch.rise_time",
        "assumed: a fast sample-and-hold", "equal to the simulation to the femtosecond",
        "2026-01-02 03:04 UTC", "95 % interval from 3 samples", "p50",
        "2 published, 1 derived, 1 assumed", "author = {Lu and others}",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert 'href="https://arxiv.org/abs/2508.11146"' in plain_page()


def test_page_opens_with_first_latency_and_median() -> None:
    trace = make_trace()
    metrics = make_metrics(trace)
    metrics["latency_s"]["p50"] = 777e-9
    metrics["band"] = {
        "draws": 2, "infeasible": 0, "seed": 0, "samples": 3, "assumptions": 1, "hangs_on": [],
        **{key: {"value": 2.0, "p5": 1.0, "p50": 2.0, "p95": 3.0}
           for key in ("latency_s", "interval_s", "energy_j")},
    }  # fmt: skip
    head = " ".join(" ".join((card.value, card.second, *card.lines)) for card in cards(metrics))
    assert "777 ns p50" in head
    assert "1 s to 3 s: 5 to 95 % of the stated ranges" in head
    assert "1 J to 3 J: 5 to 95 % of the stated ranges" in head


def test_page_tells_of_refreshes_where_banks_are_refreshed() -> None:
    words = "Refresh, while inference goes on"
    assert words not in plain_page()
    metrics = make_metrics(make_trace())
    metrics["refresh"] = {"writes": 4, "time_s": 8e-6, "energy_j": 2e-9}
    shown = {section.title: section.rows for section in sections(metrics)}
    values = [f"{row.value} {row.note}" for row in shown[words]]
    assert "2 µs each" in " ".join(values)
    assert any("2 nJ" in value for value in values)


def test_names_cannot_inject_markup(tmp_path: Path) -> None:
    trace = make_trace()
    metrics = make_metrics(trace)
    evil = "</script><script>alert(1)</script><b>"
    metrics["hardware"] = metrics["warnings"][0] = evil
    metrics["accuracy"]["ablation"][0]["non_ideality"] = evil
    tree = TypeAdapter(Record).dump_python(make_record(trace), mode="json")
    tree |= {"summary": '"><i>', "when": evil}
    tree["sources"] = [{"path": evil, "kind": "assumed", "source": 'arXiv:2508.11146"><u>'}]
    tree["spans"]["labels"] = [evil for _ in tree["spans"]["labels"]]
    record = TypeAdapter(Record).validate_python(tree)
    write_html(tmp_path / "r.html", metrics, record)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    found = Page(text)
    assert not {"b", "i", "u", "img"} & set(found.tags)
    assert found.tags.count("script") == 2  # the spans, and the script of the page


def test_page_without_accuracy_and_sources_is_whole(tmp_path: Path) -> None:
    metrics = make_metrics(make_trace(samples=1))
    del metrics["accuracy"], metrics["task"], metrics["warnings"]
    trace = make_trace(samples=1)
    tree = TypeAdapter(Record).dump_python(make_record(trace), mode="json")
    record = TypeAdapter(Record).validate_python(tree | {"sources": [], "confusion": []})
    write_html(tmp_path / "r.html", metrics, record)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    # machine, rate, path, two schedules, energy, power; one sample has no course of latencies
    assert Page(text).tags.count("svg") == 2 * 7
    assert "Every sample took equally long" in text
    assert "accuracy-section" not in text


def test_files_in_the_page_are_whole() -> None:
    links = [str(value) for name, value in Page(plain_page()).attributes if name == "href"]
    drawings = [link for link in links if link.startswith("data:image/svg+xml;base64,")]
    tables = [link for link in links if link.startswith("data:text/csv;charset=utf-8,")]
    assert len(drawings) == len(tables) == 11
    for link in drawings:
        root = ElementTree.fromstring(b64decode(link.partition(",")[2]))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(--" not in ElementTree.tostring(root, "unicode")
    assert any(
        unquote(link).endswith("detector,0.0,2.0\n") or "static_j" in link for link in tables
    )


def test_colors_of_pictures_are_those_of_the_page() -> None:
    text = plain_page(steps=6, write_fs=10_000_000_000)
    style = Path(page_module.__file__).with_name("page.css").read_text(encoding="utf-8")
    drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert drawn
    assert "next write" in text  # and not where nothing is written
    assert "next write" not in plain_page()
    for element in drawn:
        assert not re.search(r'"[^"]*#[0-9a-f]{6}[^"]*"', element)
        for name in set(re.findall(r"var\(--(\w+)\)", element)):
            assert style.count(f"--{name}: ") == 3  # light, dark, print


def test_texts_of_pictures_keep_all_their_digits() -> None:
    metrics = make_metrics(make_trace())
    metrics["energy_j"]["by_component"]["switch"] = 3 * 3.4871e-9
    metrics["energy_j"]["static_by_component"]["switch"] = 0.0
    (split,) = energy_pictures(metrics, None)
    assert "switch, dynamic: 3.487 nJ" in plate(split).desk


def test_page_and_picture_are_the_same_twice_whatever_the_settings(tmp_path: Path) -> None:
    trace = make_trace(steps=12)
    write_overview(tmp_path / "a.png", make_metrics(trace), make_record(trace))
    with mpl.rc_context({"font.size": 17.0, "svg.fonttype": "path", "savefig.dpi": 30}):
        assert page_of(make_metrics(trace)) == plain_page()
        write_overview(tmp_path / "b.png", make_metrics(trace), make_record(trace))
        assert mpl.rcParams["font.size"] == 17.0
    first = (tmp_path / "a.png").read_bytes()
    assert first == (tmp_path / "b.png").read_bytes()
    assert first.startswith(b"\x89PNG")


def test_data_of_the_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    record = make_record(make_trace(steps=6, write_fs=10_000_000_000))
    write_record(tmp_path / "figures.json", record)
    assert read_record(tmp_path / "figures.json") == record


@pytest.mark.parametrize(
    ("text", "what"),
    [("{", "Invalid JSON"), ("{}", "when: Field required"), ('{"when": []}', "when: Input")],
)
def test_damaged_data_of_pictures_are_a_plain_error(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "figures.json").write_text(text)
    with pytest.raises(InputError, match=what):
        read_record(tmp_path / "figures.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_record(tmp_path / "no.json")


def test_a_file_that_cannot_be_written_is_a_plain_error(tmp_path: Path) -> None:
    trace = make_trace()
    metrics, record = make_metrics(trace), make_record(trace)
    with pytest.raises(OutputError, match="cannot be written"):
        write_page(tmp_path / "no" / "r.html", "page.html.j2", {"title": "x"})
    with pytest.raises(OutputError, match="cannot be written"):
        write_overview(tmp_path / "no" / "r.png", metrics, record)
    with pytest.raises(OutputError, match="no picture"):
        write_overview(tmp_path / "r.gif", metrics, record)
