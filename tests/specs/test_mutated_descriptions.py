"""Mutated descriptions are read as they stand or refused in words; see `mutate_descriptions.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pnnsim.errors import SpecError
from pnnsim.explore.study_file import load_study
from pnnsim.networks.lrunet import LruNet
from pnnsim.specs.experiment import load_experiment
from tests.specs.mutate_descriptions import FaultError, examine, read

BLOCK = 40

#: An LruNet for the images of the task `digits`.
SMALL = {"kind": "lrunet", "side": "8", "channels": "1"}


@pytest.mark.parametrize("block", range(3))
def test_a_mutated_description_is_read_or_refused_in_words(block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        examine(seed)


def _refused(load: Any) -> str:
    found = read(load)
    assert isinstance(found, SpecError)
    return str(found)


@pytest.mark.parametrize("node", ["true", "", "28 ns", "-28", "28,5 nm"])
def test_a_parameter_of_a_law_with_another_unit_is_refused_at_its_place(node: str) -> None:
    law = {"encoder.dac_energy.law": "dac", "encoder.dac_energy.node": node}
    message = _refused(lambda: load_experiment("photonic_mrr", list(law.items())))
    assert "encoder.dac_energy.node: " in message
    assert f"'{node}'" in message
    assert "expected a length such as" in message


@pytest.mark.parametrize(("width", "expected"), [("1", 1), ("2", 2)])
def test_a_choice_between_numbers_is_read(width: str, expected: int) -> None:
    found = load_experiment(
        "photonic_mrr",
        [(f"network.{key}", text) for key, text in SMALL.items()] + [("network.width", width)],
    ).network
    assert isinstance(found, LruNet)
    assert found.width == expected


def test_a_choice_between_numbers_says_which_there_are() -> None:
    settings = [("network.kind", "lrunet"), ("network.width", "3")]
    message = _refused(lambda: load_experiment("photonic_mrr", settings))
    assert "network.width: unknown value '3'; expected '1' or '2'" in message


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [("lrunet", "side", "8"), ("lrunet", "dropout", "0.5"), ("relaxnet", "steps", "8")],
)
def test_the_range_of_a_network_is_read_by_its_own_kind(kind: str, key: str, value: str) -> None:
    network: dict[str, Any] = dict(SMALL) if kind == "lrunet" else {"kind": kind}
    network[key] = {"value": value, "range": ["7 (W)", "9"]}
    tree = {"schema": 1, "hardware": "photonic_mrr", "network": network}
    message = _refused(lambda: load_experiment(tree))
    assert f"network.{key}.range: '7 (W)' is not a " in message


@pytest.mark.parametrize(
    "key", ["switch.rise_time\u200b", "\x1b[31mswitch.rise_time", "switch.", "", ".rise_time"]
)
@pytest.mark.parametrize("block", ["set", "vary"])
def test_a_key_of_a_study_with_strange_characters_is_refused(block: str, key: str) -> None:
    study: dict[str, Any] = {
        "schema": 1,
        "base": "photonic_mrr",
        "set": {"network.steps": 4},
        "vary": {"switch.bits": [4, 8]},
    }
    study[block] = {**study[block], key: ["1 ns"] if block == "vary" else "1 ns"}
    assert block in _refused(lambda: load_study(study))


@pytest.mark.parametrize("number", [10**1000, -(10**5000)], ids=["1001 digits", "5001 digits"])
def test_a_whole_number_of_thousands_of_digits_is_refused_at_its_place(number: int) -> None:
    tree = {"schema": 1, "hardware": "photonic_mrr", "training": {"seed": number}}
    message = _refused(lambda: load_experiment(tree))
    assert "training.seed: is a whole number of more than 1000 digits" in message


def test_the_examination_sees_what_a_reading_does_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unkind(*_: object) -> None:
        raise KeyError("fault of ours")

    monkeypatch.setattr("tests.specs.mutate_descriptions.load_experiment", unkind)
    with pytest.raises(KeyError, match="fault of ours"):
        examine(0)

    def unreadable() -> None:
        raise SpecError([])

    with pytest.raises(FaultError):
        read(unreadable)
