"""The band of a machine: what the ranges make of its figures, and what it hangs on."""

from __future__ import annotations

import json

import numpy as np
import pytest

import pnnsim
from pnnsim.analysis.bands.assumptions import assumptions_of
from pnnsim.analysis.bands.band import FIGURES, bands
from pnnsim.analysis.bands.pairs import pairings
from pnnsim.analysis.bands.replay import Replay
from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.report.band_rows import band_section, pairings_table
from pnnsim.cli.app import main
from pnnsim.errors import InputError, MappingError
from pnnsim.inference.chip import Chip
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import available_specs, load_spec
from pnnsim.timing.arrivals import Arrivals
from tests.analysis.band_machines import NETWORK, with_ranges

HOLD = {"weight_banks__hold_power": {"value": "1 mW", "range": ["0.5 mW", "2 mW"]}}
RISE = {"switch__rise_time": {"range": ["1 ns", "10 ns"]}}


def test_energy_follows_a_drawn_power_exactly():
    """The power of the package is drawn: energy is linear in it, and the rest is the run's."""
    spec = with_ranges(environment__stabilization_power={"value": "2 W", "range": ["0.5 W", "8 W"]})
    band = bands(spec, NETWORK, draws=32, samples=8)
    timing = time_run(Chip.nominal(spec, NETWORK), 8)
    ledger = EnergyLedger.from_trace(timing.run, timing.prices)
    package = ledger.lines["environment", "static"].energy_j
    (span,) = assumptions_of(spec)[0].spans
    power = np.array([span.value_at(q) for q in band.quantiles[:, 0]])
    expected = (ledger.total + (power / 2 - 1) * package) / 8
    assert band.drawn[:, FIGURES.index("energy_j")] == pytest.approx(expected, rel=1e-9, abs=0)
    assert np.unique(band.drawn[:, FIGURES.index("latency_s")]).tolist() == [band.values[0]]


def test_latency_follows_a_drawn_delay_by_the_schedule():
    spec = with_ranges(**RISE)
    band = bands(spec, NETWORK, draws=16, samples=4)
    for place, row in zip(band.quantiles[:, 0], band.drawn, strict=True):
        rise = assumptions_of(spec)[0].spans[0].text_at(place)
        timing = time_run(
            Chip.nominal(load_spec(spec.to_tree(), [("switch.rise_time", rise)]), NETWORK), 4
        )
        first = timing.trace.result_fs[0] - timing.trace.arrival_fs[0]
        assert row[0] == pytest.approx(float(first) * 1e-15, rel=1e-12, abs=0)


def test_the_schedule_is_timed_anew_only_where_a_delay_changes():
    for notes, most in ((HOLD, 1), ({**HOLD, **RISE}, 9)):
        spec = with_ranges(**notes)
        replay = Replay(NETWORK, Arrivals(4))
        replay.figures(spec)
        for value in ("0.5 mW", "0.7 mW", "1.9 mW"):
            replay.figures(load_spec(spec.to_tree(), [("weight_banks.hold_power", value)]))
        assert replay.schedules == 1
        if most > 1:
            replay.figures(load_spec(spec.to_tree(), [("switch.rise_time", "2 ns")]))
            assert replay.schedules == 2


def test_percentiles_are_those_of_the_draws_around_the_value():
    band = bands(with_ranges(**HOLD, **RISE), NETWORK, draws=200, samples=4)
    found = band.as_metrics()
    for number, figure in enumerate(FIGURES):
        assert found[figure]["value"] == band.values[number]
        for level in (5, 50, 95):
            share = (band.drawn[:, number] <= found[figure][f"p{level}"]).mean()
            assert share == pytest.approx(level / 100, rel=0, abs=0.006)
    assert found["latency_s"]["p5"] < band.values[0] < found["latency_s"]["p95"]
    assert (found["draws"], found["infeasible"], found["assumptions"]) == (200, 0, 2)


def test_what_a_band_hangs_on_is_what_moves_it():
    notes = {"weight_banks__temperature_error": {"range": ["1 mK", "50 mK"]}}
    band = bands(with_ranges(**HOLD, **RISE, **notes), NETWORK, draws=64, samples=4)
    by_figure = {
        figure: [item for item in band.hangs_on if item.figure == figure] for figure in FIGURES
    }
    assert [item.key for item in by_figure["latency_s"]] == ["switch.rise_time"]
    assert by_figure["latency_s"][0].share > 0.99
    keys = [item.key for item in by_figure["energy_j"]]
    # Temperature makes values wrong, and moves no delay and no price.
    assert sorted(keys) == ["switch.rise_time", "weight_banks.hold_power"]
    shares = [item.share for item in by_figure["energy_j"]]
    assert shares == sorted(shares, reverse=True)
    assert all(item.low <= item.share <= item.high for item in band.hangs_on)


def test_infeasible_draws_are_counted_and_left_out():
    """A write pulse must not be longer than its cycle; ranges that overlap draw such machines."""
    spec = with_ranges(
        "spintronic_mtj",
        weight_banks__write_pulse={"range": ["0.5 ns", "20 ns"]},
        weight_banks__write_cycle={"range": ["5 ns", "20 ns"]},
        weight_banks__write_energy={"range": ["0.05 pJ", "1 pJ"]},
        detector__static_power={"value": "0.1 mW", "range": ["0.05 mW", "1 mW"]},
    )
    band = bands(spec, NETWORK, draws=64, samples=4)
    places = {item.key: band.quantiles[:, i] for i, item in enumerate(assumptions_of(spec))}
    spans = {item.key: item.spans[0] for item in assumptions_of(spec)}
    pulse, cycle = (
        np.array([spans[key].value_at(q) for q in places[key]])
        for key in ("weight_banks.write_pulse", "weight_banks.write_cycle")
    )
    assert band.feasible.tolist() == (pulse <= cycle).tolist()
    found = band.as_metrics()
    assert found["infeasible"] == int((pulse > cycle).sum()) > 0
    assert found["energy_j"]["p50"] > 0
    assert "infeasible" in [row.label for row in band_section({"band": found}).rows]


