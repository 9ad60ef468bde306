"""Tasks: their parts, how these are cut, and how pixels become inputs.

This is the one place of preprocessing: the surrogate and the simulated machine read the same
arrays. A loader returns raw bytes and labels; it must not scale, shuffle or split by itself.

Preprocessing is one step, `value / full scale`, so that every input lies in [0, 1]: what an encoder
can put on a line as an intensity. There is no per-channel standardization: it would make inputs
negative and need the mean of a training set inside the machine's front end.

Inputs come flattened in the order channel, row, column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pnnsim.errors import TaskError

#: One training example in this many is held out for validation.
VALIDATION_ONE_IN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Labelled data set in three parts that share no example.

    Args:
        name: Name by which it is loaded.
        note: What the data are, in one sentence, and whether published figures compare.
        inputs: Numbers in one example, `n_in` of the front end.
        outputs: Number of classes.
        train_x: Training examples in [0, 1], float32, shape `(batch, inputs)`.
        train_y: Their classes from 0, int64, shape `(batch,)`.
        validation_x: Examples for every choice made while training, as `train_x`.
        validation_y: Their classes, as `train_y`.
        test_x: Examples for the final figure alone, as `train_x`.
        test_y: Their classes, as `train_y`.
    """

    name: str
    note: str
    inputs: int
    outputs: int
    train_x: NDArray[np.float32]
    train_y: NDArray[np.int64]
    validation_x: NDArray[np.float32]
    validation_y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TextTask:
    """Text as numbers, cut once into training and validation.

    Args:
        name: Name by which it is loaded.
        note: What the text is, in one sentence.
        vocabulary: Its distinct characters, sorted; a character's place is its number.
        train_ids: Numbers of the first nine tenths, int64, shape `(length,)`.
        validation_ids: Numbers of the rest, as `train_ids`.
    """

    name: str
    note: str
    vocabulary: tuple[str, ...]
    train_ids: NDArray[np.int64]
    validation_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One side of a data set as it was stored.

    Args:
        values: Stored numbers from 0 to the full scale, shape `(batch, inputs)`.
        labels: Classes from 0, any integer type, shape `(batch,)`.
    """

    values: NDArray[np.generic]
    labels: NDArray[np.integer]


def assemble(
    name: str, note: str, *, classes: int, full_scale: float, train: Labelled, test: Labelled
) -> Task:
    """Hold out the validation part and scale everything to [0, 1].

    Args:
        name: Name of the task.
        note: Its note.
        classes: Number of classes; the labels have been checked against it.
        full_scale: Largest number that can be stored; it becomes 1.
        train: The published training side.
        test: The published test side.

    Returns:
        The task. Validation is the same tenth of every training class on every machine.

    Raises:
        TaskError: If there are too few examples to fill all three parts.
    """
    held = held_out(train.labels, one_in=VALIDATION_ONE_IN)
    sizes = (int((~held).sum()), int(held.sum()), len(test.labels))
    if 0 in sizes:
        raise TaskError(
            f"{name}: {sizes[0]} training, {sizes[1]} validation and {sizes[2]} test examples; "
            f"expected at least one of each (validation takes one in {VALIDATION_ONE_IN} of every "
            "class, rounded). Hint: use more of the published files"
        )
    return Task(
        name=name,
        note=note,
        inputs=train.values.shape[1],
        outputs=classes,
        train_x=_scaled(train.values[~held], full_scale),
        train_y=train.labels[~held].astype(np.int64),
        validation_x=_scaled(train.values[held], full_scale),
        validation_y=train.labels[held].astype(np.int64),
        test_x=_scaled(test.values, full_scale),
        test_y=test.labels.astype(np.int64),
    )


def held_out(labels: NDArray[np.integer], *, one_in: int) -> NDArray[np.bool_]:
    """Choose a fixed part of every class.

    Args:
        labels: Class of each example, shape `(batch,)`.
        one_in: One example of a class in this many is chosen, rounded to the nearest count.

    Returns:
        Whether an example is chosen, shape `(batch,)`.

    Places are put in the order of their SplitMix64 value (Steele, Lea and Flood, OOPSLA 2014), a
    formula: the choice depends on no random generator, so no library version can change it.
    """
    order = np.argsort(_splitmix64(len(labels)), kind="stable")
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        chosen[members[: (2 * len(members) + one_in) // (2 * one_in)]] = True
    return chosen


def _splitmix64(count: int) -> NDArray[np.uint64]:
    """Return the SplitMix64 values of seeds 0 … count−1; multiplication wraps at 64 bits."""
    z = np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _scaled(values: NDArray[np.generic], full_scale: float) -> NDArray[np.float32]:
    """Return `values / full_scale` as a contiguous float32 array of its own."""
    scaled: NDArray[np.float32] = values.astype(np.float32, order="C")
    scaled /= np.float32(full_scale)
    return scaled
