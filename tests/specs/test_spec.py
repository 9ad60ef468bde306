"""Descriptions that are right: what they become, what is kept, and how they are written again."""

from __future__ import annotations

import ast
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pnnsim.devices import registry
from pnnsim.devices.registry import parts
from pnnsim.errors import SpecError
from pnnsim.specs.catalog import fields_of_kind, kinds_of_parts
from pnnsim.specs.experiment import BLOCKS, load_experiment
from pnnsim.specs.hardware import DEFAULT_SOURCE, HardwareSpec, available_specs, load_spec
from pnnsim.specs.settings import TASK_SHAPES, TaskParams, TrainingParams
from tests.specs.spec_text import MACHINE, changed


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(MACHINE)
    return file


def test_values_arrive_in_si_units(machine: Path) -> None:
    spec = load_spec(machine)
    assert (spec.name, spec.technology) == ("small", "photonic")
    banks: Any = spec.weight_banks
    assert (banks.kind, banks.rows, banks.wavelength) == ("mrr", 64, 1550e-9)
    assert banks.ring_loss == 300.0  # 3 dB/cm in dB/m
    assert banks.usable_range == 0.98
    assert banks.settling_time is None
    assert spec.control.overlap is True
    assert spec.environment.temperature == 300.0


def test_a_spec_has_a_field_for_each_part_that_the_registry_knows() -> None:
    fields = [field.name for field in dataclasses.fields(HardwareSpec)]
    assert fields[3 : 3 + len(parts())] == list(parts())


def test_a_spec_cannot_be_changed(machine: Path) -> None:
    spec = load_spec(machine)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        spec.control.block = 2  # type: ignore[misc]


