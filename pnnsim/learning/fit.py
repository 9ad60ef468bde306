"""Fit a surrogate to a task: one readable loop.

Anything that torch can train can also be trained by hand; this loop is what the command line uses.
It knows neither the schedule nor the chips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pnnsim.errors import TrainingError
from pnnsim.params.experiment import TrainingParams
from pnnsim.rng import stream

if TYPE_CHECKING:
    from pnnsim.progress import Progress
    from pnnsim.surrogate import Surrogate


@dataclass(frozen=True, slots=True)
class History:
    """Record a training run.

    Args:
        loss: Mean training loss of each epoch [nats].
        validation_accuracy: Accuracy on the validation part after each epoch.
        best_epoch: Epoch, from 0, whose parameters were kept.
    """

    loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    best_epoch: int


def fit(
    surrogate: Surrogate,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    training: TrainingParams,
    progress: Progress | None = None,
) -> History:
    """Train a surrogate in place by backpropagation and keep the best epoch.

    The learning rate follows half a cosine to zero (Loshchilov and Hutter, ICLR, 2017). The best
    epoch is chosen on the validation part; the test part is never seen here.

    Args:
        surrogate: Network to train; it ends with the parameters of the best epoch.
        train: Inputs `(batch, n_inputs)` and classes `(batch,)`.
        validation: As `train`.
        training: Settings.
        progress: Told after each epoch; None for silence.

    Raises:
        TrainingError: If the loss is no longer finite.
    """
    x, y = train
    optimizer = torch.optim.AdamW(
        surrogate.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, training.epochs)
    order = stream(training.seed, "batches", "train")
    losses: list[float] = []
    accuracies: list[float] = []
    best = (-1.0, 0, {name: p.detach().clone() for name, p in surrogate.named_parameters()})
    if progress is not None:
        progress.start("training", training.epochs)
    for epoch in range(training.epochs):
        total = 0.0
        shuffled = torch.randperm(len(x), generator=order)
        for number, batch in enumerate(torch.split(shuffled, training.batch)):
            loss = nn.functional.cross_entropy(surrogate(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(surrogate.parameters(), training.gradient_clip)
            value = float(loss.detach())
            if not math.isfinite(value) or not torch.isfinite(norm):
                raise TrainingError(
                    f"epoch {epoch + 1}, batch {number + 1}: loss {value:g} with gradient norm "
                    f"{float(norm):g}; expected finite numbers. Hint: lower "
                    f"training.learning_rate, now {training.learning_rate:g}"
                )
            optimizer.step()
            total += value * len(batch)
        schedule.step()
        losses.append(total / len(x))
        accuracies.append(accuracy(surrogate, *validation))
        if accuracies[-1] > best[0]:
            best = (
                accuracies[-1],
                epoch,
                {name: p.detach().clone() for name, p in surrogate.named_parameters()},
            )
        if progress is not None:
            progress.advance(1, f"loss {losses[-1]:.3f}, validation {accuracies[-1]:.3f}")
    if progress is not None:
        progress.finish()
    surrogate.load_state_dict(best[2])
    return History(tuple(losses), tuple(accuracies), best[1])


@torch.no_grad()
def accuracy(surrogate: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the share of inputs whose largest output is their class."""
    return float((surrogate(x).argmax(dim=1) == y).double().mean())
