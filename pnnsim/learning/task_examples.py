"""Turn a task into examples to learn from, to choose by, and to measure on.

Images come in three parts as they are loaded. A text is cut here: the beginning of its training
side is held out for every choice, and its validation side, as is customary for a text, is what the
final figure is measured on. One window of characters is one sample of the machine. Where the state
starts anew with each it is an example, too; where the state is kept an example is many in a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from pnnsim.errors import TaskError, TrainingError
from pnnsim.learning.datasets import TEXT_TASKS, load_task, load_text
from pnnsim.learning.examples import Examples, Labelled, Sequences, Windows, labelled
from pnnsim.specs.settings import TaskParams, TrainingParams

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Windows of a text by which epochs are chosen, a tenth of a short one at most: the loss is then
#: known to about 0.01 nats.
_CHOICE = 16384

#: Windows of a text that are one epoch by default.
TEXT_EPOCH = 16384

#: Windows in a row of one training example of a stateful network.
SEQUENCE = 64

#: Windows of a text that are run on the machine by default.
TEXT_WAVES = 4096


@dataclass(frozen=True, slots=True)
class Data:
    """Examples of a task, in three parts.

    Args:
        name: Name of the task.
        note: What the data are, in one sentence.
        train: Examples to learn from.
        validation: Examples for every choice.
        test: Examples for the final figure.
        select: What makes an epoch the best: accuracy for images, loss for a text.
    """

    name: str
    note: str
    train: Examples
    validation: Examples
    test: Examples
    select: Literal["accuracy", "loss"]

    @property
    def text(self) -> bool:
        """Return whether the examples are windows of a text."""
        return self.select == "loss"

    def epochs(self, training: TrainingParams) -> TrainingParams:
        """Return the settings with the length of an epoch filled in."""
        if training.examples is not None or not self.text:
            return training
        length = self.train.length if isinstance(self.train, Sequences) else 1
        return training.model_copy(update={"examples": max(1, TEXT_EPOCH // length)})

    def in_sequences(self, length: int | None) -> Data:
        """Return a text whose training examples are many windows in a row.

        Args:
            length: Windows of one example; `SEQUENCE` where it is None.

        Raises:
            TrainingError: If a part is too short for a single example, or is not of a text.
        """
        parts = []
        for part in (self.train, self.validation):
            if not isinstance(part, Windows):
                raise TrainingError(
                    f"network.stateful: is true, but the examples of {self.name} do not follow "
                    "each other; expected a text. Hint: network.stateful: false"
                )
            parts.append(Sequences(part, length or SEQUENCE))
            if not len(parts[-1]):
                raise TrainingError(
                    f"training.sequence: is {length or SEQUENCE}, but a part of {self.name} has "
                    f"only {len(part)} windows. Hint: a shorter sequence"
                )
        return replace(self, train=parts[0], validation=parts[1])

    def pixels(self) -> Tensor:
        """Return the training inputs of images, shape `(batch, n_inputs)`.

        Raises:
            TrainingError: If the examples are windows of a text.
        """
        if not isinstance(self.train, Labelled):
            raise TrainingError(
                f"training.standardize: is true, but {self.name} is a text, whose inputs are 0 or "
                "1. Hint: leave it out"
            )
        return self.train.x

    def with_validation(self) -> Data:
        """Return the same task with its validation part among what is learned from.

        For a last training, once every choice has been made on the validation part.

        Raises:
            TrainingError: If the examples are windows of a text.
        """
        if not isinstance(self.train, Labelled) or not isinstance(self.validation, Labelled):
            raise TrainingError(f"{self.name}: is a text; its parts are learned from as they are")
        both = Labelled(
            torch.cat([self.train.x, self.validation.x]),
            torch.cat([self.train.y, self.validation.y]),
        )
        return replace(self, train=both)

    def samples(self, wanted: int | None, *, streams: int = 1) -> Labelled:
        """Return the first examples of the test part, as they are sent through the machine.

        Args:
            wanted: How many; None for all, or the first `TEXT_WAVES` of a text.
            streams: Sequences that take turns, of as many samples each; what is left over is not
                sent.

        Raises:
            TrainingError: If there is less than one sample for each stream.
        """
        default = TEXT_WAVES if self.text else len(self.test)
        count = min(len(self.test), default if wanted is None else wanted)
        length = count // streams
        if not length:
            raise TrainingError(
                f"simulation.samples: {count} samples for {streams} streams in turns; expected "
                "at least one each. Hint: more samples, or a smaller control.block"
            )
        turns = torch.arange(length).unsqueeze(1) + length * torch.arange(streams)
        return Labelled(*self.test.take(turns.flatten()))


def load_data(
    task: TaskParams,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Data:
    """Load a task as examples.

    Args:
        task: Name, and window of a text.
        data_dir: Where data sets are looked for first.
        offline: Never download.
        progress: Progress of downloads; None for silence.

    Raises:
        TaskError: If the data set is missing or damaged, or a text is too short.
    """
    if task.name not in TEXT_TASKS:
        found = load_task(task.name, data_dir=data_dir, offline=offline, progress=progress)
        return Data(
            name=found.name,
            note=found.note,
            train=labelled(found.train_x, found.train_y),
            validation=labelled(found.validation_x, found.validation_y),
            test=labelled(found.test_x, found.test_y),
            select="accuracy",
        )
    text = load_text(task.name, data_dir=data_dir, offline=offline, progress=progress)
    learn = torch.from_numpy(text.train_ids)
    cut = min(len(learn) // 10, _CHOICE + task.window)
    sides = (learn[cut:], learn[:cut], torch.from_numpy(text.validation_ids))
    parts = [Windows(ids, task.window, len(text.vocabulary)) for ids in sides]
    if not all(len(part) for part in parts):
        shortest = min(len(ids) for ids in sides)
        raise TaskError(
            f"{task.name}: one of its parts has {shortest} characters, and a window takes "
            f"{task.window} and the one that follows. Hint: lower task.window"
        )
    train, validation, test = parts
    return Data(text.name, text.note, train, validation, test, "loss")
