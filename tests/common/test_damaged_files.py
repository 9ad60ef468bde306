"""A damaged file is refused with an error that names it, and changes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import pnnsim
from tests.common import damage_files
from tests.common.damage_of_content import Content
from tests.common.damage_plain_subjects import PLAIN
from tests.common.damage_subjects import SUBJECTS

KINDS = sorted(SUBJECTS)

#: A fit of these takes a second.
SLOW = {"fit ring-spectrum"}


@pytest.mark.parametrize("kind", [*KINDS, *(kind for kind in PLAIN if kind not in SLOW)])
def test_damaged_file_is_refused_or_gives_what_it_held(kind: str) -> None:
    ways, faults = damage_files.damage(kind, 20, seed=11)
    assert sum(ways.values()) == 20
    assert faults == []


@pytest.mark.long
@pytest.mark.parametrize("kind", [*KINDS, *PLAIN])
def test_many_damaged_files_are_refused_or_give_what_they_held(kind: str) -> None:
    assert damage_files.damage(kind, 1000, seed=12)[1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_content_that_is_sealed_anew_without_damage_is_read(kind: str, tmp_path: Path) -> None:
    """Without this the trials above could fail on the seal alone."""
    subject = SUBJECTS[kind]()
    path = tmp_path / subject.file
    path.write_bytes(subject.raw)
    whole = subject.load(path)
    path.write_bytes(damage_files.sealed(subject.kind, damage_files.parsed(subject.raw)))
    assert subject.load(path) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_file_is_the_same_whenever_it_is_written(kind: str) -> None:
    assert SUBJECTS[kind]().raw == SUBJECTS[kind]().raw


@pytest.mark.parametrize("kind", KINDS)
def test_file_of_an_older_version_names_both_versions_and_a_way_out(
    kind: str, tmp_path: Path
) -> None:
    subject = SUBJECTS[kind]()
    path = tmp_path / subject.file
    content = damage_files.parsed(subject.raw)
    content.about["version"] = 0
    path.write_bytes(damage_files.sealed(subject.kind, content))
    with pytest.raises(subject.kind.error) as caught:
        subject.load(path)
    message = str(caught.value)
    name, version = subject.kind.name, subject.kind.version
    assert f"'{name}', version '0'; expected {name}, version {version}" in message
    assert message.endswith(f". Hint: {subject.kind.hint}")


def cells(content: Content, *path: object) -> tuple[Any, Any]:
    found: Any = content.about["record"]
    for key in path[:-1]:
        found = found[key]
    return found, path[-1]


def put(value: object, *path: object) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        above, key = cells(content, *path)
        above[key] = value

    return change


def fill(name: str, value: float, dtype: torch.dtype | None = None) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        tensor = content.tensors[name]
        content.tensors[name] = torch.full_like(tensor, value, dtype=dtype or tensor.dtype)

    return change


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("parameters", fill("bias", torch.nan), "'bias': got values that are not finite"),
        ("parameters", fill("bias", 0.0, torch.float64), "'bias': got numbers of type torch.fl"),
        ("parameters", fill("gain", 1, torch.int64), "'gain': got numbers of type torch.int64"),
        ("parameters", put(6, "network", "hidden"), r"got the shape \(4, 5\); expected \(6, 5\)"),
        ("parameters", put("4", "network", "hidden"), "record.network.hidden': got '\"4\"'; expe"),
        ("parameters", put("x", "spec_sha256"), "'spec_sha256': got"),
        ("lrunet", put(1000, "network", "repetitions"), "numbers; expected at least"),
        ("lrunet", fill("norm_stem.running_var", -1.0), "running_var: got a negative number"),
        ("lrunet", fill("stem.weight", 0.0, torch.float64), "expected torch.float64 as in 'stem"),
        ("condition", put(-1, "clock_fs"), "'clock_fs': got"),
        ("condition", put(10**32, "advanced_fs"), "advanced_fs: got 1.* expected at most clock_fs"),
        ("condition", put(2, "selected"), "selected: got 2; expected a bank from 0 to 1"),
        ("condition", put(9, "writes"), "writes: got 9; expected 3"),
        ("condition", put(0, "banks", 1, "number"), "got the programmings '\\[0, 0\\]'"),
        ("condition", put(False, "banks", 1, "rewritten"), "got 0 rewritten at 3 programmings"),
        ("condition", fill("weight.0", 1.5), "weight.0: got the magnitude 1.5"),
        ("condition", fill("noise", 255), "'noise': got no state of a random stream"),
        ("condition", fill("drift.1", 0), "'drift.1': got no state of a random stream"),
        ("condition", put("other", "identity", "serial"), "is the state of another machine"),
        ("checkpoint", put(3, "progression", "epoch"), "loss: got 2 epochs; expected 3"),
        ("checkpoint", put(-1, "progression", "epoch"), "'progression.epoch': got"),
        ("checkpoint", put(2, "progression", "best_epoch"), "best_epoch: got 2; expected one of 2"),
        ("checkpoint", put([0.5, 1.5], "progression", "validation_accuracy"), "accuracy.1': got"),
        ("checkpoint", put({"0": {"step": -1}}, "optimizer"), "optimizer: got the numbers"),
        ("checkpoint", fill("optimizer.0.step", -1.0), "optimizer.0.step': got a negative number"),
        ("checkpoint", fill("optimizer.2.exp_avg_sq", -1.0), "exp_avg_sq': got a negative number"),
        ("checkpoint", fill("optimizer.2.exp_avg", 0.0, torch.float32), "float32; expected"),
        ("checkpoint", fill("model._extra_state", -1), "_extra_state: got negative counts"),
        ("checkpoint", fill("order", 255), "'order': got no state of a random stream"),
        ("session", put([1.0] * 11, "calls", 1, "cost"), "'calls.1.cost"),
        ("session", put([-1.0] * 12, "calls", 1, "cost"), "'calls.1.cost"),
        ("session", put([0.5] * 12, "calls", 1, "cost"), "call 2, 'write': got a count"),
        ("session", put(True, "calls", 1, "arguments", "weight_set"), "'write': got the arguments"),
        ("session", put("dance", "calls", 1, "call"), "'calls.1.call'"),
        ("session", put(["drive"], "calls", 5, "sent"), "call 6, 'step': got .* as sent"),
    ],
)  # fmt: skip
def test_content_that_makes_no_sense_is_refused_by_name(
    kind: str, change: Callable[[Content], None], message: str, tmp_path: Path
) -> None:
    subject = SUBJECTS[kind]()
    path = tmp_path / subject.file
    content = damage_files.parsed(subject.raw)
    change(content)
    path.write_bytes(damage_files.sealed(subject.kind, content))
    with pytest.raises(subject.kind.error, match=message):
        subject.load(path)


def test_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    subject = SUBJECTS["parameters"]()
    os.mkfifo(tmp_path / subject.file)
    with pytest.raises(subject.kind.error, match="regular file"):
        subject.load(tmp_path / subject.file)


def test_stored_files_are_opened_in_one_place_alone() -> None:
    """Whoever opens one elsewhere maps it, and checks it otherwise."""
    library = Path(pnnsim.__file__).parent
    others = [
        path
        for path in library.rglob("*.py")
        if re.search(r"^\s*(from|import) safetensors", path.read_text(), re.MULTILINE)
    ]
    assert others == [library / "common" / "storage.py"]
