"""Trained parameters are used again where, and only where, training would give the same bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from pnnsim.errors import PnnsimError
from pnnsim.explore import trained
from pnnsim.explore.trained import TrainedCache, training_key
from pnnsim.learning.task_examples import Data, load_data
from pnnsim.networks.parameters import ParameterSet, load_parameters
from pnnsim.specs.experiment import Experiment, load_experiment
from pnnsim.specs.opened import Opened, open_experiment

SHORT = [("training.epochs", "1"), ("training.examples", "96")]


@dataclass(frozen=True)
class Case:
    opened: Opened
    data: Data

    def experiment(self, *changes: tuple[str, str]) -> Experiment:
        return load_experiment(self.opened, [*SHORT, *changes])

    def key(self, *changes: tuple[str, str]) -> str:
        return training_key(self.experiment(*changes), self.data)


@pytest.fixture(scope="module")
def data() -> Data:
    return load_data(load_experiment("photonic_mrr").task)


@pytest.fixture
def case(data: Data) -> Case:
    return Case(open_experiment("photonic_mrr"), data)


def same(first: ParameterSet, second: ParameterSet) -> bool:
    others = second.tensors()
    return all(torch.equal(tensor, others[name]) for name, tensor in first.tensors().items())


@pytest.mark.parametrize(
    "change",
    [
        ("switch.rise_time", "1 ns"),
        ("weight_banks.hold_power", "3 mW"),
        ("weight_banks.resonance_error", "2 pm"),
        ("control.block", "4"),
        ("simulation.seed", "7"),
        ("simulation.samples", "5"),
    ],
)
def test_what_does_not_change_training_has_the_same_key(
    case: Case, change: tuple[str, str]
) -> None:
    assert case.key(change) == case.key()


@pytest.mark.parametrize(
    "change",
    [
        ("weight_banks.bits", "5"),
        ("switch.crosstalk", "15 dB"),
        ("encoder.bits", "4"),
        ("network.steps", "5"),
        ("training.seed", "1"),
        ("training.learning_rate", "0.001"),
        ("training.epochs", "2"),
        ("weight_banks.self_coupling", "0.993"),
    ],
)
def test_what_changes_training_has_another_key(case: Case, change: tuple[str, str]) -> None:
    assert case.key(change) != case.key()


def test_a_rule_that_draws_chips_depends_on_the_whole_machine(case: Case) -> None:
    drawn = ("training.rule", "hardware_aware")
    assert case.key(drawn) != case.key()
    assert case.key(drawn, ("weight_banks.resonance_error", "2 pm")) != case.key(drawn)


def doubled(experiment: Experiment, section: str, field: str) -> tuple[str, str] | None:
    """Return another value of a numeric field; None where it has none."""
    from pnnsim.common.forms import forms_of
    from pnnsim.common.units import format_quantity

    params = experiment.hardware.sections()[section]
    value = getattr(params, field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    dimension = forms_of(type(params), field)[0].dimension
    if dimension is None:
        return f"{section}.{field}", str(2 * value)
    return f"{section}.{field}", format_quantity(value * 0.9, dimension)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("name", ["photonic_mrr", "photonic_pcm", "spintronic_mtj"])
def test_machines_with_the_same_key_train_to_the_same_bits(name: str, data: Data) -> None:
    case = Case(open_experiment(name), data)
    base = case.experiment()
    key = case.key()
    expected = trained._trained(base, data)
    alike = 0
    for section, params in base.hardware.sections().items():
        for field in type(params).model_fields:
            change = doubled(base, section, field)
            if change is None:
                continue
            try:
                other = case.experiment(change)
                if training_key(other, data) != key:
                    continue
                found = trained._trained(other, data)
            except PnnsimError:
                continue
            assert same(found, expected), change
            alike += 1
    assert alike > 10


def test_kept_parameters_are_those_of_the_training_bit_by_bit(case: Case, tmp_path: Path) -> None:
    experiment = case.experiment()
    first = TrainedCache.at(tmp_path).get(experiment, case.data)
    (file,) = tmp_path.glob("*.safetensors")
    stamp = file.stat().st_mtime_ns
    other = case.experiment(("switch.rise_time", "1 ns"))
    again = TrainedCache.at(tmp_path).get(other, case.data)
    assert same(first, again)
    assert file.stat().st_mtime_ns == stamp
    assert same(first, TrainedCache.at(None).get(experiment, case.data))


def test_a_damaged_file_is_trained_again(case: Case, tmp_path: Path) -> None:
    experiment = case.experiment()
    first = TrainedCache.at(tmp_path).get(experiment, case.data)
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:200])
    assert same(first, TrainedCache.at(tmp_path).get(experiment, case.data))
    assert file.stat().st_size > 200


def test_a_file_of_another_network_under_the_same_name_is_trained_again(
    case: Case, tmp_path: Path
) -> None:
    experiment = case.experiment()
    first = TrainedCache.at(tmp_path).get(experiment, case.data)
    (file,) = tmp_path.glob("*.safetensors")
    kept = load_parameters(file)
    longer = kept.network.model_copy(update={"steps": kept.network.steps + 1})
    replace(kept, network=longer).save(file)
    assert same(first, TrainedCache.at(tmp_path).get(experiment, case.data))
    assert load_parameters(file).network == kept.network
