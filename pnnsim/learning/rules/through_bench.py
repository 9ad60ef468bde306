"""Train with a rule through a machine on a bench, and measure how well the machine does.

The loop is that of every training, `pnnsim.learning.loop`; here are the machine's part in it and
the account of its cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from pnnsim.errors import TrainingError
from pnnsim.hil.bench import Bench
from pnnsim.hil.cost_report import CostReport
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.examples import Examples, check_examples
from pnnsim.learning.loop import Batches, Course, Procedure, Score, learn
from pnnsim.learning.rules.base import Outcome, Rule, Session, Settings

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress
    from pnnsim.hil.calibrated_banks import Calibration

#: Samples of one call where nothing is learned from them.
_CHUNK = 500


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
        settings: Length and step size.
        validation: Examples on which the machine is measured after each epoch; None for none.
        calibration: What was measured of the machine before, for rules that use a model of it.
        progress: Progress of the updates; None for silence.

    Raises:
        InputError: If examples do not fit the network.
        TrainingError: If training diverges, or the surrogate is of another network.
        BackendError: If the machine fails.
    """
    if surrogate.network != bench.network:
        raise TrainingError(
            f"{rule.name}: the model is of the network {surrogate.network}; the machine's is "
            f"{bench.network}"
        )
    check_examples(examples, "examples", bench.network)
    if validation is not None:
        check_examples(validation, "validation", bench.network)
    batches = Batches(examples, size=settings.batch, seed=settings.seed)
    session = Session(bench, surrogate, batches.take, settings.seed, calibration)
    updates = rule.updates(settings.epochs * batches.per_pass)
    before = bench.cost
    rule.begin(session)
    procedure = _ThroughBench(rule, session, settings.learning_rate, validation)
    learn(procedure, batches, Course(settings.epochs, updates), progress=progress)
    surrogate.eval()
    bench.load(surrogate.parameter_set())
    outcome = procedure.outcome
    outcome.cost = _less(bench.cost, before, outcome.validation_cost)
    return outcome


@final
class _ThroughBench(Procedure):
    """Rule on a machine: weights stay within a bank's range, and all that is used has a cost."""

    def __init__(
        self, rule: Rule, session: Session, learning_rate: float, validation: Examples | None
    ) -> None:
        optimizer = rule.optimizer(session.surrogate, learning_rate)
        rates = [learning_rate] * len(optimizer.param_groups)
        super().__init__(rule.name, session.surrogate, optimizer, rates)
        self._rule = rule
        self._session = session
        self._learning_rate = learning_rate
        self._validation = validation
        self._before = session.bench.cost
        self.outcome = Outcome(rule.name)

    def rate(self, update: int, updates: int) -> float:
        """Return the factor of the rule's schedule."""
        return self._rule.rate(update, updates)

    def gradient(self, update: int) -> float:
        """Return the loss of the rule."""
        self._session.update = update
        return self._rule.gradient(self._session)

    def likely_cause(self) -> str:
        """Name the learning rate."""
        return f"Hint: lower the learning rate, now {self._learning_rate:g}"

    @torch.no_grad()
    def stepped(self, loss: float) -> None:
        """Keep the weights within the range of a bank, and count the update of the host."""
        self.surrogate.weight.clamp_(-1.0, 1.0)  # a bank holds no more, and beyond is no slope
        self._session.bench.updated()
        self.outcome.loss.append(loss)

    def validate(self) -> Score | None:
        """Return the accuracy of the machine; its cost is none of the training's."""
        if self._validation is None:
            return None
        bench, outcome = self._session.bench, self.outcome
        so_far = _less(bench.cost, self._before, outcome.validation_cost)
        with bench.aside():
            share, cost = measure(self._rule, bench, self._session.surrogate, self._validation)
        outcome.curve.append((so_far, share))
        outcome.validation_cost = outcome.validation_cost + cost
        return Score(share)


def measure(
    rule: Rule, bench: Bench, surrogate: Surrogate, examples: Examples
) -> tuple[float, CostReport]:
    """Return the share of examples that the machine gets right, and the cost of measuring it.

    Args:
        rule: Rule that the parameters were found with; it decides how a class is read off.
        bench: Machine; it is loaded with the surrogate's parameters.
        surrogate: Trained parameters.
        examples: What it is measured on.
    """
    before, right = bench.cost, 0
    bench.load(surrogate.parameter_set())
    for numbers in torch.split(torch.arange(len(examples)), _CHUNK):
        x, y = examples.take(numbers)
        right += int((rule.outputs(bench, surrogate, x).argmax(dim=1) == y).sum())
    return right / len(examples), _less(bench.cost, before, CostReport())


def _less(cost: CostReport, *others: CostReport) -> CostReport:
    """Return what is left of a cost without others."""
    for other in others:
        cost = cost + other * -1
    return cost
