"""One door to data: images and texts by name, with limits, and refusals in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch

from pnnsim.errors import TaskError
from pnnsim.learning.datasets import IMAGE_TASKS, TEXT_TASKS, load_task
from pnnsim.learning.examples import Windows
from pnnsim.learning.load_dataset import load_dataset
from pnnsim.learning.task_examples import Data
from pnnsim.specs.settings import TaskParams


def test_images_are_the_parts_of_the_task() -> None:
    data, task = load_dataset("digits"), load_task("digits")
    for part, x, y in [
        (data.train, task.train_x, task.train_y),
        (data.validation, task.validation_x, task.validation_y),
        (data.test, task.test_x, task.test_y),
    ]:
        found = part.take(torch.arange(len(part)))
        assert torch.equal(found[0], torch.from_numpy(x))
        assert torch.equal(found[1], torch.from_numpy(y))


def test_a_limit_takes_the_first_of_each_part() -> None:
    data, whole = load_dataset("digits", limit=30), load_dataset("digits")
    for few, all_ in ((data.train, whole.train), (data.test, whole.test)):
        assert len(few) == 30
        for one, other in zip(few.take(torch.arange(30)), all_.take(torch.arange(30)), strict=True):
            assert torch.equal(one, other)
    assert len(load_dataset("digits", limit=10**9).test) == len(whole.test)


def test_a_text_is_windows_that_a_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = torch.arange(500) % 7

    def made(task: TaskParams, **options: object) -> Data:
        part = Windows(ids, task.window, 7)
        return Data("shakespeare", "made", part, part, part, "loss")

    monkeypatch.setattr("pnnsim.learning.load_dataset.load_data", made)
    data = load_dataset("shakespeare", window=3, limit=20)
    assert len(data.train) == 20
    x, y = data.train.take(torch.tensor([19]))
    assert (x.shape, int(y)) == ((1, 21), int(ids[22]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"name": "digts"}, r"^name: got 'digts'; expected one of .*Hint: did you mean 'digits'\?"),
        ({"name": "x"}, r"^name: got 'x'; expected one of digits, mnist, .*, shakespeare$"),
        ({"name": "digits", "window": 0}, "^window: got 0; expected a whole number of at least 1"),
        ({"name": "digits", "window": 1001}, "^window: got 1001; expected at most 1000"),
        ({"name": "digits", "limit": 2.5}, "^limit: got 2.5; expected a whole number"),
        ({"name": "digits", "limit": True}, "^limit: got True; expected a whole number"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(words: dict[str, object], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load_dataset(**words)  # type: ignore[arg-type]


def test_a_folder_may_be_text(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="is not a folder"):
        load_dataset("mnist", data_dir=str(tmp_path / "none"), offline=True)


def test_names_are_those_of_a_description() -> None:
    assert set(get_args(TaskParams.model_fields["name"].annotation)) == {*IMAGE_TASKS, *TEXT_TASKS}
