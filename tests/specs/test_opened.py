"""An experiment is read once and resolved as often as wanted, without a trace of what was set."""

from __future__ import annotations

from pathlib import Path

import pytest

from pnnsim.errors import SpecError
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.opened import open_experiment

CHANGES = [("weight_banks.count", "8"), ("network.steps", "5"), ("simulation.seed", "3")]


@pytest.fixture(params=["name", "file", "inline"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    if request.param == "name":
        return "photonic_mrr"
    path = tmp_path / "experiment.yaml"
    if request.param == "file":
        path.write_text("schema: 1\nhardware: photonic_mrr\nnetwork: {steps: 6}\n", "utf-8")
    else:
        path.write_text(load_experiment("photonic_mrr").resolved(), "utf-8")
    return path


def test_what_was_opened_resolves_like_its_source(source: str | Path) -> None:
    opened = open_experiment(source)
    for changes in (CHANGES, [], CHANGES[:1]):
        assert load_experiment(opened, changes) == load_experiment(source, changes)


def test_a_fault_of_one_setting_is_not_found_in_the_next(source: str | Path) -> None:
    opened = open_experiment(source)
    with pytest.raises(SpecError, match="rise_tim"):
        load_experiment(opened, [("switch.rise_tim", "1 ns")])
    with pytest.raises(SpecError, match="epochs"):
        load_experiment(opened, [("training.epochs", "0")])
    assert load_experiment(opened) == load_experiment(source)


def test_a_machine_that_cannot_be_read_is_reported_each_time(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text("schema: 1\nhardware: no_such_machine\n", "utf-8")
    opened = open_experiment(path)
    for _ in range(2):
        with pytest.raises(SpecError, match="no_such_machine"):
            load_experiment(opened)


def test_an_experiment_sets_values_of_the_machine_it_names(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(
        "schema: 1\nhardware: photonic_mrr\n"
        "set: {weight_banks.count: 8, control.gating: [encoder, readout]}\n",
        "utf-8",
    )
    found = load_experiment(path)
    wanted = [("weight_banks.count", "8"), ("control.gating", "[encoder, readout]")]
    assert found.hardware == load_experiment("photonic_mrr", wanted).hardware
    assert load_experiment(path, [("weight_banks.count", "4")]).hardware != found.hardware
    for text, said in (
        ("3", r"set: is not a mapping; expected keys of the machine"),
        ("{weight_banks.cuont: 8}", r"weight_banks.cuont: unknown key. Hint: did you mean"),
        ("{weight_banks.count: {a: 1}}", r"set.weight_banks.count: is not a value"),
    ):
        path.write_text(f"schema: 1\nhardware: photonic_mrr\nset: {text}\n", "utf-8")
        with pytest.raises(SpecError, match=said):
            load_experiment(path)
