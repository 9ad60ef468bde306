"""State what a learning rule is, and run any of them on any machine.

A rule leaves a gradient, true or estimated, in the parameters of a surrogate; the loop takes the
step, on the host. What a rule asks of the machine it declares as *calls*, so that its cost can be
told before it starts; the cost of the run itself is counted by the bench.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.errors import TrainingError
from pnnsim.hil.bench import Bench
from pnnsim.hil.cost import CostReport
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.examples import Examples
from pnnsim.networks.relaxnet import ReLaXNet

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress
    from pnnsim.hil.calibrated_banks import Calibration

#: Loss, over that of guessing, beyond which nothing is left to learn from.
_DIVERGED = 100.0

#: Samples of one call where nothing is learned from them.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Call:
    """Ask for one pass.

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
    """Say how long and how fast to learn.

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
    """Hold what a rule works with.

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
    """Find out in which direction the parameters should move."""

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
        """Return what one update asks of the machine, in order.

        Args:
            update: Number of the update, from 0.
            sizes: Examples of the batch of some number, from 0.
            network: What the machine computes.
        """

    def changed(self, update: int, network: ReLaXNet) -> int:
        """Return how many weight sets one update changes."""
        return network.weight_sets

    def updates(self, batches: int) -> int:
        """Return the number of updates that a number of batches makes."""
        return batches

    def optimizer(self, surrogate: Surrogate, learning_rate: float) -> torch.optim.Optimizer:
        """Return what turns gradients into steps: Adam (Kingma and Ba, ICLR, 2015)."""
        return torch.optim.Adam(surrogate.parameters(), lr=learning_rate)

    def rate(self, update: int, updates: int) -> float:
        """Return the factor on the step size: half a cosine down to 0."""
        return 0.5 * (1.0 + math.cos(math.pi * update / updates))

    def answers(self, bench: Bench, surrogate: Surrogate, x: Tensor) -> Tensor:
        """Return a score of each class, shape `(batch, n_outputs)`; the parameters are loaded."""
        return bench.run(surrogate.live(), x).outputs


@dataclass(slots=True)
class Outcome:
    """Record a training.

    Args:
        rule: Name of the rule.
        cost: What it took on the bench, the last write included.
        loss: Loss of each update [nats].
        curve: CostReport so far and accuracy after each epoch, where a validation part was given.
        validation_cost: What measuring those accuracies took.
    """

    rule: str
    cost: CostReport = field(default_factory=CostReport)
    loss: list[float] = field(default_factory=list)
    curve: list[tuple[CostReport, float]] = field(default_factory=list)
    validation_cost: CostReport = field(default_factory=CostReport)


def train(
    rule: Rule,
    bench: Bench,
    surrogate: Surrogate,
    examples: Examples,
    settings: Settings,
    *,
    validation: Examples | None = None,
    calibration: Calibration | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Train parameters through a machine, and leave the machine with the last ones.

    Args:
        rule: How gradients are found.
        bench: Machine, of the same network as the surrogate.
        surrogate: Model of the machine; it starts from its present parameters.
        examples: What to learn from.
        settings: How long and how fast.
        validation: Examples on which the machine is measured after each epoch; None for none.
        calibration: What was measured of the machine before, for rules that use a model of it.
        progress: Told of the updates; None for silence.

    Raises:
        TrainingError: If training diverges, or the surrogate is of another network.
        BackendError: If the machine fails.
    """
    if surrogate.network != bench.network:
        raise TrainingError(
            f"{rule.name}: the model is of the network {surrogate.network}; the machine's is "
            f"{bench.network}"
        )
    source = _endless(examples, settings)
    session = Session(bench, surrogate, lambda: next(source), settings.seed, calibration)
    outcome, before = Outcome(rule.name), bench.cost
    per_epoch = -(-len(examples) // settings.batch)
    updates = rule.updates(settings.epochs * per_epoch)
    due = [math.ceil((epoch + 1) * updates / settings.epochs) for epoch in range(settings.epochs)]
    rule.begin(session)
    steps = rule.optimizer(surrogate, settings.learning_rate)
    limit = _DIVERGED * math.log(max(2, surrogate.network.outputs))
    if progress is not None:
        progress.start(rule.name, updates)
    surrogate.train()
    for update in range(updates):
        session.update = update
        steps.zero_grad()
        loss = rule.gradient(session)
        if not (math.isfinite(loss) and loss < limit):
            raise TrainingError(
                f"{rule.name}: loss {loss:g} at update {update + 1}; expected less than "
                f"{limit:.3g}. Hint: lower the learning rate, now {settings.learning_rate:g}"
            )
        for group in steps.param_groups:
            group["lr"] = settings.learning_rate * rule.rate(update, updates)
        steps.step()
        with torch.no_grad():
            surrogate.weight.clamp_(-1.0, 1.0)  # a bank holds no more, and beyond there is no slope
        bench.updated()
        outcome.loss.append(loss)
        if progress is not None:
            progress.advance(1, f"loss {loss:.3f}")
        if validation is not None and update + 1 in due:
            so_far = _less(bench.cost, before, outcome.validation_cost)
            with bench.aside():
                share, cost = measure(rule, bench, surrogate, validation)
            outcome.curve.append((so_far, share))
            outcome.validation_cost = outcome.validation_cost + cost
    surrogate.eval()
    bench.load(surrogate.parameter_set())
    if progress is not None:
        progress.finish()
    outcome.cost = _less(bench.cost, before, outcome.validation_cost)
    return outcome


def measure(
    rule: Rule, bench: Bench, surrogate: Surrogate, examples: Examples
) -> tuple[float, CostReport]:
    """Return the share of examples that the machine gets right, and what it took to find out."""
    before, right = bench.cost, 0
    bench.load(surrogate.parameter_set())
    for numbers in torch.split(torch.arange(len(examples)), _CHUNK):
        x, y = examples.take(numbers)
        right += int((rule.answers(bench, surrogate, x).argmax(dim=1) == y).sum())
    return right / len(examples), _less(bench.cost, before, CostReport())


def _endless(examples: Examples, settings: Settings) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batch after batch, in a new order each epoch."""
    order = stream(settings.seed, "batches", "train")
    while True:
        numbers = torch.randperm(len(examples), generator=order)
        for batch in torch.split(numbers, settings.batch):
            yield examples.take(batch)


def _less(cost: CostReport, *others: CostReport) -> CostReport:
    """Return what is left of a cost without others."""
    for other in others:
        cost = cost + other * -1
    return cost
