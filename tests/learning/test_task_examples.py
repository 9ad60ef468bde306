"""Tasks become examples, and a text goes through training and the machine like any task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pnnsim.errors import SpecError, TaskError, TrainingError
from pnnsim.learning import task_examples as data_module
from pnnsim.learning.datasets.text import encode
from pnnsim.learning.examples import Labelled
from pnnsim.learning.task_examples import TEXT_EPOCH, TEXT_WAVES, load_data
from pnnsim.simulation.experiment_run import run
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.settings import TEXT_VOCABULARIES, TaskParams, TrainingParams

#: 65 distinct characters, as the text that this stands in for; 1,300 in all.
TEXT = 20 * "".join(map(chr, range(40, 105)))


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a text that needs no file in the place of the published one."""
    monkeypatch.setattr(
        data_module, "load_text", lambda name, **_: encode(name, "letters in a row", TEXT)
    )
    return TEXT


def test_images_are_in_three_parts_as_loaded() -> None:
    data = load_data(TaskParams())
    assert (data.name, data.select, data.text) == ("digits", "accuracy", False)
    assert len(data.train) + len(data.validation) + len(data.test) == 1797
    samples = data.samples(None)
    assert len(samples) == len(data.test)
    assert torch.equal(data.samples(5).x, samples.x[:5])
    assert data.pixels().shape == (len(data.train), 64)


def test_the_validation_part_can_be_learned_from_at_the_end() -> None:
    data = load_data(TaskParams())
    assert isinstance(data.validation, Labelled)
    everything = data.with_validation()
    assert torch.equal(
        everything.pixels(), torch.cat([data.train.take(torch.arange(len(data.train)))[0],
                                        data.validation.x])
    )  # fmt: skip
    assert len(everything.train) == len(data.train) + len(data.validation)
    assert everything.test is data.test


def test_the_parts_of_a_text_stay_apart(text: str) -> None:
    with pytest.raises(TrainingError, match="is a text"):
        load_data(TaskParams(name="shakespeare", window=3)).with_validation()


def test_a_text_is_cut_without_overlap_and_its_end_is_measured(text: str) -> None:
    """Rebuild each part's characters from its one-hot windows."""
    data = load_data(TaskParams(name="shakespeare", window=3))
    assert data.select == "loss"
    assert len(data.train) + len(data.validation) + len(data.test) + 3 * 3 == len(text)
    numbers = np.array([ord(character) - 40 for character in text])
    start = 0
    for part in (data.validation, data.train, data.test):
        x, y = part.take(torch.arange(len(part)))
        windows = x.reshape(len(part), 3, 65).argmax(dim=2).numpy()
        wanted = numbers[start : start + len(part) + 3]
        np.testing.assert_array_equal(windows[:, 0], wanted[:-3])
        np.testing.assert_array_equal(windows[:, 2], wanted[2:-1])
        np.testing.assert_array_equal(y.numpy(), wanted[3:])
        start += len(part) + 3
    assert start == len(text)


def test_an_epoch_of_a_text_is_a_part_of_it_unless_asked_for(text: str) -> None:
    data = load_data(TaskParams(name="shakespeare"))
    assert data.epochs(TrainingParams()).examples == TEXT_EPOCH
    assert data.epochs(TrainingParams(examples=7)).examples == 7
    assert load_data(TaskParams()).epochs(TrainingParams()).examples is None


def test_no_more_samples_of_a_text_are_run_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    long = 800 * TEXT[:65]
    monkeypatch.setattr(data_module, "load_text", lambda name, **_: encode(name, "long", long))
    data = load_data(TaskParams(name="shakespeare", window=2))
    assert len(data.test) > TEXT_WAVES == len(data.samples(None))
    assert len(data.samples(10_000_000)) == len(data.test)


def test_a_text_that_is_too_short_for_its_window_is_said(text: str) -> None:
    with pytest.raises(
        TaskError, match=r"has 117 characters, and a window takes 200.*task\.window"
    ):
        load_data(TaskParams(name="shakespeare", window=200))


def test_the_window_decides_the_inputs() -> None:
    experiment = load_experiment("photonic_mrr", [("task.window", "5")], task="shakespeare")
    vocabulary = TEXT_VOCABULARIES["shakespeare"]
    assert (experiment.network.inputs, experiment.network.outputs) == (5 * vocabulary, vocabulary)
    with pytest.raises(SpecError, match=r"network\.inputs: is 9, but the task 'shakespeare' has"):
        load_experiment("photonic_mrr", [("network.inputs", "9")], task="shakespeare")


SMALL = [
    ("task.window", "2"), ("network.hidden", "24"), ("network.steps", "2"),
    ("training.epochs", "10"), ("training.learning_rate", "0.02"), ("simulation.chips", "2"),
]  # fmt: skip


def test_a_text_is_trained_simulated_and_reported_in_nats(text: str, tmp_path: Path) -> None:
    result = run(load_experiment("photonic_mrr", SMALL, task="shakespeare"), out=tmp_path / "a")
    loss = result.metrics["loss_nats"]
    software = {"float", "int8"}
    rest = {"surrogate", "hardware_mean", "hardware_std", "chips", "interval"}
    assert set(loss) == software | rest
    assert loss["float"] == pytest.approx(loss["surrogate"], abs=0.2, rel=0)
    assert len(loss["chips"]) == 2
    # The letters stand in a row, so they can be told; guessing costs ln 65.
    assert loss["surrogate"] < 0.5 * np.log(65)
    assert loss["hardware_mean"] == pytest.approx(np.mean(loss["chips"]), rel=1e-12, abs=0)
    assert result.metrics["task"]["samples"] == 128
    assert "loss, surrogate" in result.table


def test_pixels_of_a_text_are_refused(text: str) -> None:
    settings = [*SMALL, ("training.standardize", "true")]
    with pytest.raises(TrainingError, match=r"training\.standardize: is true, but shakespeare"):
        run(load_experiment("photonic_mrr", settings, task="shakespeare"))
