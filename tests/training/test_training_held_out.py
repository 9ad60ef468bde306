"""No recipe reads its test part before the last choice, and machines get what validation chose."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import training.common
from pnnsim import Data, ReLaXNet, load_dataset
from pnnsim.errors import PnnsimError
from pnnsim.learning.examples import Labelled
from pnnsim.learning.rules import RULES
from training import hil_rules, lrunet_images, relaxnet_budget, relaxnet_svhn
from training.common import Options
from training.held_out import closed, opened


@dataclass(frozen=True)
class Watched:
    """Test part that fails where it is read too early."""

    part: Labelled
    may_be_read: Callable[[], bool]

    def __len__(self) -> int:
        return len(self.part)

    def take(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        assert self.may_be_read(), "the test part is read before the last choice"
        return self.part.take(numbers)

    @property
    def x(self) -> Tensor:
        return self.take(torch.arange(len(self)))[0]

    @property
    def y(self) -> Tensor:
        return self.take(torch.arange(len(self)))[1]


def watch(monkeypatch: pytest.MonkeyPatch, may_be_read: Callable[[], bool]) -> None:
    """Give recipes digits whose test part is watched, and few examples."""

    def load(name: str, **_: object) -> Data:
        data = load_dataset(name)
        assert isinstance(data.test, Labelled)
        return replace(data, test=Watched(data.test, may_be_read))  # type: ignore[arg-type]

    monkeypatch.setattr(training.common, "load_dataset", load)


@pytest.mark.parametrize("name", ["relaxnet_svhn", "relaxnet_budget", "lrunet_images"])
def test_a_recipe_reads_test_data_only_after_its_choice(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    deployed: list[int] = []

    def may_be_read() -> bool:
        reads.append(1)
        return (tmp_path / "choice.json").exists()

    def machines(options: Options, network: ReLaXNet) -> str:
        deployed.append(network.weight_sets)
        return ""

    def on_chips(options: Options, data: Data, repetitions: list[int]) -> str:
        return ""

    watch(monkeypatch, may_be_read)
    monkeypatch.setattr(relaxnet_svhn, "machines", machines)
    monkeypatch.setattr(relaxnet_budget, "machines", machines)
    monkeypatch.setattr(lrunet_images, "_on_chips", on_chips)
    recipe = importlib.import_module(f"training.{name}")
    recipe.main(["--quick", "--seeds", "1", "--out", str(tmp_path)])
    assert reads
    choice = json.loads((tmp_path / "choice.json").read_text(encoding="utf-8"))
    means = choice["validation"]
    assert means[choice["best"]] == min(means.values())
    if name == "relaxnet_svhn":
        assert str(deployed[0]) == choice["best"]
    if name == "relaxnet_budget":
        assert choice["best"].endswith(f", {deployed[0]})")
    cells = json.loads((tmp_path / "cells.json").read_text(encoding="utf-8"))
    trained = {key for key in cells if not key.startswith("test ")}
    assert {f"test {key}" for key in trained} == set(cells) - trained


@pytest.mark.long
def test_rules_are_compared_on_test_data_after_all_have_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    plain = hil_rules.train

    def train(*args: object, **settings: object) -> object:
        outcome = plain(*args, **settings)  # type: ignore[arg-type]
        ended.append(1)
        return outcome

    watch(monkeypatch, lambda: len(ended) == len(RULES))
    monkeypatch.setattr(hil_rules, "train", train)
    hil_rules.main(["--quick", "--out", str(tmp_path)])
    assert (tmp_path / "rules.csv").exists()


def test_a_closed_test_part_is_not_read() -> None:
    data = load_dataset("digits")
    shut = closed(data)
    assert len(shut.test) == len(data.test)
    with pytest.raises(PnnsimError, match="test part: 2 examples are read while it is closed"):
        shut.test.take(torch.arange(2))
    assert opened(shut).test is data.test
