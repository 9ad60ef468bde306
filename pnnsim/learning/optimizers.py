"""Optimizer of a training and the size of its steps at each time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.workload_surrogate import WorkloadSurrogate
from pnnsim.specs.settings import TrainingParams

#: Parameters, or groups of them with settings of their own, to an optimizer: any of torch's.
OptimizerFactory = Callable[[Iterable[dict[str, Any]]], torch.optim.Optimizer]


def make_optimizer(
    model: Surrogate | WorkloadSurrogate,
    training: TrainingParams,
    factory: OptimizerFactory | None = None,
) -> torch.optim.Optimizer:
    """Return an optimizer of two groups: the weight sets, and all other parameters.

    The weight sets take steps larger by `training.weight_rate`. As decoupled decay is multiplied by
    the step size, theirs is divided by the same, so that both groups decay alike.

    Args:
        model: What is trained.
        training: Settings.
        factory: Makes the optimizer from the groups; by default that of `training.optimizer`.
    """
    rate, decay = training.learning_rate, training.weight_decay
    sets: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (sets if name in model.matrices else others).append(parameter)
    groups: list[dict[str, Any]] = [{"params": others, "lr": rate, "weight_decay": decay}]
    if sets:
        factor = training.weight_rate
        groups.append({"params": sets, "lr": rate * factor, "weight_decay": decay / factor})
    if factory is not None:
        return factory(groups)
    if training.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=training.momentum)
    if training.optimizer == "adam":
        return torch.optim.Adam(groups)
    return torch.optim.AdamW(groups)


def rate_factor(training: TrainingParams, done: float) -> float:
    """Return the step size at some time of a training, over that of the settings.

    It rises in a line over the warm-up; the cosine that follows ends at 0 with the last epoch
    (Loshchilov and Hutter, ICLR, 2017).

    Args:
        training: Settings.
        done: Epochs so far, with the fraction of the one that has begun.
    """
    if done < training.warmup:
        return done / training.warmup
    if training.schedule == "constant":
        return 1.0
    left = max(1, training.epochs - training.warmup)
    return 0.5 * (1.0 + math.cos(math.pi * (done - training.warmup) / left))
