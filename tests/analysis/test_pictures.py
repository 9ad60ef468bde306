"""Pictures of a run: marks stand where their numbers are, and nothing leaves the sheet."""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pnnsim.analysis.report.collect import latencies_of, loads_of, power_of, spans_of
from pnnsim.analysis.report.intervals import wilson
from pnnsim.analysis.report.pictures.gallery import pictures, write_with_data
from pnnsim.analysis.report.pictures.picture import Picture
from pnnsim.analysis.report.style import COLUMNS, DESK, svg
from tests.analysis.report_example import DURATION, PRICES, make_metrics, make_record, make_trace

NAMES = (
    "machine", "timeline", "steps", "rate", "path", "latency", "energy", "power", "accuracy",
    "cost", "confusion",
)  # fmt: skip
#: Points of rounding: places in an SVG are given to a hundredth.
POINT = 0.02


@cache
def of(name: str, **how: int) -> Picture:
    trace = make_trace(**how)
    found = pictures(make_metrics(trace), make_record(trace))
    return next(picture for picture in found if picture.name == name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [DESK, COLUMNS["single"]])
def test_no_text_leaves_the_sheet(name: str, width: float) -> None:
    drawing = of(name, samples=3, steps=6).draw(width)
    FigureCanvasAgg(drawing).draw()
    page = drawing.bbox
    for text in drawing.findobj(lambda artist: hasattr(artist, "get_text")):
        if not text.get_visible() or not text.get_text():
            continue
        box = text.get_window_extent()
        if box.width > 1 and text.get_gid() != "outside":
            inside = box.x0 >= page.x0 - 2 and box.x1 <= page.x1 + 2
            shown = any(text is label for label in _shown(drawing))
            assert inside or not shown, (text.get_text(), box.x0, box.x1, page.x1)


