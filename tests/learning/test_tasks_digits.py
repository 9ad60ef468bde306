from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pnnsim.errors import TaskError
from pnnsim.learning.datasets import Task, load_task
from pnnsim.learning.datasets.base import Labelled, _splitmix64, assemble, held_out


@pytest.fixture(scope="module")
def digits() -> Task:
    return load_task("digits")


def test_digits_are_scaled_to_one_and_typed(digits: Task) -> None:
    assert (digits.inputs, digits.outputs) == (64, 10)
    for x, y in (
        (digits.train_x, digits.train_y),
        (digits.validation_x, digits.validation_y),
        (digits.test_x, digits.test_y),
    ):
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert x.shape == (len(y), 64)
        # Sixteenths are exact in float32, so the grey levels come back as integers.
        assert np.array_equal(x * 16, np.rint(x * 16))
        assert x.min() == 0.0
        assert x.max() == 1.0


def test_parts_together_are_all_digits_each_once(digits: Task) -> None:
    bunch = load_digits()
    x = np.concatenate([digits.train_x, digits.validation_x, digits.test_x])
    y = np.concatenate([digits.train_y, digits.validation_y, digits.test_y])
    got = sorted((row.tobytes(), int(label)) for row, label in zip(x, y, strict=True))
    whole = (bunch.data / 16).astype(np.float32)
    expected = sorted(
        (row.tobytes(), int(label)) for row, label in zip(whole, bunch.target, strict=True)
    )
    assert got == expected


def test_a_third_is_test_and_a_tenth_of_the_rest_validation_in_every_class(digits: Task) -> None:
    for label, count in enumerate(np.bincount(load_digits().target)):
        test = int((digits.test_y == label).sum())
        validation = int((digits.validation_y == label).sum())
        # Rounding moves a share by at most half an example.
        assert abs(test - count / 3) <= 0.5
        assert abs(validation - (count - test) / 10) <= 0.5


def test_split_never_moves(digits: Task) -> None:
    # Golden: places of the first test digits, from the formula in `held_out`, checked against a
    # pure-Python SplitMix64 below. A change here changes every figure on this task.
    assert (len(digits.train_y), len(digits.validation_y), len(digits.test_y)) == (1078, 120, 599)
    labels = load_digits().target
    chosen = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        members = sorted(np.flatnonzero(labels == label), key=lambda place: splitmix64(int(place)))
        chosen[members[: round(len(members) / 3)]] = True
    assert np.array_equal(held_out(labels, one_in=3), chosen)


def splitmix64(seed: int) -> int:
    mask = 2**64 - 1
    z = (seed + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_splitmix64_gives_the_known_first_value() -> None:
    # First output of the reference implementation for seed 0 (S. Vigna, splitmix64.c).
    assert int(_splitmix64(1)[0]) == 0xE220A8397B1DCDAF
    assert [int(value) for value in _splitmix64(5)] == [splitmix64(seed) for seed in range(5)]


def test_held_out_takes_the_nearest_count_of_each_class() -> None:
    labels = np.array([0] * 4 + [1] * 5 + [2] * 14 + [3] * 15)
    chosen = held_out(labels, one_in=10)
    assert np.bincount(labels[chosen], minlength=4).tolist() == [0, 1, 1, 2]
    assert held_out(labels[:0], one_in=10).tolist() == []


def test_empty_part_is_refused() -> None:
    one = Labelled(np.zeros((1, 4)), np.zeros(1, dtype=np.int64))
    with pytest.raises(TaskError, match="tiny: 1 training, 0 validation and 1 test examples"):
        assemble("tiny", "", classes=1, full_scale=1.0, train=one, test=one)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minst", "task: unknown name 'minst'; expected one of digits, .*did you mean 'mnist'"),
        ("zzz", "task: unknown name 'zzz'; expected one of digits, mnist"),
        ("shakespeare", r"use load_text\('shakespeare'\)"),
    ],
)
def test_unknown_names_are_told_what_is_known(name: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load_task(name)
