"""The one training loop: batches, step sizes, divergence guard, validation, checkpoints, progress.

What differs between trainings is a `Procedure`: where a gradient comes from, and what is measured
after an epoch. `fit` has the one for a surrogate, `rules` the one for a machine on a bench. No
gradient is computed here, and no machine is used.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from pnnsim.common.rng import stream
from pnnsim.errors import TrainingError
from pnnsim.learning.checkpoint import (
    Progression,
    load_checkpoint,
    numbers_of,
    save_checkpoint,
)
from pnnsim.learning.examples import Examples
from pnnsim.networks.protocol import output_width

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress
    from pnnsim.inference.surrogate import Surrogate
    from pnnsim.inference.workload_surrogate import WorkloadSurrogate

#: Loss beyond which a training has diverged, over that of guessing or of its own beginning.
_DIVERGED = 100.0


class Batches:
    """Endless batches of examples, in a new order each pass.

    Args:
        examples: What is learned from.
        size: Examples of one batch; the last of a pass may have fewer.
        seed: Seed of the order.
        length: Examples of one pass, drawn anew for each; None for all.
    """

    def __init__(
        self, examples: Examples, *, size: int, seed: int, length: int | None = None
    ) -> None:
        self._examples = examples
        self._size = size
        self._length = min(len(examples), length or len(examples))
        self._left: Iterator[Tensor] = iter(())
        #: Stream of the order, a part of the state of a training.
        self.order = stream(seed, "batches", "train")
        #: Number of batches of one pass.
        self.per_pass = -(-self._length // size)
        #: Number of examples of the last batch.
        self.last = 0

    def take(self) -> tuple[Tensor, Tensor]:
        """Return inputs and classes of the next batch; see `Examples.take`."""
        numbers = next(self._left, None)
        if numbers is None:
            drawn = torch.randperm(len(self._examples), generator=self.order)
            self._left = iter(torch.split(drawn[: self._length], self._size))
            numbers = next(self._left)
        self.last = len(numbers)
        return self._examples.take(numbers)


@dataclass(frozen=True, slots=True)
class Course:
    """Length of a training, and which epoch is kept.

    Args:
        epochs: Number of epochs.
        updates: Updates of all epochs together.
        patience: Epochs without a better validation after which training ends and the best epoch
            is kept; None to go to the end and keep the last epoch.
        select: What makes an epoch the best: the highest accuracy or the lowest loss.
    """

    epochs: int
    updates: int
    patience: int | None = None
    select: Literal["accuracy", "loss"] = "accuracy"

    def spans(self) -> list[range]:
        """Return the updates of each epoch that has any."""
        ends = [-(-(epoch + 1) * self.updates // self.epochs) for epoch in range(self.epochs)]
        spans = [range(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
        return [span for span in spans if span]


@dataclass(frozen=True, slots=True)
class Score:
    """Quality of a network on the validation part.

    Args:
        accuracy: Share of the examples that is right.
        loss: Mean loss [nats]; None where none is measured.
    """

    accuracy: float
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Place of the checkpoints of a training.

    Args:
        folder: Folder of the file.
        every: Epochs from one checkpoint to the next.
        identity: What must be the same where the training goes on; JSON values.
    """

    folder: Path
    every: int
    identity: Mapping[str, Any]


class Procedure(ABC):
    """Source of the gradients of a training, with all else in which trainings differ.

    Args:
        name: Name in messages and of the progress.
        surrogate: Model whose parameters are learned.
        optimizer: What turns gradients into steps.
        rates: Step size of each of its groups, before the schedule.
        clip: Largest norm of a gradient; longer ones are shortened.
    """

    def __init__(
        self,
        name: str,
        surrogate: Surrogate | WorkloadSurrogate,
        optimizer: torch.optim.Optimizer,
        rates: Sequence[float],
        *,
        clip: float = math.inf,
    ) -> None:
        self.name = name
        self.surrogate = surrogate
        self.optimizer = optimizer
        self.rates = rates
        self.clip = clip

    @abstractmethod
    def rate(self, update: int, updates: int) -> float:
        """Return the factor on the step sizes at one update.

        Args:
            update: Number of the update, from 0.
            updates: Number of all updates.
        """

    @abstractmethod
    def gradient(self, update: int) -> float:
        """Leave a gradient in the parameters and return the loss [nats]."""

    @abstractmethod
    def likely_cause(self) -> str:
        """Return a sentence on what most often lies behind a divergence, with a hint."""

    @abstractmethod
    def validate(self) -> Score | None:
        """Return the quality after an epoch; None where there is no validation part."""

    def warming_up(self, update: int) -> bool:
        """Return whether steps are still small by intent, so that a high loss means nothing.

        Args:
            update: Number of the update, from 0.
        """
        return False

    def begin_epoch(self) -> None:  # noqa: B027, most procedures have nothing to prepare
        """Prepare an epoch."""

    def stepped(self, loss: float) -> None:  # noqa: B027, a surrogate needs nothing after a step
        """Do what follows a step of the optimizer."""


