"""Pictures in pixels: what is drawn lies inside, and marks stand where their times are."""

from __future__ import annotations

import itertools

import pytest

from pnnsim.analysis.report.figures import Figure, accuracy_figure, schedule_figure
from pnnsim.analysis.report.timeline import first_sample
from tests.analysis.report_example import make_trace

#: Pixels of rounding: coordinates are sums of a few numbers of the order of a thousand.
PIXEL = 1e-9


def drawn(figure: Figure) -> list[tuple[float, float]]:
    """Return every corner of all that a figure draws."""
    corners = [(box.x, box.y) for box in figure.boxes]
    corners += [(box.x + box.width, box.y + box.height) for box in figure.boxes]
    corners += [(line.x1, line.y1) for line in figure.lines]
    corners += [(line.x2, line.y2) for line in figure.lines]
    return corners + [(text.x, text.y) for text in figure.texts]


@pytest.mark.parametrize("write_fs", [None, 10_000_000_000])
def test_all_of_a_schedule_lies_inside_the_picture(write_fs: int | None) -> None:
    trace = make_trace(steps=4) if write_fs is None else make_trace(steps=4, write_fs=write_fs)
    timeline = first_sample(trace)
    assert bool(timeline.axis.cuts) == (write_fs is not None)
    figure = schedule_figure(timeline, "a")
    assert all(0 <= x <= figure.width and 0 <= y <= figure.height for x, y in drawn(figure))


def test_all_of_the_chips_lies_inside_the_picture() -> None:
    figure = accuracy_figure(0.93, [0.9, 0.9, 0.91, 0.97])
    assert figure is not None
    assert all(0 <= x <= figure.width and 0 <= y <= figure.height for x, y in drawn(figure))


def test_ticks_divide_the_lanes_as_their_times_do() -> None:
    timeline = first_sample(make_trace(steps=4))
    figure = schedule_figure(timeline, "a")
    lane = next(line for line in figure.lines if line.y1 == line.y2)
    ticks = [line.x1 for line in figure.lines if line.style == "grid" and line.x1 == line.x2]
    places = [place for place, _ in timeline.axis.ticks()]
    assert len(places) > 2
    assert ticks == pytest.approx(
        [lane.x1 + place * (lane.x2 - lane.x1) for place in places], rel=0, abs=PIXEL
    )


def test_bar_of_the_scale_is_as_wide_as_it_says() -> None:
    timeline = first_sample(make_trace(steps=4, write_fs=10_000_000_000))
    figure = schedule_figure(timeline, "a")
    lane = next(line for line in figure.lines if line.y1 == line.y2)
    (scale,) = (line for line in figure.lines if line.style == "scale")
    share, _ = timeline.axis.scale_bar()
    assert scale.x2 - scale.x1 == pytest.approx(share * (lane.x2 - lane.x1), rel=0, abs=PIXEL)
    # It stands below the middle of the lanes.
    assert scale.x1 + scale.x2 == pytest.approx(lane.x1 + lane.x2, rel=0, abs=PIXEL)
    assert all(scale.y1 > box.y + box.height for box in figure.boxes)


def test_marks_of_equal_chips_stand_above_each_other() -> None:
    figure = accuracy_figure(None, [0.9, 0.97, 0.9, 0.9])
    assert figure is not None
    same = [figure.boxes[i] for i in (0, 2, 3)]
    assert len({box.x for box in same}) == 1
    assert all(one.y >= two.y + two.height for one, two in itertools.pairwise(same))
    assert figure.boxes[1].x > same[0].x
