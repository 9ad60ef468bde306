"""Classes of values by their sources, and what share of energy and latency hangs on each."""

from __future__ import annotations

import json

import pytest
import yaml

from pnnsim.analysis.provenance import shares
from pnnsim.cli.app import main
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.provenance import BACKED, provenance, value_counts
from pnnsim.specs.resolve import available_specs
from tests.specs.spec_text import MACHINE

NETWORK = ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)


def test_the_class_of_a_value_is_the_first_word_of_its_source() -> None:
    tree = yaml.safe_load(MACHINE)
    tree["source"] = "Author, venue, 2024"
    tree["memory"] = {
        "kind": "sample_hold",
        "capacity": {"value": 1, "source": "chosen: one"},
        "hold_time": {"value": "0.1 ns", "source": "assumed: short"},
        "energy": {"value": "0.1 pJ", "source": "derived: C V^2"},
        "droop": {"value": "1 %/us", "source": "fit: a curve"},
        "static_power": "0 W",
    }
    tree["encoder"]["dac_energy"] = {"law": "dac"}
    tree["detector"]["static_power"] = {"law": "tia_power", "node": "7 nm"}
    tree["environment"]["stabilization_power"] = {"law": "cooler"}
    spec = load_spec(tree)
    expected = {
        "memory.capacity": "chosen", "memory.hold_time": "assumed", "memory.energy": "derived",
        "memory.droop": "fitted", "memory.static_power": "published", "encoder.dac_energy": "law",
        # 7 nm is beyond the data of the law; the cooler's formula is one of textbooks.
        "detector.static_power": "extrapolated", "environment.stabilization_power": "derived",
    }  # fmt: skip
    assert {path: provenance(spec, path) for path in expected} == expected
    counts = value_counts(spec)
    assert sum(counts.values()) == sum(s != "default of pnnsim" for s in spec.sources.values())
    user = load_spec(tree, [("memory.hold_time", "2 ns")])
    assert provenance(user, "memory.hold_time") == "chosen"


def test_shares_of_a_machine_are_those_of_its_bill() -> None:
    spec = load_spec("photonic_pcm", [("nonlinearity.static_power", "0 W")])
    found = shares(spec, NETWORK)
    assert sum(found.energy.values()) == pytest.approx(1.0, abs=1e-9)
    assert sum(found.latency.values()) == pytest.approx(1.0, abs=1e-9)
    # What is on all the time: 64 amplifiers by law, two lights and locks, the cooler, the engine.
    laws = spec.laws
    amplifiers = 64 * laws["detector.static_power"].value
    static = (
        amplifiers + 64 * (5e-3 + 0.24e-3) + laws["environment.stabilization_power"].value
        + 15e-3 + 30e-3
    )  # fmt: skip
    assert found.energy["law"] == pytest.approx(amplifiers / static, abs=0.02)
    assert found.energy["assumed"] < 0.04


@pytest.mark.parametrize("name", sorted(available_specs()))
def test_assumptions_of_shipped_machines_are_the_smaller_part(name: str) -> None:
    counts = value_counts(load_spec(name))
    assert counts["assumed"] < 0.45 * sum(counts.values())


def test_over_all_machines_most_values_have_evidence_behind_them() -> None:
    counts = [value_counts(load_spec(name)) for name in available_specs()]
    total = sum(sum(each.values()) for each in counts)
    assert sum(each[key] for each in counts for key in BACKED) > 0.55 * total


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(available_specs()))
def test_energy_and_latency_of_each_shipped_machine_have_evidence_behind_them(name: str) -> None:
    found = shares(load_spec(name), NETWORK).backed
    assert found["energy"] > 0.9
    assert found["latency"] > 0.9


def test_sources_prints_classes_of_values_energy_and_latency(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sources", "photonic_pcm"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:4] == ["machine", "of", "published", "derived"]
    assert [line.split()[0] for line in printed[1:4]] == ["photonic_pcm", "energy", "latency"]
    assert "52 of 82 values (63%) are published, derived, fitted, or by a law within" in printed[-1]
    assert main(["sources", "photonic_pmc"]) == 2
    assert "did you mean 'photonic_pcm'?" in capsys.readouterr().err


@pytest.mark.long
def test_sources_gives_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "photonic_pcm", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["photonic_pcm"]
    assert set(found) == {"values", "energy_share", "latency_share", "backed"}
    # A cheap case of what holds for each machine.
    assert found["backed"]["energy"] > 0.9
    assert found["backed"]["latency"] > 0.9
    assert sum(found["energy_share"].values()) == pytest.approx(1.0, abs=1e-9)