def test_a_loop_that_cannot_wait_makes_slow_switches_infeasible():
    spec = with_ranges("fiber_loop", switch__switching_time={"range": ["0.4 us", "20 us"]})
    band = bands(spec, NETWORK, draws=32, samples=4)
    (assumption,) = assumptions_of(spec)
    slow = np.array([assumption.spans[0].value_at(q) > 2e-6 for q in band.quantiles[:, 0]])
    assert slow.any()
    assert not band.feasible[slow].any()
    assert band.feasible.any()


def test_a_machine_without_ranges_has_no_band_and_says_so(capsys):
    spec = with_ranges()
    band = bands(spec, NETWORK, draws=8, samples=4)
    found = band.as_metrics()
    assert [found[figure] for figure in FIGURES] == [None] * 3
    assert (found["assumptions"], found["hangs_on"]) == (0, [])
    (row,) = band_section({"band": found}).rows
    assert "no value of the machine has a range" in row.note
    assert band_section({"band": None}).rows == ()


def test_all_draws_may_be_infeasible():
    tree = with_ranges("spintronic_mtj").to_tree()
    cycle = tree["weight_banks"]["write_cycle"]
    tree["weight_banks"]["write_pulse"] = {"value": cycle, "range": [cycle, "1 us"]}
    found = bands(load_spec(tree), NETWORK, draws=4, samples=4).as_metrics()
    assert found["infeasible"] == 4
    assert [found[figure] for figure in FIGURES] == [None] * 3
    notes = [row.note for row in band_section({"band": found}).rows]
    assert notes[0] == "no draw is a machine that runs this network"


def test_the_same_draws_pair_machines():
    slow = with_ranges(**HOLD, **RISE)
    fast = load_spec(slow.to_tree(), [("memory.hold_time", "0.05 ns")])
    thrifty = load_spec(slow.to_tree(), [("environment.stabilization_power", "0 W")])
    found = [bands(spec, NETWORK, draws=32, samples=4) for spec in (slow, thrifty, fast)]
    assert np.array_equal(found[0].quantiles, found[1].quantiles)
    first, second, _ = pairings(found)
    # Each draw of the second has the same rings and switch, and no cooler.
    assert (first.first, first.second, first.draws) == (0, 1, 32)
    assert first.first_wins == {"latency_s": 0.0, "interval_s": 0.0, "energy_j": 0.0}
    assert first.second_wins == {"latency_s": 0.0, "interval_s": 0.0, "energy_j": 1.0}
    assert (second.first, second.second) == (0, 2)
    table = pairings_table(["a", "b", "c"], [first]).splitlines()
    assert table[-1].split() == ["b", "a", "0", "%", "0", "%", "100", "%", "32"]


def test_only_equal_draws_are_paired():
    spec = with_ranges(**HOLD)
    some, more = (bands(spec, NETWORK, draws=draws, samples=4) for draws in (8, 16))
    other = bands(spec, NETWORK, draws=8, seed=1, samples=4)
    assert pairings([some, more, None, other]) == []


def test_bands_refuses_what_cannot_be_meant():
    with pytest.raises(InputError, match="draws"):
        pnnsim.bands("photonic_mrr", NETWORK, draws=0)
    with pytest.raises(InputError, match="network: got 'str'; expected a network"):
        pnnsim.bands("photonic_mrr", "relaxnet")  # type: ignore[arg-type]
    one_fold = load_spec("fiber_loop", [("weight_banks.rows", "4"), ("weight_banks.cols", "4")])
    with pytest.raises(MappingError, match="fold"):
        pnnsim.bands(one_fold, NETWORK, draws=2)


def test_the_command_prints_the_keys_of_the_metrics(capsys):
    words = ["bands", "photonic_mrr", "--draws", "24", "--set", "network.steps=3"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"band"}
    assert set(found["band"]["energy_j"]) == {"value", "p5", "p50", "p95"}
    assert {"figure", "key", "share", "low", "high"} == set(found["band"]["hangs_on"][0])
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "switch.rise_time" in out
    assert "24 draws" in out


def test_the_command_says_where_there_is_nothing_to_draw(tmp_path, capsys):
    file = tmp_path / "m.yaml"
    file.write_text(json.dumps(with_ranges().to_tree()))
    assert main(["bands", str(file), "--draws", "4"]) == 0
    assert "no value of the machine has a range" in capsys.readouterr().out


@pytest.mark.slow
def test_accuracy_comes_from_chips_of_drawn_descriptions(capsys):
    words = ["bands", "photonic_mrr", "--draws", "20", "--json", "--accuracy"]
    quick = ["training.epochs=4", "simulation.samples=60", "network.hidden=16", "network.steps=3"]
    for setting in quick:
        words += ["--set", setting]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    band = first["accuracy"]["band"]
    assert 0 <= band["p5"] <= band["p50"] <= band["p95"] <= 1
    assert band["p5"] < band["p95"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == first


@pytest.mark.parametrize("name", available_specs())
def test_every_shipped_machine_has_a_band(name):
    band = bands(load_spec(name), NETWORK, draws=24, samples=4)
    assert len(band.ranges) >= 10  # a machine of numbers assumes less than one of light
    assert band.feasible.mean() > 0.9
    assert {item.figure for item in band.hangs_on} == set(FIGURES)
