"""Base of all learning rules, and what they work with.

A rule leaves a gradient, true or estimated, in the parameters of a surrogate; the loop takes the
step, on the host. Each rule declares its use of the machine as *calls*, from which the cost of a
training follows before it starts; the cost of the run itself is counted by the bench. No rule is
run here: that is `through_bench`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pnnsim.errors import TrainingError
from pnnsim.hil.bench import Bench
from pnnsim.hil.cost_report import CostReport
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet

if TYPE_CHECKING:
    from pnnsim.hil.calibrated_banks import Calibration


@dataclass(frozen=True, slots=True)
class Call:
    """One pass of samples through the machine.

    Args:
        samples: Samples of the pass.
        states: Whether every state is read.
        writes: Weight sets that are written before.
    """

    samples: int
    states: bool
    writes: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Length and step size of a training through a machine.

    Args:
        epochs: Passes over the examples.
        batch: Examples of one batch.
        learning_rate: Step size at the start.
        seed: Seed of the order of examples and of all that a rule draws.
    """

    epochs: int = 10
    batch: int = 100
    learning_rate: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch < 1 or not self.learning_rate > 0.0:
            raise TrainingError(
                f"settings: got {self.epochs} epochs, a batch of {self.batch} and the learning "
                f"rate {self.learning_rate}; expected epochs from 0, a batch from 1 and a rate "
                "above 0"
            )


@dataclass(slots=True)
class Session:
    """Machine, model and batches that a rule works with.

    Args:
        bench: Machine.
        surrogate: Model of it, whose parameters are learned.
        take: Gives the next batch: inputs and classes.
        seed: Seed of what the rule draws.
        calibration: What was measured of the machine; None for the nominal model.
        update: Number of the update, from 0.
    """

    bench: Bench
    surrogate: Surrogate
    take: Callable[[], tuple[Tensor, Tensor]]
    seed: int
    calibration: Calibration | None = None
    update: int = 0


class Rule(ABC):
    """Way to find the direction in which the parameters should move."""

    name: str

    def begin(self, session: Session) -> None:  # noqa: B027, most rules have nothing to prepare
        """Prepare what lasts for the whole run."""

    @abstractmethod
    def gradient(self, session: Session) -> float:
        """Leave a gradient in the surrogate's parameters and return the loss [nats]."""

    @abstractmethod
    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return the passes of one update, in order.

        Args:
            update: Number of the update, from 0.
            sizes: Examples of the batch of some number, from 0.
            network: What the machine computes.
        """

    def changed(self, update: int, network: ReLaXNet) -> int:
        """Return how many weight sets one update changes.

        Args:
            update: Number of the update, from 0.
            network: What the machine computes.
        """
        return network.weight_sets

    def updates(self, batches: int) -> int:
        """Return the number of updates that a number of batches makes."""
        return batches

    def optimizer(self, surrogate: Surrogate, learning_rate: float) -> torch.optim.Optimizer:
        """Return what turns gradients into steps: Adam (Kingma and Ba, ICLR, 2015).

        Args:
            surrogate: Model whose parameters are learned.
            learning_rate: Step size at the start.
        """
        return torch.optim.Adam(surrogate.parameters(), lr=learning_rate)

    def rate(self, update: int, updates: int) -> float:
        """Return the factor on the step size: half a cosine down to 0.

        Args:
            update: Number of the update, from 0.
            updates: Number of all updates.
        """
        return 0.5 * (1.0 + math.cos(math.pi * update / updates))

    def outputs(self, bench: Bench, surrogate: Surrogate, x: Tensor) -> Tensor:
        """Return a score of each class, shape `(batch, n_outputs)`.

        Args:
            bench: Machine, which holds the parameters.
            surrogate: Model with the same parameters.
            x: Inputs, shape `(batch, n_inputs)`.
        """
        return bench.run(surrogate.live(), x).outputs


@dataclass(slots=True)
class Outcome:
    """Record of a training through a machine.

    Args:
        rule: Name of the rule.
        cost: Cost on the bench, the last write included.
        loss: Loss of each update [nats].
        curve: Cost so far and accuracy after each epoch, where a validation part was given.
        validation_cost: Cost of measuring those accuracies.
    """

    rule: str
    cost: CostReport = field(default_factory=CostReport)
    loss: list[float] = field(default_factory=list)
    curve: list[tuple[CostReport, float]] = field(default_factory=list)
    validation_cost: CostReport = field(default_factory=CostReport)
