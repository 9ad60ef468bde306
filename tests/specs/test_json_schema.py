"""JSON Schemas accept every description that the loader accepts, and point where it points."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from pnnsim.devices.registry import parts
from pnnsim.explore.study_schema import any_schema, study_schema
from pnnsim.specs.catalog import fields_of_kind, kinds_of_parts
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import available_specs
from pnnsim.specs.json_schema import experiment_schema, hardware_schema
from tests.specs.spec_text import MACHINE, changed, problems_of

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    "any": any_schema,
    "machine": hardware_schema,
    "experiment": experiment_schema,
    "study": study_schema,
}


@cache
def validator(name: str) -> Draft7Validator:
    schema = SCHEMAS[name]()
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def faults(text: str, schema: str) -> list[str]:
    """Return the dotted places at which a text is refused, the first key at fault as well."""
    found = []
    for error in validator(schema).iter_errors(yaml.safe_load(text)):
        place = ".".join(str(part) for part in error.absolute_path)
        if error.validator in ("required", "additionalProperties"):
            place = f"{place}: {error.message}"
        found.append(place)
    return found


MACHINES = [
    *sorted((ROOT / "hardware_specs").glob("*.yaml")),
    *sorted((ROOT / "hardware_specs" / "published").glob("*.yaml")),
]


@pytest.mark.parametrize("file", MACHINES, ids=lambda file: file.stem)
def test_shipped_machines_are_accepted(file: Path) -> None:
    text = file.read_text()
    for schema in ("any", "machine"):
        assert faults(text, schema) == []


@pytest.mark.parametrize("name", available_specs())
def test_what_a_run_writes_is_accepted(name: str) -> None:
    text = load_experiment(name, [("network.steps", "3"), ("training.epochs", "2")]).resolved()
    for schema in ("any", "experiment"):
        assert faults(text, schema) == []


EXPERIMENTS = [
    "{schema: 1, hardware: photonic_mrr}",
    "{schema: 1, hardware: m.yaml, network: {hidden: {value: 32, range: [8, 64], source: s}}}",
    "{schema: 1, hardware: m, network: {kind: lrunet, repetitions: 2}}",
    "{schema: 1, hardware: m, network: {kind: mlp, sizes: [64, 100, 10]}}",
    "{schema: 1, hardware: m, network: {kind: onnx, file: net.onnx}}",
    "{schema: 1, hardware: m, network: {kind: dnn, steps: 3}, training: {learning_rate: 1e-3}}",
    "{schema: 1, hardware: m, network: {order: [0, 1, 0]}, training: {non_idealities: [a.b]}}",
    "{schema: 1, hardware: m, simulation: {arrivals: periodic, interval: 12 ns, queue: 3}}",
]


@pytest.mark.parametrize("text", EXPERIMENTS)
def test_experiments_are_accepted(text: str) -> None:
    for schema in ("any", "experiment"):
        assert faults(text, schema) == []


STUDIES = [
    (ROOT / "examples" / "photonic_mrr_search.yaml").read_text(),
    "{schema: 1, base: m, vary: {weight_banks.count: [2, 4], network.order: [[0, 1], [1, 0]]}}",
    "{schema: 1, base: {schema: 1, hardware: m}, vary: {a.b: {random: [1 ns, 9 ns], n: 4}}}",
    "{schema: 1, base: m, vary: {a.b: {log: [1 ns, 9 ns]}}, latin_hypercube: 9, replicas: 3}",
    "{schema: 1, base: m, vary: {a.b: [1]}, require: accuracy >= 0.9, figures: [power_w]}",
]


@pytest.mark.parametrize("text", STUDIES)
def test_studies_are_accepted(text: str) -> None:
    for schema in ("any", "study"):
        assert faults(text, schema) == []


#: Text of the small machine, what stands there instead, and the key at fault.
WRONG = [
    ("lines: 64", "lines: 0", "encoder.lines"),
    ("lines: 64", "lines: 6.5", "encoder.lines"),
    ("lines: 64", "lines: many", "encoder.lines"),
    ("lines: 64", "lines: [64]", "encoder.lines"),
    ("lines: 64", "lines: {value: 0, source: s}", "encoder.lines.value"),
    ("bandwidth: 5 GHz", "bandwidth: 5 ns", "detector.bandwidth"),
    ("bandwidth: 5 GHz", "bandwidth: 5", "detector.bandwidth"),
    ("bandwidth: 5 GHz", "bandwidth: 5,5 GHz", "detector.bandwidth"),
    ("bandwidth: 5 GHz", "bandwidth: GHz", "detector.bandwidth"),
    ("bandwidth: 5 GHz", "bandwidth: {value: 5 W}", "detector.bandwidth.value"),
    ("bandwidth: 5 GHz", "bandwidth: {value: 5 GHz, range: [1 GHz]}", "detector.bandwidth.range"),
    ("bandwidth: 5 GHz", "bandwidth: {value: 5 GHz, rnge: 1}", "detector.bandwidth: "),
    ("bandwidth: 5 GHz", "bandwidth: {value: 5 GHz, drawn: no thanks}", "detector.bandwidth.drawn"),
    ("amplifier_noise: 6.4 pA/Hz^0.5", "amplifier_noise: 6.4 pA/Hz", "detector.amplifier_noise"),
    ("dac_energy: 3.5 pJ", "dac_energy: {law: adc, node: 28 nm}", "encoder.dac_energy.law"),
    ("dac_energy: 3.5 pJ", "dac_energy: {law: dac, node: 28 pJ}", "encoder.dac_energy.node"),
    ("dac_energy: 3.5 pJ", "dac_energy: {law: dac, nod: 28 nm}", "encoder.dac_energy: "),
    ("kind: mrr", "kind: mrrr", "weight_banks.kind"),
    ("kind: mrr\n", "count_: 3\n", "weight_banks: 'kind'"),
    ("ring_radius: 5 um", "ring_radus: 5 um", "weight_banks: "),
    ("ring_radius: 5 um\n", "path: 5 um\n", "weight_banks: "),
    ("tuning: thermal", "tuning: magic", "weight_banks.tuning"),
    ("usable_range: 98 %", "usable_range: 98 dB", "weight_banks.usable_range"),
    ("usable_range: 98 %", "usable_range: -0.1", "weight_banks.usable_range"),
    ("laser_rin: -150 dB/Hz", "laser_rin: -150 dB", "encoder.laser_rin"),
    ("temperature: 300 K", "temperature: 300 k", "environment.temperature"),
    ("overlap: true", "overlap: maybe", "control.overlap"),
    ("block: 1", "block: -1", "control.block"),
    ("technology: photonic", "technology: magic", "technology"),
    ("schema: 1\n", "schema: 2\n", "schema"),
    ("name: small\n", "nam: small\n", ": "),
    ("memory:\n", "memry:\n", ": "),
]


@pytest.mark.parametrize(("old", "new", "place"), WRONG)
def test_wrong_machines_are_refused_at_the_key_as_the_loader_does(
    old: str, new: str, place: str, tmp_path: Path
) -> None:
    text = changed(old, new)
    for schema in ("any", "machine"):
        found = faults(text, schema)
        assert found
        # One message, or one for the strange key and one for the key that it should have been.
        assert all(each.startswith(place) or each == place for each in found), found
        assert len(found) <= 2
    assert problems_of(text, tmp_path)


WRONG_BLOCKS = [
    ("network: {kind: relaxnt}", "network.kind"),
    ("network: {hiden: 3}", "network: "),
    ("network: {kind: mlp, hidden: 3}", "network: "),
    ("training: {epochs: 0}", "training.epochs"),
    ("training: {learning_rate: fast}", "training.learning_rate"),
    ("training: {rule: magic}", "training.rule"),
    ("simulation: {interval: 3 W}", "simulation.interval"),
    ("task: {name: digit}", "task.name"),
    ("tasks: {}", ": "),
]


@pytest.mark.parametrize(("block", "place"), WRONG_BLOCKS)
def test_wrong_experiments_are_refused_at_the_key(block: str, place: str) -> None:
    for schema in ("any", "experiment"):
        found = faults(f"schema: 1\nhardware: photonic_mrr\n{block}\n", schema)
        assert len(found) == 1
        assert found[0].startswith(place)


WRONG_STUDIES = [
    ("vary: {}", "vary"),
    ("vary: {a.b: []}", "vary.a.b"),
    ("vary: {a.b: {log: [1, 2, 3]}}", "vary.a.b.log"),
    ("vary: {a.b: {log: [1, 2], linear: [1, 2]}}", "vary.a.b"),
    ("vary: {a.b: {random: [1, 2]}}", "vary.a.b: "),
    ("vary: {a.b: [1]}\nobjectives: [{maximise: power_w}]", "objectives.0: "),
    ("vary: {a.b: [1]}\nobjectives: [{maximize: powr_w}]", "objectives.0.maximize"),
    ("vary: {a.b: [1]}\ntrials: 0", "trials"),
    ("vary: {a.b: [1]}\nsearch: {sampler: luck}", "search.sampler"),
    ("vry: {a.b: [1]}\nvary: {a.b: [1]}", ": "),
]


@pytest.mark.parametrize(("block", "place"), WRONG_STUDIES)
def test_wrong_studies_are_refused_at_the_key(block: str, place: str) -> None:
    for schema in ("any", "study"):
        found = faults(f"schema: 1\nbase: photonic_mrr\n{block}\n", schema)
        assert len(found) == 1
        assert found[0].startswith(place)


def test_every_part_kind_and_key_has_a_schema_and_a_description() -> None:
    schema: dict[str, Any] = hardware_schema()
    assert schema["required"] == [
        "schema", "name", "summary", "technology", *parts(), "environment",
    ]  # fmt: skip
    for part, kind, summary in kinds_of_parts():
        section = schema["definitions"][f"{part}.{kind}"]
        assert section["additionalProperties"] is False
        assert section["properties"]["kind"]["description"] == summary
        for key, *_, meaning in fields_of_kind(f"{part}.{kind}"):
            assert section["properties"][key]["description"].startswith(" ".join(meaning.split()))
    banks = schema["definitions"]["weight_banks.mrr"]["properties"]
    assert banks["count"]["else"] == {"type": "integer", "minimum": 1, "maximum": 1_000_000}
    assert banks["ring_loss"]["description"].endswith(
        "Unit: dB/m. Bounds: at least 0 dB/m. Required."
    )
    block = schema["definitions"]["control.sequencer"]["properties"]["block"]
    assert "Default: 1." in block["description"]


def test_a_law_stands_in_the_place_of_a_value() -> None:
    field = hardware_schema()["definitions"]["encoder.mrm"]["properties"]["dac_energy"]
    law = field["then"]["then"]
    assert law["properties"]["law"] == {"const": "dac"}
    assert law["properties"]["node"]["allOf"] == [{"$ref": "#/definitions/a.length"}]
    assert law["required"] == ["law"]
    assert law["additionalProperties"] is False


def test_the_small_machine_is_accepted() -> None:
    assert faults(MACHINE, "machine") == []
