"""Requests at any time by the recurrence: to the femtosecond as the events, at once."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.explore.load_curve import _by_events, _by_recurrence
from pnnsim.inference.chip import Chip
from pnnsim.mapping.delays import Stage
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import Arrivals, poisson
from pnnsim.timing.request_times import percentile_fs, request_times
from tests.timing.machines import durations, machine, machines


@given(
    machines(samples=(1, 40)),
    st.lists(st.integers(0, 90), min_size=40, max_size=40),
    st.integers(1, 4) | st.none(),
    st.booleans(),
    durations,
)
@settings(max_examples=120, deadline=None)
def test_recurrence_and_events_agree_to_the_femtosecond(case, gaps, capacity, alone, last) -> None:
    times = tuple(np.cumsum(gaps)[: case.samples].tolist())
    output = (Stage("readout", "convert", last + 1),)
    case = replace(
        case,
        control=case.control.model_copy(update={"block": 1}),
        arrivals=Arrivals(case.samples, times, capacity),
        delays=replace(case.delays, output=output) if alone else case.delays,
    )
    found, trace = request_times(case.work, case.requests), case.run()
    assert found is not None
    assert found.dropped.tolist() == trace.dropped.tolist()
    assert found.arrival_fs.tolist() == trace.arrival_fs.tolist()
    assert found.begin_fs.tolist() == trace.begin_fs().tolist()
    assert found.result_fs.tolist() == trace.result_fs.tolist()
    assert found.makespan_fs == trace.makespan_fs


def test_machines_that_it_does_not_cover_are_left_to_the_events() -> None:
    requests = poisson(20, 1e13, seed=0)
    for options in ({"block": 2}, {"blocks_in_flight": 2}, {"refresh_fs": 900}):
        assert request_times(machine(samples=20, **options).work, requests) is None
    case = machine(samples=20)
    assert request_times(case.work, Arrivals(20)) is None
    between = (Stage("front_end", "map_output", 1), Stage("readout", "convert", 1))
    assert (
        request_times(replace(case.work, delays=replace(case.delays, output=between)), requests)
        is None
    )


def test_loads_have_the_same_figures_with_and_without_events() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=3, steps=4)
    chip = Chip.nominal(load_spec("photonic_mrr"), network)
    for capacity in (None, 1):
        requests = poisson(150, 1e3, seed=3, capacity=capacity)
        found, expected = _by_recurrence(chip, requests), _by_events(chip, requests)
        assert found is not None
        assert (expected["dropped"] > 0) == (capacity == 1)
        for figure, value in expected.items():
            assert found[figure] == pytest.approx(value, rel=1e-12, abs=0), figure


def test_percentile_of_a_million_is_the_nearest_rank() -> None:
    latency = np.arange(1_000_000, 0, -1)
    assert percentile_fs(latency, Fraction(999, 10)) == 999_000
    assert percentile_fs(latency[:1], Fraction(50)) == 1_000_000