def test_a_spec_survives_pickling(machine: Path) -> None:
    spec = load_spec(machine)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_control_may_be_left_out_and_environment_may_not(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(changed("control:\n  block: 1\n  overlap: true\n", ""))
    spec = load_spec(file)
    assert (spec.control.block, spec.control.overlap) == (1, True)
    own = {key: source for key, source in spec.sources.items() if key.startswith("control.")}
    assert own == {
        "control.block": DEFAULT_SOURCE,
        "control.blocks_in_flight": DEFAULT_SOURCE,
        "control.policy": DEFAULT_SOURCE,
        "control.overlap": DEFAULT_SOURCE,
        "control.prefetch": DEFAULT_SOURCE,
        "control.write_drivers": DEFAULT_SOURCE,
        "control.reads": DEFAULT_SOURCE,
        "control.cores": DEFAULT_SOURCE,
        "control.gating": DEFAULT_SOURCE,
    }


def test_sources_are_kept_by_path_the_nearest_one_wins(tmp_path: Path) -> None:
    text = changed("hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, source: own}")
    text = changed("kind: sample_hold", "kind: sample_hold\n  source: block", text)
    file = tmp_path / "m.yaml"
    file.write_text("source: whole\n" + text)
    spec = load_spec(file)
    assert spec.sources["memory.hold_time"] == "own"
    assert spec.sources["memory.droop"] == "block"
    assert spec.sources["encoder.bits"] == "whole"
    assert spec.unsourced() == []
    file.write_text(text)
    assert "encoder.bits" in load_spec(file).unsourced()
    assert "memory.droop" not in load_spec(file).unsourced()


def test_a_value_outside_its_published_range_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    text = changed("hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [50 ps, 1 ns]}")
    file.write_text(changed("rows: 64", "rows: {value: 64, range: [1, 64]}", text))
    assert load_spec(file).warnings() == []
    spec = load_spec(file, [("memory.hold_time", "2 ns"), ("weight_banks.rows", "65")])
    assert spec.warnings() == [
        "weight_banks.rows: 65 is outside its published range, 1 to 64",
        "memory.hold_time: 2 ns is outside its published range, 50 ps to 1 ns",
    ]
    assert spec.ranges["memory.hold_time"] == ("50 ps", "1 ns")


def test_a_value_that_was_set_outside_its_range_repeats_from_its_resolved_text(
    tmp_path: Path,
) -> None:
    file = tmp_path / "m.yaml"
    text = changed("hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [50 ps, 1 ns]}")
    file.write_text(text)
    experiment = load_experiment(file, [("memory.hold_time", "2 ns")])
    again = reload(experiment.resolved(), tmp_path)
    assert again == experiment
    assert again.warnings() == experiment.warnings() != []


def test_groups_of_ranges_and_choices_are_kept(tmp_path: Path) -> None:
    span = "{value: 0.1 ns, range: [50 ps, 1 ns], group: cell, source: 'a: #b'}"
    file = tmp_path / "m.yaml"
    text = changed("rows: 64", "rows: {value: 64, range: [4, 64], drawn: false}")
    file.write_text(changed("hold_time: 0.1 ns", f"hold_time: {span}", text))
    experiment = load_experiment(file)
    assert experiment.hardware.groups == {"memory.hold_time": "cell"}
    assert experiment.hardware.chosen == {"weight_banks.rows": True}
    assert reload(experiment.resolved(), tmp_path) == experiment
    with pytest.raises(SpecError, match="group: is given outside the machine"):
        load_experiment(
            {
                "schema": "1",
                "hardware": experiment.hardware.to_tree(),
                "network": {"steps": {"value": 3, "range": [1, 4], "group": "cell"}},
            }
        )


def test_overrides_are_values_set_by_the_user(machine: Path) -> None:
    spec = load_spec(machine, [("weight_banks.count", "8"), ("encoder.bandwidth", "30 GHz")])
    banks: Any = spec.weight_banks
    encoder: Any = spec.encoder
    assert (banks.count, encoder.bandwidth) == (8, 30e9)
    assert spec.sources["weight_banks.count"] == "set by the user"


def test_the_last_override_of_a_key_wins(machine: Path) -> None:
    spec = load_spec(machine, [("control.block", "2"), ("control.block", "4")])
    assert spec.control.block == 4


def test_the_hash_follows_values_and_not_their_spelling(machine: Path, tmp_path: Path) -> None:
    spec = load_spec(machine)
    other = tmp_path / "other.yaml"
    text = changed("hold_time: 0.1 ns", "hold_time: {value: 100 ps, source: x}")
    other.write_text("# a comment\n" + changed("name: small", "name: big", text))
    assert load_spec(other).sha256() == spec.sha256()
    other.write_text(changed("hold_time: 0.1 ns", "hold_time: 100.0000000000001 ps"))
    assert load_spec(other).sha256() != spec.sha256()


def test_python_data_is_read_like_a_file(machine: Path) -> None:
    data = yaml.safe_load(MACHINE)  # has ints, floats and true where the file has text
    data["weight_banks"]["rows"] = np.int64(64)
    data["weight_banks"]["group_index"] = np.float32(4.25)
    spec = load_spec(data)
    assert spec.encoder == load_spec(machine).encoder
    banks: Any = spec.weight_banks
    assert (banks.rows, banks.group_index) == (64, 4.25)
    data["weight_banks"]["rows"] = float("nan")
    data["memory"]["hold_time"] = 1e-10
    data["memory"]["droop"] = object()
    with pytest.raises(SpecError) as caught:
        load_spec(data)
    assert sorted(problem.where for problem in caught.value.problems) == [
        "memory.droop",
        "memory.hold_time",  # a bare number has no unit in Python either
        "weight_banks.rows",
    ]


def test_shipped_machines_load_without_problems_warnings_or_missing_sources() -> None:
    specs = available_specs()
    assert "photonic_mrr" in specs
    for name, summary in specs.items():
        spec = load_spec(name)
        assert (spec.name, spec.summary) == (name, summary)
        # A law beyond its data is said, but no value leaves its span or contradicts a law.
        assert [w for w in spec.warnings() if "is extrapolated" not in w] == []
        assert spec.unsourced() == []
        # How the work is ordered is a choice, not a property of a device; and so is a second set
        # of drivers, which no shipped machine has.
        chosen = ("control.", "encoder.double_buffered")
        physical = {k: v for k, v in spec.sources.items() if not k.startswith(chosen)}
        assert DEFAULT_SOURCE not in physical.values()


def test_a_machine_alone_is_an_experiment_with_defaults(machine: Path) -> None:
    experiment = load_experiment(machine)
    assert (experiment.network.kind, experiment.network.inputs) == ("relaxnet", 64)
    assert (experiment.task.name, experiment.training) == ("digits", TrainingParams())
    assert (experiment.simulation.chips, experiment.simulation.samples) == (3, None)


def test_an_experiment_names_its_machine_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "small.yaml").write_text(MACHINE)
    file = tmp_path / "sub" / "e.yaml"
    file.write_text("schema: 1\nhardware: ../small.yaml\nnetwork: {hidden: 32, order: [0, 1]}\n")
    experiment = load_experiment(file, [("network.steps", "2"), ("encoder.bits", "6")])
    assert (experiment.network.hidden, experiment.network.order) == (32, (0, 1))
    encoder: Any = experiment.hardware.encoder
    assert encoder.bits == 6


@pytest.mark.parametrize("task", TASK_SHAPES)
def test_the_task_decides_inputs_and_outputs(task: str, machine: Path) -> None:
    experiment = load_experiment(machine, task=task)
    assert (experiment.network.inputs, experiment.network.outputs) == TASK_SHAPES[task]
    with pytest.raises(SpecError, match=rf"network\.inputs: is 5, but the task '{task}' has"):
        load_experiment(machine, [("network.inputs", "5")], task=task)


def test_every_task_that_can_be_named_has_a_shape() -> None:
    for name in TASK_SHAPES:
        assert TaskParams.model_validate({"name": name}).shape() == TASK_SHAPES[name]