def _shown(drawing: object) -> list[object]:
    """Return texts that are drawn: labels of ticks beyond the limits of an axis are not."""
    found: list[object] = []
    for axes in drawing.axes:  # type: ignore[attr-defined]
        if not axes.axison:
            found += axes.texts
            continue
        found += [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            found += [tick.label1 for tick in axis._update_ticks()]
    return found


def test_bars_stand_where_their_times_are() -> None:
    picture = of("timeline", steps=4)
    text = svg(picture.draw(DESK), "k", title="a", words="b")
    root = ElementTree.fromstring(text)
    places: dict[str, tuple[float, float]] = {}
    for group in root.iter("g"):
        title = group.find("title")
        path = group.find("path")
        if title is not None and path is not None:
            numbers = [float(x) for x in re.findall(r"[ML] (-?[\d.]+) ", str(path.get("d")))]
            places[str(title.text)] = min(numbers), max(numbers)
    # Two spans fix the scale; every other one must follow it.
    first = places["map input, sample 0: 2 ns from 0 s"]
    scale = (first[1] - first[0]) / DURATION["map_input"]
    for title, (left, right) in places.items():
        match = re.search(r": ([\d.]+) (\w+) from ([\d.]+) (\w+)$", title)
        if match is None or ", sample 0" not in title:
            continue
        units = {"s": 1e15, "ns": 1e6, "ps": 1e3, "fs": 1.0}
        start = float(match[3]) * units[match[4]]
        length = float(match[1]) * units[match[2]]
        assert left - first[0] == pytest.approx(scale * start, rel=0, abs=4 * POINT), title
        if right - left > 1:
            assert right - left == pytest.approx(scale * length, rel=0, abs=4 * POINT), title


def test_every_bar_keeps_its_tooltip_as_text() -> None:
    record = make_record(make_trace(steps=3))
    picture = of("timeline", steps=3)
    root = ElementTree.fromstring(svg(picture.draw(DESK), "k", title="a & <b>", words="c"))
    titles = [element.text for element in root.iter("title")]
    assert titles[0] == "a & <b>"
    assert set(titles[1:]) >= {bar.title for bar in record.schedules[0].timeline.bars}


def test_names_in_one_drawing_never_meet_those_of_another() -> None:
    picture = of("energy")
    one, two = (svg(picture.draw(DESK), key, title="a", words="b") for key in ("x", "y"))
    ids = [re.findall(r' id="([^"]*)"', text) for text in (one, two)]
    assert len(set(ids[0] + ids[1])) == len(ids[0]) + len(ids[1])
    for text in (one, two):
        for name in re.findall(r'(?:href="#|url\(#)([^")]+)', text):
            assert f' id="{name}"' in text


def test_table_of_energy_is_that_of_the_metrics() -> None:
    metrics = make_metrics(make_trace())
    rows = list(csv.DictReader(io.StringIO(of("energy").table.csv())))
    total = sum(float(row["total_j"]) for row in rows)
    assert total == pytest.approx(metrics["energy_j"]["per_inference"], rel=1e-12, abs=0.0)
    for row in rows:
        both = float(row["dynamic_j"]) + float(row["static_j"])
        assert both == pytest.approx(float(row["total_j"]), rel=1e-12, abs=0.0)


def test_intervals_of_wilson_are_those_of_the_textbook() -> None:
    # Brown, Cai, DasGupta, Stat. Sci. 16, 101, 2001: roots of (p - x)^2 = z^2 p (1 - p) / n.
    for share, samples in ((0.9, 50), (0.5, 10), (1.0, 20), (0.0, 20)):
        for end in wilson(share, samples):
            left = (end - share) ** 2
            right = 1.959963984540054**2 * end * (1 - end) / samples
            assert left == pytest.approx(right, rel=1e-9, abs=1e-15)
    assert wilson(1.0, 20)[1] == pytest.approx(1.0, rel=1e-12, abs=0.0)


def test_power_of_the_beginning_is_that_of_the_ledger() -> None:
    trace = make_trace(samples=3)
    power = power_of(trace, PRICES)
    spent = sum(p * (b - a) for p, a, b in zip(power.power_w, power.time_s, power.time_s[1:],
                                               strict=False))  # fmt: skip
    total = make_metrics(trace)["energy_j"]["total"]
    assert spent == pytest.approx(total, rel=1e-5, abs=0.0)  # powers have six digits


def test_load_of_a_unit_is_its_time_for_each_sample() -> None:
    trace = make_trace(samples=3, steps=4)
    loads = {load.name: load.time_s for load in loads_of(trace, {"memory": 0.0})}
    assert loads["detector"] == pytest.approx(4e-15 * DURATION["detect"], rel=1e-12, abs=0.0)
    # Samples follow each other without overlap, so the loop is never shared.
    inside = (trace.sample == 1) & (trace.step >= 0)
    one = 1e-15 * float(trace.end_fs[inside].max() - trace.start_fs[inside].min())
    assert loads["loop"] == pytest.approx(one, rel=1e-9, abs=0.0)


def test_latency_is_shown_in_order_where_it_settles_and_as_a_distribution_where_not() -> None:
    trace = make_trace(samples=40)
    latency = np.minimum(10**6 * (1 + np.arange(40)), 7 * 10**6)  # the seventh and all after it
    settling = type(trace)(**{**_columns(trace), "result_fs": trace.arrival_fs + latency})
    found = latencies_of(settling)
    assert (found.kind, found.settled) == ("order", 6)
    assert found.latency_s[6] == pytest.approx(7e-9, rel=1e-12, abs=0.0)
    generator = np.random.default_rng(0)
    shifted = trace.result_fs + generator.integers(1, 10**9, trace.samples)
    random = type(trace)(**{**_columns(trace), "result_fs": shifted})
    found = latencies_of(random)
    assert found.kind == "distribution"
    assert list(found.latency_s) == sorted(found.latency_s)
    few = latencies_of(make_trace(samples=3))  # so few that a distribution says nothing
    assert (few.kind, few.place, few.settled) == ("order", (0.0, 1.0, 2.0), 0)
    assert found.latency_s[-1] == pytest.approx(
        1e-15 * float((shifted - trace.arrival_fs).max()), rel=1e-12, abs=0.0
    )


def _columns(trace: object) -> dict[str, object]:
    return {name: getattr(trace, name) for name in trace.__dataclass_fields__}  # type: ignore[attr-defined]


def test_spans_that_can_be_zoomed_into_are_all_there_where_they_are_few() -> None:
    trace = make_trace(samples=3)
    spans = spans_of(trace, PRICES)
    assert len(spans.lane) == len(trace)
    assert spans.complete == ((0, int(trace.result_fs.max())),)
    assert spans.makespan_fs == trace.makespan_fs
    lane = spans.lanes.index("detector")
    worked = sum(share for share in spans.busy[lane]) / len(spans.busy[lane]) / 100
    share = 1e-15 * DURATION["detect"] * 12 / (1e-15 * trace.makespan_fs)
    assert share <= worked <= share + 0.01 + 24 / len(spans.busy[lane])


def test_every_span_of_a_complete_stretch_is_there() -> None:
    trace = make_trace(samples=60, steps=12)
    spans = spans_of(trace, PRICES)
    assert len(spans.lane) < len(trace)
    have = set(zip(spans.start_fs, spans.length_fs, strict=True))
    for begin, end in spans.complete:
        rows = np.flatnonzero((trace.start_fs < end) & (trace.end_fs > begin))
        assert len(rows) > 100
        for row in rows.tolist():
            start = int(trace.start_fs[row])
            assert (start, int(trace.end_fs[row]) - start) in have


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_the_suffix_decides_the_format_and_data_lie_beside(tmp_path: Path, suffix: str) -> None:
    begin = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}[suffix]
    path = tmp_path / f"energy{suffix}"
    data = write_with_data(path, of("energy"), COLUMNS["single"])
    assert path.read_bytes().startswith(begin)
    assert data == tmp_path / "energy.csv"
    assert data.read_text().splitlines()[0] == "component,dynamic_j,static_j,total_j"
