"""Descriptions are drawn from the stated distributions, each assumption from its own stream."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import triang

from pnnsim.analysis.bands.assumptions import (
    Assumption,
    Scatter,
    Span,
    assumptions_of,
    triangular,
)
from pnnsim.analysis.bands.draws import described, drawn_specs, quantiles
from pnnsim.specs.hardware import load_spec
from tests.analysis.band_machines import with_ranges

DRAWS = 512


def span(low: float, mode: float, high: float, *, whole: bool = False) -> Span:
    return Span("switch", "rise_time", low, mode, high, "time", whole)


def distance(values: np.ndarray, low: float, mode: float, high: float) -> float:
    """Return the distance of Kolmogorov and Smirnov from the triangle between two ends."""
    ranked = np.sort(values)
    below = triang((mode - low) / (high - low), loc=low, scale=high - low).cdf(ranked)
    steps = np.arange(len(ranked) + 1) / len(ranked)
    return float(max(np.abs(below - steps[:-1]).max(), np.abs(below - steps[1:]).max()))


@pytest.mark.parametrize(
    ("low", "mode", "high"),
    [(1.0, 3.2, 10.0), (1e-9, 1e-9, 1e-6), (2.0, 50.0, 50.0), (0.155, 1.0, 20.0)],
)
def test_between_positive_ends_the_logarithm_is_triangular(low, mode, high):
    one = Assumption("a", "a", (span(low, mode, high),))
    drawn = [one.spans[0].value_at(q) for q in quantiles([one], DRAWS, 0)[:, 0]]
    assert low <= min(drawn) < max(drawn) <= high
    # One draw lies in each of n equal parts, so that no distribution function is off by more.
    apart = distance(np.log(drawn), math.log(low), math.log(mode), math.log(high))
    assert apart <= 1 / DRAWS + 1e-12
    assert distance(np.array(drawn), low, mode, high) > 0.1


@pytest.mark.parametrize(("low", "mode", "high"), [(-10.0, -0.75, 10.0), (0.0, 0.05, 0.2)])
def test_otherwise_the_value_is_triangular(low, mode, high):
    one = Assumption("a", "a", (span(low, mode, high),))
    drawn = np.array([one.spans[0].value_at(q) for q in quantiles([one], DRAWS, 3)[:, 0]])
    assert distance(drawn, low, mode, high) <= 1 / DRAWS + 1e-12


def test_the_ends_and_the_mode_are_where_they_belong():
    for low, mode, high in ((1.0, 3.0, 9.0), (0.0, 1.0, 4.0), (2.0, 2.0, 2.0)):
        assert triangular(0.0, low, mode, high) == pytest.approx(low, rel=1e-12, abs=0)
        assert triangular(1.0, low, mode, high) == pytest.approx(high, rel=1e-12, abs=0)
        share = (mode - low) / (high - low) if high > low else 0.5
        assert triangular(share, low, mode, high) == pytest.approx(mode, rel=1e-12, abs=0)


def test_whole_numbers_stay_whole():
    counts = [span(1, 10, 100, whole=True).value_at(q) for q in np.linspace(0, 1, 300)]
    assert all(value == int(value) for value in counts)
    assert (min(counts), max(counts)) == (1, 100)


def test_draws_repeat_and_another_seed_draws_others():
    assumptions = assumptions_of(load_spec("photonic_mrr"))
    first = quantiles(assumptions, 32, 5)
    assert np.array_equal(first, quantiles(assumptions, 32, 5))
    assert (
        not np.isclose(first, quantiles(assumptions, 32, 6), rtol=1e-9, atol=0.0).any(axis=0).all()
    )


def test_a_further_assumption_moves_no_other_draw():
    rise = {"range": ["1 ns", "10 ns"]}
    alone = assumptions_of(with_ranges(switch__rise_time=rise))
    more = assumptions_of(
        with_ranges(encoder__dac_energy={"range": ["1 pJ", "9 pJ"]}, switch__rise_time=rise)
    )
    assert [item.key for item in more] == ["encoder.dac_energy", "switch.rise_time"]
    assert np.array_equal(quantiles(alone, 16, 0)[:, 0], quantiles(more, 16, 0)[:, 1])


def test_different_assumptions_are_drawn_independently():
    places = quantiles(assumptions_of(load_spec("photonic_mrr")), DRAWS, 0)
    correlation = np.corrcoef(places.T) - np.eye(places.shape[1])
    assert places.shape[1] > 30
    assert np.abs(correlation).max() < 5 / math.sqrt(DRAWS)


def test_values_of_a_group_move_together():
    spec = with_ranges(
        switch__rise_time={"range": ["1.6 ns", "32 ns"], "group": "technology"},
        switch__toggle_energy={"range": ["5 pJ", "100 pJ"], "group": "technology"},
    )
    (one,) = assumptions_of(spec)
    assert one.key == "group.technology"
    for drawn in drawn_specs(spec, [one], quantiles([one], 16, 0)):
        # Both have the same shape about their values, 3.2 ns and 10 pJ.
        assert drawn.switch.rise_time / 3.2e-9 == pytest.approx(
            drawn.switch.toggle_energy / 10e-12, rel=1e-9, abs=0
        )


def test_machines_share_the_draws_of_groups_and_of_equal_kinds_alone():
    shared = {"range": ["0.5 pJ", "20 pJ"], "group": "converters"}
    own = {"range": ["1 mW", "9 mW"]}
    mrr = with_ranges("photonic_mrr", encoder__dac_energy=shared, detector__static_power=own)
    mzi = with_ranges("photonic_mzi", encoder__dac_energy=shared, detector__static_power=own)
    mtj = with_ranges(
        "spintronic_mtj", encoder__dac_energy=shared,
        detector__static_power={"value": "1 mW", "range": ["0.05 mW", "9 mW"]},
    )  # fmt: skip
    places = [quantiles(assumptions_of(spec), 16, 0) for spec in (mrr, mzi, mtj)]
    assert np.array_equal(places[0], places[1])  # both detectors are balanced photodiodes
    assert np.array_equal(places[0][:, 0], places[2][:, 0])
    assert not np.isclose(places[0][:, 1], places[2][:, 1], rtol=1e-9, atol=0.0).all()


def test_nothing_is_assumed_of_what_is_chosen_certain_or_set_outside_its_range():
    spec = with_ranges(
        encoder__bits={"range": [4, 12], "drawn": False},
        encoder__dac_energy={"value": "3 pJ", "range": ["3 pJ", "3 pJ"]},
        switch__rise_time={"range": ["1 ns", "2 ns"], "source": "set by the user"},
        memory__energy={"range": ["0.05 pJ", "1 pJ"]},
    )
    assert [item.key for item in assumptions_of(spec)] == ["memory.energy"]


def test_a_drawn_description_differs_in_what_is_drawn_alone():
    spec = with_ranges(switch__rise_time={"range": ["1 ns", "10 ns"]})
    drawn = described(spec, assumptions_of(spec), [1.0])
    assert drawn.switch.rise_time == pytest.approx(10e-9, rel=1e-12, abs=0)
    assert replace(spec, switch=drawn.switch).values() == drawn.values()


@pytest.mark.parametrize(("low", "high"), [(0.4, 2.95), (0.25, 7.6), (0.83, 1.13)])
def test_a_tenth_of_the_draws_lies_beyond_each_end_of_the_scatter_of_a_law(low, high):
    one = Assumption("law.a", "law.a", (Scatter("encoder", "dac_energy", 1.0, low, high),))
    drawn = np.array([one.spans[0].factor_at(q) for q in quantiles([one], DRAWS, 0)[:, 0]])
    assert (drawn < low).mean() == pytest.approx(0.1, rel=0, abs=1.01 / DRAWS)
    assert (drawn > high).mean() == pytest.approx(0.1, rel=0, abs=1.01 / DRAWS)
    assert drawn.min() < 1 < drawn.max()


def test_all_values_of_a_law_move_by_the_same_factor_on_every_machine():
    found = []
    for name in ("photonic_mzi", "photonic_mrr"):
        spec = load_spec(name)
        (law,) = (item for item in assumptions_of(spec) if item.key == "law.adc")
        drawn = described(spec, [law], [0.8])
        for path, use in spec.laws.items():
            if use.law.name == "adc":
                ratio = drawn.laws[path].value / use.value
                found.append((path, ratio / law.spans[0].factor_at(0.8)))
    assert {path for path, _ in found} == {
        "nonlinearity.figure_of_merit", "readout.figure_of_merit",
    }  # fmt: skip
    assert [ratio for _, ratio in found] == pytest.approx([1.0] * len(found), rel=1e-9, abs=0)


def test_a_law_is_evaluated_with_what_has_been_drawn():
    """The cooler of a machine takes away what its rings are drawn to heat."""
    spec = load_spec("photonic_mrr")
    assumptions = {item.key: item for item in assumptions_of(spec)}
    hot = described(spec, [assumptions["law.ring_trim"]], [0.9])
    assert hot.weight_banks.hold_power > spec.weight_banks.hold_power
    assert hot.environment.stabilization_power > 1.5 * spec.environment.stabilization_power