def test_a_network_kind_decides_the_weight_sets_of_a_file_that_gives_them(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    text = "schema: 1\nhardware: photonic_mrr\nnetwork: {weight_sets: 2, steps: 6}\n"
    file.write_text(text)
    assert load_experiment(file, network_kind="rnn").network.weight_sets == 1
    assert load_experiment(file, network_kind="relaxnet").network.weight_sets == 2
    assert load_experiment(file, network_kind="dnn").network.weight_sets == 6


def test_shortcuts_are_settings(machine: Path) -> None:
    experiment = load_experiment(machine, seed=4, training_seed=5, chips=6, samples=7)
    assert experiment.simulation.model_dump(exclude_none=True) == {
        "chips": 6,
        "seed": 4,
        "samples": 7,
        "band_draws": 64,
        "exact": False,
        "arrivals": "saturated",
    }
    assert experiment.training.seed == 5
    assert experiment.sources == {}


def reload(text: str, folder: Path) -> Any:
    file = folder / "resolved.yaml"
    file.write_text(text, encoding="utf-8")
    return load_experiment(file)


def test_resolved_text_loads_back_to_an_equal_experiment(tmp_path: Path) -> None:
    experiment = load_experiment(
        "photonic_mrr",
        [("weight_banks.count", "8"), ("network.order", "[0, 1, 0]"), ("network.steps", "3")],
        task="svhn",
        samples=100,
    )
    text = experiment.resolved()
    again = reload(text, tmp_path)
    assert again == experiment
    assert again.sha256() == experiment.sha256()
    assert again.resolved() == text
    # Defaults are in the text, so that a later default does not change an old run.
    for name, block in BLOCKS.items():
        for key in block.model_fields:
            value = getattr(getattr(experiment, name), key)
            assert (f"  {key}: " in text) == (value is not None)


def test_resolved_text_keeps_sources_and_ranges(tmp_path: Path) -> None:
    text = changed(
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [50 ps, 1 ns], source: 'a: #b'}"
    )
    file = tmp_path / "e.yaml"
    file.write_text(
        "schema: 1\nnetwork:\n  hidden: {value: 32, range: [8, 16], source: paper}\nhardware:\n"
        + "".join(f"  {line}\n" for line in text.splitlines())
    )
    experiment = load_experiment(file)
    assert experiment.sources == {"network.hidden": "paper"}
    assert experiment.warnings() == ["network.hidden: 32 is outside its published range, 8 to 16"]
    again = reload(experiment.resolved(), tmp_path)
    assert again == experiment
    assert again.hardware.sources["memory.hold_time"] == "a: #b"
    assert again.hardware.ranges["memory.hold_time"] == ("50 ps", "1 ns")


positive = st.floats(1e-18, 1e9)  # what is supported of a time, and of an energy


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    time=positive,
    energy=positive,
    residual=st.floats(-2, 2),
    rate=st.floats(1e-12, 10),
    source=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
)
def test_resolved_text_keeps_every_bit(
    time: float,
    energy: float,
    residual: float,
    rate: float,
    source: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = yaml.safe_load(MACHINE)
    data["memory"]["hold_time"] = {"value": f"{time!r} s", "source": source}
    data["memory"]["energy"] = f"{energy!r} J"
    experiment = load_experiment(
        {
            "schema": 1,
            "hardware": data,
            "network": {"residual": residual},
            "training": {"learning_rate": rate},
        }
    )
    again = reload(experiment.resolved(), tmp_path_factory.getbasetemp())
    assert again == experiment
    memory = again.hardware.memory
    assert (memory.hold_time, memory.energy) == (time, energy)
    assert (again.network.residual, again.training.learning_rate) == (residual, rate)


def test_the_catalog_gives_unit_bounds_default_and_meaning() -> None:
    rows = {row[0]: row for row in fields_of_kind("weight_banks.mrr")}
    assert rows["excess_loss"] == (
        "excess_loss", "dB", "≥ 0 dB, ≤ 60 dB", "required",
        "Loss of coupling and routing, without the power split over the rows.",
    )  # fmt: skip
    assert rows["settling_time"][1:4] == ("s", "> 0 s", "derived")
    assert rows["usable_range"][1] == "1 or %"
    assert [row[0] for row in fields_of_kind("control.sequencer")] == [
        "block", "blocks_in_flight", "policy", "overlap", "prefetch", "parallel_tiles",
        "write_drivers", "spare_rows", "reads", "refresh_interval", "cores", "gating",
    ]  # fmt: skip
    with pytest.raises(SpecError, match=r"unknown part 'weight_bank'.*did you mean 'weight_banks'"):
        kinds_of_parts("weight_bank")


def test_a_machine_of_our_own_kinds_is_read_without_a_look_at_installed_packages(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> tuple[Any, ...]:
        raise AssertionError("entry points are for kinds that the table lacks")

    monkeypatch.setattr(registry, "_installed", refuse)
    assert load_spec(machine).name == "small"


def test_a_description_is_read_without_workloads() -> None:
    """What lowers a network takes a tenth of a second to import, and no description needs it."""
    code = (
        "import sys; from pnnsim.specs.experiment import load_experiment; "
        "load_experiment('photonic_mrr'); "
        "print([name for name in sys.modules if name.startswith('pnnsim.networks.')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in ast.literal_eval(found.stdout)}
    assert loaded == {"kinds", "layer_settings", "protocol", "relaxnet"}
