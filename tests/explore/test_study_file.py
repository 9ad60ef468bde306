"""A study is read whole before anything runs, and what is wrong with it is located."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
import yaml

from pnnsim.errors import SpecError
from pnnsim.explore.axes import Axis, Span
from pnnsim.explore.study import Study
from pnnsim.explore.study_file import load_study
from tests.explore.studies import TIMING

BAD = """\
schema: 1
base: photonic_mrr
vary:
  weight_bank.count: [2, 3]
  switch.rise_tim: [1 ns]
  weight_banks.count: [2, many]
  weight_banks.bits: []
  detector.bandwidth: {log: [10 GHz, 1 GHz], n: 9}
  control.block: {linear: [1, 4 ns], n: 3}
  encoder.bits: {log: [1, 8], n: 0}
  readout.bits: {lin: [1, 8]}
  switch.kind: {log: [1, 2], n: 2}
  training.learning_rate: {log: [0, 2], n: 2}
objectives: [{minimize: latency_s.frist}, {minimise: power_w}]
constraints: ["latency_s.first <= 1 uJ", "power_w"]
require: accuracy >= 0.9 or 1
latin_hypercube: many
colour: blue
"""
PLACES = [
    (4, "weight_bank.count"), (5, "switch.rise_tim"), (6, r"weight_banks.count\[1\]"),
    (7, "weight_banks.bits"), (8, "detector.bandwidth.log"), (9, r"control.block.linear\[1\]"),
    (10, "encoder.bits.n"), (11, "readout.bits"), (12, "switch.kind"),
    (13, "training.learning_rate"),
    (14, r"objectives\[0\].minimize"), (14, r"objectives\[1\].minimise"),
    (15, r"constraints\[0\]"), (15, r"constraints\[1\]"), (16, "require"),
    (17, "latin_hypercube"), (18, "colour"),
]  # fmt: skip


def test_every_fault_is_reported_at_its_line_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD, "utf-8")
    with pytest.raises(SpecError) as caught:
        Study.open(file, out=tmp_path / "out")
    found = [(p.line, p.where) for p in caught.value.problems]
    assert len(found) == len(PLACES), found
    for (line, where), (expected_line, expected) in zip(found, PLACES, strict=True):
        assert line == expected_line
        assert expected.replace("\\", "") in where
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize(
    ("storage", "says"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be reached"),
        ("mysql://host/db", "no address"),
        ("http://[", "no address"),
    ],
)
def test_a_storage_that_cannot_be_reached_is_refused_first(
    tmp_path: Path, storage: str, says: str
) -> None:
    with pytest.raises(SpecError, match=says):
        Study.open({**TIMING, "storage": storage}, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        Study.open(TIMING, out=tmp_path, storage="postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)
    assert "me@127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"base": "no_such_machine"},
        {"base": None},
        {"base": "missing.yaml"},
        {"vary": {}},
        {"vary": None},
        {"set": {"weight_banks.count": "2"}},
        {"constraints": ["yield >= 0.5"]},
        {"objectives": [{"minimize": "power_w"}, {"maximize": "power_w"}]},
        {"replicas": 0},
        {"replicas": 3, "trials": 5},
        {"latin_hypercube": 4},
        {"figures": ["nothing"]},
        {"search": {"sampler": "guess"}},
        {"search": {"epochs": [5, 5]}},
        {"search": {"keep": 2}},
        {"storage": ["a"]},
        {"schema": 2},
    ],
)
def test_a_contradiction_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        load_study({**TIMING, **change})


def test_the_grid_is_every_combination_the_last_key_fastest() -> None:
    spec = load_study({**TIMING, "replicas": 2, "seed": 5})
    found = [trial.overrides for trial in spec.trials(0, 100)]
    assert [trial.number for trial in spec.trials(0, 100)] == list(range(12))
    keys = ("weight_banks.count", "switch.rise_time", "simulation.seed", "training.seed")
    grid = product(("2", "3"), ("1 ns", "2 ns", "4 ns"), ("5", "6"))
    assert found == [tuple(zip(keys, (*point, point[-1]), strict=True)) for point in grid]


def test_values_are_spaced_between_ends_that_are_exact() -> None:
    spec = load_study(
        {
            **TIMING,
            "vary": {
                "switch.rise_time": {"log": ["0.1 ns", "10 us"], "n": 6},
                "weight_banks.count": {"log": [1, 8], "n": 8},
                "training.learning_rate": {"linear": [0.001, 0.002], "n": 3},
            },
        }
    )
    texts = [axis.texts for axis in spec.axes if isinstance(axis, Axis)]
    assert texts == [
        ("100 ps", "1 ns", "10 ns", "100 ns", "1 us", "10 us"),
        ("1", "2", "3", "4", "6", "8"),
        ("0.001", "0.0015", "0.002"),
    ]


def test_random_values_are_those_of_their_key_and_seed() -> None:
    def drawn(seed: int, others: dict[str, object]) -> tuple[str, ...]:
        entry = {"random": ["1 ns", "9 ns"], "n": 20}
        vary = {**others, "switch.rise_time": entry}
        axis = load_study({**TIMING, "seed": seed, "vary": vary}).axes[-1]
        assert isinstance(axis, Axis)
        return axis.texts

    first = drawn(0, {})
    assert first == drawn(0, {"weight_banks.bits": {"random": [4, 9], "n": 3}})
    assert first != drawn(1, {})
    assert len(set(first)) == 20


def test_a_latin_hypercube_has_one_point_in_each_part_of_each_span() -> None:
    count = 40
    vary = {
        "switch.rise_time": {"linear": ["1 fs", "40 ns"]},
        "weight_banks.hold_power": {"log": ["1 uW", "1 W"]},
        "weight_banks.count": [2, 3],
    }
    spec = load_study({**TIMING, "vary": vary, "latin_hypercube": count})
    assert spec.count == 2 * count
    found = [dict(trial.overrides) for trial in spec.trials(0, count)]
    spans = {axis.key: axis for axis in spec.axes if isinstance(axis, Span)}
    from math import log

    from pnnsim.common.units import parse_quantity

    rise = [parse_quantity(p["switch.rise_time"], "time") for p in found]
    assert sorted(int(r / 1e-9) for r in rise) == list(range(count))
    power = [parse_quantity(p["weight_banks.hold_power"], "power") for p in found]
    assert sorted(int(log(w / 1e-6) / log(1e6) * count) for w in power) == list(range(count))
    assert set(spans) == {"switch.rise_time", "weight_banks.hold_power"}
    again = load_study({**TIMING, "vary": vary, "latin_hypercube": count})
    assert [t.overrides for t in again.trials(0, 80)] == [t.overrides for t in spec.trials(0, 80)]


@pytest.mark.parametrize("kind", ["name", "machine", "experiment"])
def test_the_resolved_study_reads_back_as_the_same_study(tmp_path: Path, kind: str) -> None:
    base = "photonic_mrr"
    if kind == "machine":
        text = (Path(__file__).parents[2] / "hardware_specs" / "photonic_mrr.yaml").read_text()
        (tmp_path / "mine.yaml").write_text(text, "utf-8")
        base = "mine.yaml"
    elif kind == "experiment":
        text = "schema: 1\nhardware: photonic_mrr\nnetwork: {steps: 7}\n"
        (tmp_path / "mine.yaml").write_text(text, "utf-8")
        base = "mine.yaml"
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump({**TIMING, "base": base}), "utf-8")
    first = load_study(file)
    again = load_study(json.loads(first.text()))
    assert again.identity == first.identity
    assert again.text() == first.text()
    from pnnsim.specs.experiment import load_experiment

    pairs = first.trial(3).overrides
    assert load_experiment(again.base, pairs) == load_experiment(first.base, pairs)
    assert load_experiment(first.base).network.steps == (7 if kind == "experiment" else 12)


def test_a_key_of_a_varied_kind_is_known_where_one_of_the_kinds_has_it() -> None:
    vary = {"switch.kind": ["electro_optic", "plzt"], "switch.rise_time": ["1 ns"]}
    assert load_study({**TIMING, "vary": vary}).count == 2


def test_a_study_that_trains_nothing_states_its_samples() -> None:
    without = {key: value for key, value in TIMING.items() if key != "set"}
    assert ("simulation.samples", "100") in load_study(without).fixed
    assert load_study(TIMING).fixed == (("simulation.samples", "8"),)
    trains = {**without, "objectives": [{"maximize": "accuracy.hardware_mean"}]}
    assert load_study(trains).fixed == ()


def test_the_search_that_comes_along_is_a_study_over_at_least_eight_keys() -> None:
    spec = load_study(Path(__file__).parents[2] / "examples" / "photonic_mrr_search.yaml")
    assert len(spec.axes) >= 8
    assert spec.search is not None
