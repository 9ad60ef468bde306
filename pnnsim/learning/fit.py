"""Fit a surrogate to a task: one readable loop.

Anything that torch can train can also be trained by hand; this loop is what the command line uses.
It knows neither the schedule nor the chips.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from pnnsim.common.rng import stream
from pnnsim.errors import TrainingError
from pnnsim.learning.checkpoint import Progression, load_checkpoint, save_checkpoint
from pnnsim.learning.examples import Examples, batches
from pnnsim.learning.optimizers import OptimizerFactory, make_optimizer, rate_factor
from pnnsim.specs.settings import TrainingParams

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress
    from pnnsim.inference.surrogate import Surrogate

#: Loss, over that of guessing, beyond which nothing is left to learn from.
_DIVERGED = 100.0


@dataclass(frozen=True, slots=True)
class History:
    """Record a training run.

    Args:
        loss: Mean training loss of each epoch [nats].
        validation_loss: Mean loss on the validation part after each epoch [nats].
        validation_accuracy: Accuracy on the validation part after each epoch.
        best_epoch: Epoch, from 0, whose parameters were kept.
    """

    loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    best_epoch: int


def fit(
    surrogate: Surrogate,
    train: Examples,
    validation: Examples,
    training: TrainingParams,
    progress: Progress | None = None,
    *,
    select: Literal["accuracy", "loss"] = "accuracy",
    optimizer: OptimizerFactory | None = None,
    checkpoints: Path | None = None,
) -> History:
    """Train a surrogate in place by backpropagation.

    Without `patience` the last epoch is kept: a step size that falls to 0 is made to end there, and
    the best of many epochs on a small validation part is often luck. With it the best epoch on the
    validation part is kept. The test part is never seen here. The surrogate
    trains in training mode, where it draws what it was made to draw, and is validated without.

    Args:
        surrogate: Network to train; it ends with the parameters of the epoch kept, on the CPU and
            in evaluation mode.
        train: Examples to learn from.
        validation: Examples for every choice.
        training: Settings.
        progress: Told of the batches; None for silence.
        select: What makes an epoch the best: the highest accuracy or the lowest loss.
        optimizer: Makes another optimizer than the settings name, from parameter groups.
        checkpoints: Folder where the state is kept as training goes on. If there is one from before
            it was stopped, training goes on from there and ends with the same bits.

    Raises:
        TrainingError: If training diverges, or the checkpoint is not one of this training.
        OutputError: If a checkpoint cannot be written.
    """
    device = _device(training.device)
    surrogate.to(device)
    steps = make_optimizer(surrogate, training, optimizer)
    rates = [group["lr"] for group in steps.param_groups]
    order = stream(training.seed, "batches", "train")
    so_far, best = Progression(), _copy(surrogate)
    identity = _identity(surrogate, train, validation, training, select, steps)
    if checkpoints is not None:
        found = load_checkpoint(
            checkpoints, model=surrogate, optimizer=steps, order=order, identity=identity
        )
        if found is not None:
            so_far, best = found
    if surrogate.draws is not None:
        surrogate.draws.chips, surrogate.draws.reads = so_far.chips, so_far.reads
    pass_length = min(len(train), training.examples or len(train))
    per_epoch = -(-pass_length // training.batch)
    if progress is not None:
        progress.start("training", training.epochs * per_epoch)
        progress.advance(so_far.epoch * per_epoch)
    while so_far.epoch < training.epochs and not _out_of_patience(so_far, training.patience):
        if surrogate.draws is not None:
            surrogate.draws.renew()
        numbers = torch.randperm(len(train), generator=order)[:pass_length]
        so_far.loss.append(
            _epoch(surrogate, steps, rates, train, numbers, training, so_far.epoch, progress)
        )
        share, loss = score(surrogate, validation)
        so_far.validation_accuracy.append(share)
        so_far.validation_loss.append(loss)
        if training.patience is None or _better(so_far, select):
            so_far.best_epoch, best = so_far.epoch, _copy(surrogate)
        so_far.epoch += 1
        if surrogate.draws is not None:
            so_far.chips, so_far.reads = surrogate.draws.chips, surrogate.draws.reads
        if checkpoints is not None and _due(so_far, training):
            save_checkpoint(
                checkpoints, so_far, model=surrogate, best=best, optimizer=steps, order=order,
                identity=identity,
            )  # fmt: skip
        if progress is not None:
            found_now = f"loss {so_far.loss[-1]:.3f}, validation {loss:.3f}, {share:.1%} right"
            progress.advance(0, found_now)
    if progress is not None:
        progress.finish()
    surrogate.load_state_dict(best)
    surrogate.to("cpu").eval()
    return History(
        tuple(so_far.loss),
        tuple(so_far.validation_loss),
        tuple(so_far.validation_accuracy),
        so_far.best_epoch,
    )


def _epoch(
    surrogate: Surrogate,
    steps: torch.optim.Optimizer,
    rates: Sequence[float],
    train: Examples,
    numbers: Tensor,
    training: TrainingParams,
    epoch: int,
    progress: Progress | None,
) -> float:
    """Train on the numbered examples once and return the mean loss [nats]."""
    device = surrogate.weight.device
    limit = _DIVERGED * math.log(max(2, surrogate.network.outputs))
    total = 0.0
    surrogate.train()
    batches_of_pass = torch.split(numbers, training.batch)
    for number, batch in enumerate(batches_of_pass):
        # The middle of the batch: the first step of a warm-up and the last of a cosine are not 0.
        factor = rate_factor(training, epoch + (number + 0.5) / len(batches_of_pass))
        for group, rate in zip(steps.param_groups, rates, strict=True):
            group["lr"] = factor * rate
        x, y = (part.to(device) for part in train.take(batch))
        loss = nn.functional.cross_entropy(
            surrogate(x).flatten(end_dim=-2), y.flatten(), label_smoothing=training.label_smoothing
        )
        steps.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(nn.utils.clip_grad_norm_(surrogate.parameters(), training.gradient_clip))
        value = float(loss.detach())
        if not math.isfinite(value) or not math.isfinite(norm) or value > limit:
            raise TrainingError(
                f"epoch {epoch + 1}, batch {number + 1}: loss {value:g} with gradient norm "
                f"{norm:g}; expected finite numbers and a loss below {limit:.3g}. "
                f"{_likely_cause(surrogate, x, training)}"
            )
        steps.step()
        total += value * len(batch)
        if progress is not None:
            progress.advance(1)
    return total / len(numbers)


def score(surrogate: nn.Module, examples: Examples) -> tuple[float, float]:
    """Return the share of answers that are right, and the mean loss [nats], in evaluation mode."""
    right, told, loss = 0, 0, 0.0
    device = next(surrogate.parameters()).device
    surrogate.eval()
    with torch.no_grad():
        for x, y in batches(examples):
            answers, wanted = surrogate(x.to(device)).flatten(end_dim=-2), y.to(device).flatten()
            right += int((answers.argmax(dim=1) == wanted).sum())
            told += len(wanted)
            loss += float(nn.functional.cross_entropy(answers.double(), wanted, reduction="sum"))
    return right / told, loss / told


def _likely_cause(surrogate: Surrogate, x: Tensor, training: TrainingParams) -> str:
    """Return a sentence on what most often lies behind a loss such as this."""
    if not bool(torch.isfinite(x).all()):
        return "Likely cause: the inputs of this batch hold numbers that are not finite"
    for name, parameter in surrogate.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            return (
                f"Likely cause: {name} is no longer finite after the step before. Hint: lower "
                f"training.learning_rate, now {training.learning_rate:g}"
            )
    return (
        "Likely cause: the steps are too large. Hint: lower training.learning_rate, now "
        f"{training.learning_rate:g}, or training.gradient_clip, now {training.gradient_clip:g}"
    )


def _better(so_far: Progression, select: Literal["accuracy", "loss"]) -> bool:
    """Return whether the last epoch has the best validation; the first of equals stays."""
    if so_far.best_epoch < 0:
        return True
    if select == "loss":
        return so_far.validation_loss[-1] < so_far.validation_loss[so_far.best_epoch]
    shares = so_far.validation_accuracy
    return shares[-1] > shares[so_far.best_epoch]


def _out_of_patience(so_far: Progression, patience: int | None) -> bool:
    return patience is not None and so_far.epoch - 1 - so_far.best_epoch >= patience


def _due(so_far: Progression, training: TrainingParams) -> bool:
    """Return whether a checkpoint is to be written: every so often, and at the end."""
    last = so_far.epoch == training.epochs or _out_of_patience(so_far, training.patience)
    return last or so_far.epoch % training.checkpoint_epochs == 0


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _device(wanted: str) -> torch.device:
    """Return where to train.

    Raises:
        TrainingError: If CUDA is asked for and not there.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainingError(
            "training.device: is cuda, but torch finds none here; expected a CUDA device. "
            "Hint: training.device=auto takes the CPU where there is none"
        )
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


def _identity(
    surrogate: Surrogate,
    train: Examples,
    validation: Examples,
    training: TrainingParams,
    select: str,
    steps: torch.optim.Optimizer,
) -> Mapping[str, Any]:
    """Return what decides a training's result, and so must not change between its parts."""
    settings = training.model_dump(mode="json", exclude={"checkpoint_epochs", "device"})
    return {
        **{f"training.{key}": value for key, value in settings.items()},
        "network": surrogate.network.model_dump(mode="json"),
        "machine": surrogate.spec.sha256(),
        "examples": [len(train), len(validation)],
        "select": select,
        "optimizer": type(steps).__name__,
    }