def learn(
    procedure: Procedure,
    batches: Batches,
    course: Course,
    *,
    checkpoints: Checkpoints | None = None,
    progress: Progress | None = None,
) -> Progression:
    """Train the parameters of a surrogate, which ends with those of the epoch kept.

    Training has diverged where a loss or a gradient is not finite, or where, once warm-up is over,
    a loss is a hundred times that of guessing, or of the first batch if that is higher (from the
    second epoch on, of the mean over the first): deep networks may begin far off and recover.

    Args:
        procedure: Where gradients come from.
        batches: Batches that the procedure takes.
        course: Length of the training.
        checkpoints: Where the state is kept as training goes on; a training that was stopped goes
            on from there and ends with the same bits. None for none.
        progress: Progress of the updates; None for silence.

    Raises:
        TrainingError: If training diverges, or the checkpoint is not one of this training.
        OutputError: If a checkpoint cannot be written.
    """
    model, spans = procedure.surrogate, course.spans()
    so_far, best = Progression(), _copied(model)
    if checkpoints is not None:
        found = load_checkpoint(
            checkpoints.folder, model=model, optimizer=procedure.optimizer, order=batches.order,
            identity=checkpoints.identity,
        )  # fmt: skip
        if found is not None:
            so_far, best = found
    if progress is not None:
        progress.start(procedure.name, course.updates)
        progress.advance(sum(map(len, spans[: so_far.epoch])))
    while not _ended(so_far, spans, course):
        so_far.loss.append(
            _epoch(procedure, batches, spans[so_far.epoch], course.updates, so_far, progress)
        )
        score = procedure.validate()
        if score is not None:
            so_far.add(score.accuracy, score.loss)
        if course.patience is None or _better(so_far, course.select):
            so_far.best_epoch, best = so_far.epoch, _copied(model)
        so_far.epoch += 1
        due = checkpoints is not None and so_far.epoch % checkpoints.every == 0
        if checkpoints is not None and (due or _ended(so_far, spans, course)):
            save_checkpoint(
                checkpoints.folder, so_far, model=model, best=best, optimizer=procedure.optimizer,
                order=batches.order, identity=checkpoints.identity,
            )  # fmt: skip
        if progress is not None:
            progress.advance(0, _note(so_far.loss[-1], so_far))
    if progress is not None:
        progress.finish()
    with torch.no_grad():
        for name, value in numbers_of(model).items():
            value.copy_(best[name])
    return so_far


def _epoch(
    procedure: Procedure,
    batches: Batches,
    span: range,
    updates: int,
    so_far: Progression,
    progress: Progress | None,
) -> float:
    """Make the updates of one epoch and return their mean loss [nats]."""
    model, optimizer = procedure.surrogate, procedure.optimizer
    reference = [math.log(max(2, output_width(model.network))), *so_far.loss[:1]]
    total, examples = 0.0, 0
    procedure.begin_epoch()
    model.train()
    for number, update in enumerate(span):
        optimizer.zero_grad()
        loss = procedure.gradient(update)
        norm = float(nn.utils.clip_grad_norm_(model.parameters(), procedure.clip))
        if update == 0:
            reference.append(loss)
        limit = math.inf if procedure.warming_up(update) else _DIVERGED * max(reference)
        if not (math.isfinite(loss) and math.isfinite(norm) and loss <= limit):
            raise TrainingError(
                f"{procedure.name}: epoch {so_far.epoch + 1}, update {number + 1}: loss {loss:g} "
                f"with gradient norm {norm:g}; expected finite numbers and a loss below "
                f"{limit:.3g}. {procedure.likely_cause()}"
            )
        factor = procedure.rate(update, updates)
        for group, rate in zip(optimizer.param_groups, procedure.rates, strict=True):
            group["lr"] = factor * rate
        optimizer.step()
        procedure.stepped(loss)
        total += loss * batches.last
        examples += batches.last
        if progress is not None:
            progress.advance(1, _note(loss, so_far))
    return total / examples


def _note(loss: float, so_far: Progression) -> str:
    """Return a line on the present loss and the last validation."""
    note = f"loss {loss:.3f}"
    if so_far.validation_loss:
        note += f", validation {so_far.validation_loss[-1]:.3f}"
    if so_far.validation_accuracy:
        note += f", {so_far.validation_accuracy[-1]:.1%} right"
    return note


def _better(so_far: Progression, select: Literal["accuracy", "loss"]) -> bool:
    """Return whether the last epoch has the best validation; the first of equals stays."""
    if so_far.best_epoch < 0:
        return True
    if select == "loss":
        return so_far.validation_loss[-1] < so_far.validation_loss[so_far.best_epoch]
    shares = so_far.validation_accuracy
    return shares[-1] > shares[so_far.best_epoch]


def _ended(so_far: Progression, spans: Sequence[range], course: Course) -> bool:
    """Return whether all epochs are done, or none of the last ones was better."""
    if so_far.epoch >= len(spans):
        return True
    return course.patience is not None and so_far.epoch - 1 - so_far.best_epoch >= course.patience


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in numbers_of(model).items()}
