"""What a picture of the schedule shows: lanes, critical path, and an axis that stays legible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnnsim.analysis.report.lanes import critical_rows, lane_order, owners, span_names, sublanes
from pnnsim.analysis.report.timeline import (
    CUT_SHARE,
    change_title,
    first_change,
    first_sample,
    round_step,
)
from pnnsim.timing.trace import ACTIONS
from tests.analysis.report_example import DURATION, make_trace
from tests.timing.machines import machine

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=40)


def test_lanes_come_in_the_order_in_which_a_sample_meets_them() -> None:
    trace = make_trace()
    assert [trace.units[i] for i in lane_order(trace)] == [
        "front_end", "encoder", "switch", "weight_banks.0", "weight_banks.1", "detector",
        "nonlinearity", "memory", "readout",
    ]  # fmt: skip


@given(SPANS)
def test_spans_of_a_sublane_never_overlap_and_no_sublane_is_wasted(
    spans: list[tuple[int, int]],
) -> None:
    start = np.array([begin for begin, _ in spans])
    end = start + np.array([length for _, length in spans])
    lane = sublanes(start, end)
    for i in range(len(spans)):
        for j in range(i):
            if lane[i] == lane[j]:
                assert end[i] <= start[j] or end[j] <= start[i]
    # as many lanes as spans of some length are ever open at once, by sweeping over starts
    long = end > start
    most = max(
        (int((long & (start <= time) & (end > time)).sum()) for time in start[long]), default=0
    )
    assert lane[long].max(initial=-1) + 1 <= max(most, 1) + int((~long).any())


def test_moves_belong_to_the_sample_that_let_them_start() -> None:
    trace = make_trace(samples=2, steps=2, write_fs=5_000_000)
    owner = owners(trace)
    assert np.array_equal(owner[trace.sample >= 0], trace.sample[trace.sample >= 0])
    moves = np.flatnonzero(trace.sample < 0)
    # sample 0 changes twice (the second time for sample 1), sample 1 once; a change is a write and
    # a move
    assert sorted(owner[moves].tolist()) == [0, 0, 0, 0, 1, 1]


def test_critical_path_is_gapless_from_arrival_to_result() -> None:
    trace = make_trace(samples=1, steps=4)
    rows = list(critical_rows(trace))
    assert trace.start_fs[rows[0]] == trace.arrival_fs[0]
    assert trace.end_fs[rows[-1]] == trace.result_fs[0]
    assert np.array_equal(trace.end_fs[rows[:-1]], trace.start_fs[rows[1:]])
    # the three moves are on it; what they hide is not
    names = [ACTIONS[action] for action in trace.action[rows]]
    assert names.count("route") == 3
    assert "hold" not in names


def test_names_say_which_weights_and_where() -> None:
    trace = make_trace(samples=1, steps=2, write_fs=1)
    names = set(span_names(trace, range(len(trace))))
    assert {"mvm W1 t=1", "write W1 → bank 1", "route → bank 1", "map input", "hold t=0"} <= names


def test_first_sample_is_drawn_to_scale_when_nothing_is_far_longer() -> None:
    trace = make_trace(samples=2, steps=4)
    timeline = first_sample(trace)
    assert timeline.axis.cuts == ()
    result = int(trace.result_fs[0])
    # half of an odd number of femtoseconds is off by half of one
    assert timeline.axis.place(result // 2) == pytest.approx(0.5, abs=1 / result)
    assert {bar.kind for bar in timeline.bars} == {"sample", "route", "other"}
    own = [bar for bar in timeline.bars if bar.kind == "sample"]
    assert len(own) == int((trace.sample == 0).sum())


def test_axis_is_cut_where_a_bank_is_rewritten() -> None:
    timeline = first_sample(make_trace(samples=2, steps=4, write_fs=10_000_000_000))
    axis = timeline.axis
    assert len(axis.cuts) == 3
    widths = [axis.place(end) - axis.place(start) for start, end in axis.cuts]
    assert sum(widths) == pytest.approx(CUT_SHARE, abs=1e-9)
    # outside the cuts, every mvm is as wide as its scale says: none is squeezed to nothing
    width, _ = axis.scale_bar()
    mvm = [bar for bar in timeline.bars if bar.labels[0].startswith("mvm")]
    assert all(axis.place(bar.end_fs) - axis.place(bar.start_fs) > 1e-3 for bar in mvm)
    assert 0 < width < 0.3
    assert "cut 3 times" in " ".join(timeline.remarks)
    assert "10 µs" in axis.remark()


def test_axis_never_runs_backwards() -> None:
    axis = first_sample(make_trace(steps=6, write_fs=10_000_000_000)).axis
    assert axis.places[0] == 0.0
    assert axis.places[-1] == 1.0
    assert np.all(np.diff(axis.places) >= 0)
    assert np.all(np.diff(axis.times_fs) > 0)


def test_closer_picture_ends_with_the_second_capture() -> None:
    trace = make_trace(samples=2, steps=4)
    timeline = first_change(trace)
    assert timeline is not None
    span = timeline.axis.times_fs[-1] - timeline.axis.times_fs[0]
    mm = DURATION["propagate"] + DURATION["mvm"] + DURATION["detect"]
    assert span == DURATION["encode"] + 2 * mm + DURATION["route"]
    assert first_change(make_trace(steps=1)) is None


def test_long_runs_are_cut_short_and_say_so() -> None:
    timeline = first_sample(make_trace(samples=1, steps=200))
    assert len(timeline.bars) <= 600
    assert "Only the first 600 spans" in " ".join(timeline.remarks)


@pytest.mark.parametrize(
    ("least", "step"), [(0.2, 1), (1, 1), (1.5, 2), (3, 5), (7, 10), (999, 1000), (1001, 2000)]
)
def test_ticks_are_round(least: float, step: int) -> None:
    assert round_step(least) == step


def test_folds_of_steps_and_weight_sets_are_named() -> None:
    trace = machine(sets=1, steps=2, banks=1, tile=(2, 4), write_fs=6).run()
    names = span_names(trace, range(len(trace)))
    assert {"write W0/1 → bank 0", "write W0/0 → bank 0"} <= set(names)
    assert {"encode t=0/1", "mvm W0/1 t=0/1", "detect t=1/0", "activate t=1/1"} <= set(names)
    assert change_title(trace) == "folds 0 and 1 of step 0"
    assert change_title(make_trace()) == "steps 0 and 1"
