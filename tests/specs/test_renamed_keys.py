"""A key, an option or a parameter file of before is refused with its name of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pnnsim.cli.app import main
from pnnsim.common import storage
from pnnsim.errors import ParameterError, SpecError
from pnnsim.networks.parameters import KIND, ParameterSet, load_parameters, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.renamed import RENAMED
from tests.specs.spec_text import MACHINE, changed, place_of, problems_of

#: Key of before, a value that it had, and what the message says of the key.
OLD = [
    ("training.imperfections", "all", "expected 'non_idealities', as it is called now"),
    ("simulation.waves", "100", "expected 'samples', as it is called now"),
    ("control.tiles_at_once", "1", "expected 'parallel_tiles', as it is called now"),
    (
        "network.state",
        "keep",
        "expected 'stateful', as it is called now. Hint: network.stateful: true",
    ),
    (
        "network.state",
        "reset",
        "expected 'stateful', as it is called now. Hint: network.stateful: false",
    ),
]


def test_every_renamed_key_has_a_case() -> None:
    assert {key for key, _, _ in OLD} == set(RENAMED)


@pytest.mark.parametrize("new", RENAMED.values())
def test_the_new_name_is_a_key(new: str) -> None:
    section, _, key = new.partition(".")
    values = {"non_idealities": "all", "samples": "7", "parallel_tiles": "1", "stateful": "false"}
    experiment = load_experiment("photonic_mrr", [(new, values[key])])
    blocks = {**experiment.hardware.sections(), **experiment.blocks()}
    assert key in type(blocks[section]).model_fields


@pytest.mark.parametrize(("key", "value", "expected"), OLD)
def test_an_old_key_of_an_experiment_is_refused_where_it_stands(
    key: str, value: str, expected: str, tmp_path: Path
) -> None:
    section, _, name = key.partition(".")
    block = f"{section}: {{{name}: {value}}}\n"
    if section == "control":
        text = changed("  block: 1\n", f"  block: 1\n  {name}: {value}\n")
    else:
        text = f"schema: 1\nhardware: photonic_mrr\n{block}"
    assert problems_of(text, tmp_path) == [
        f"m.yaml:{place_of(name + ':', text)}: {key}: unknown key; {expected}"
    ]


def test_an_old_key_of_a_machine_inside_an_experiment_is_refused(tmp_path: Path) -> None:
    machine = changed("  block: 1\n", "  block: 1\n  tiles_at_once: 1\n")
    inside = "".join(f"  {line}\n" for line in machine.splitlines() if line != "schema: 1")
    (problem,) = problems_of(f"schema: 1\nhardware:\n{inside}", tmp_path)
    assert "hardware.control.tiles_at_once: unknown key; expected 'parallel_tiles'" in problem


@pytest.mark.parametrize(("key", "value", "expected"), OLD)
def test_an_old_key_of_a_setting_is_refused(key: str, value: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_experiment("photonic_mrr", [(key, value)])
    assert str(caught.value) == f"--set {key}={value}: {key}: unknown key; {expected}"


def test_an_unknown_value_of_an_old_key_is_no_longer_read(tmp_path: Path) -> None:
    for value in ("{}", "[keep]", "maybe", ""):
        (problem,) = problems_of(
            f"schema: 1\nhardware: photonic_mrr\nnetwork:\n  state: {value}\n", tmp_path
        )
        assert problem == (
            "m.yaml:4:3: network.state: unknown key; expected 'stateful', as it is called now"
        )


@pytest.mark.parametrize("words", [["--waves", "5"], ["--waves=5"]])
@pytest.mark.parametrize("command", ["run", "sensitivity"])
def test_an_old_option_is_refused(
    command: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "photonic_mrr", *words]) == 2
    assert capsys.readouterr().err == (
        "--waves: unknown option; expected '--samples', as it is called now\n"
    )


def test_parameters_of_a_network_with_an_old_key_say_how_to_make_new_ones(tmp_path: Path) -> None:
    network = ReLaXNet(inputs=3, hidden=4, outputs=2)
    tensors = {name: torch.zeros(shape) for name, shape in shapes(network).items()}
    file = tmp_path / "parameters.safetensors"
    ParameterSet(network, **tensors).save(file)
    record = {"spec_sha256": "", "network": network.model_dump(mode="json")}
    del record["network"]["stateful"]  # type: ignore[attr-defined]
    record["network"]["state"] = "reset"  # type: ignore[index]
    stored = load_file(file)
    digest = storage.content_sha256(KIND, record, stored)
    about = {"kind": KIND.name, "version": KIND.version, "record": record, "sha256": digest}
    save_file(stored, file, {"pnnsim": json.dumps(about)})
    with pytest.raises(
        ParameterError, match=r"network\.state.*Hint: train again with `pnnsim run`"
    ):
        load_parameters(file)


def test_a_machine_with_new_keys_alone_is_read(tmp_path: Path) -> None:
    assert problems_of(MACHINE, tmp_path) == []
