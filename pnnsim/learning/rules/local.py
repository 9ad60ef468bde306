"""Train every step by itself to tell right labels from wrong ones.

Physical local learning (Momeni et al., Science 382, 1297, 2023), after the forward-forward rule
(Hinton, arXiv:2212.13345, 2022): the label is part of the input, and each step raises the goodness
of right labels over that of wrong ones, `loss = mean log(1 + exp(-theta (g_pos - g_neg)))`. The
goodness is the cosine between the state and a random direction of the step, so it cannot be handed
on by length. No gradient crosses steps: each is differentiated alone, at its measured input. A
class is recognized by trying every label, which costs as many passes as there are classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from pnnsim.common.rng import stream
from pnnsim.errors import TrainingError
from pnnsim.hil.bench import Bench
from pnnsim.hil.calibration import drive_of, loop_of
from pnnsim.inference.evaluator import LoopState
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules.base import Call, Rule, Session
from pnnsim.learning.rules.physics_aware import measured
from pnnsim.networks.relaxnet import ReLaXNet


def with_label(x: Tensor, y: Tensor, classes: int) -> Tensor:
    """Return inputs whose first values mark a class: 1 in its place, 0 in the others'.

    Args:
        x: Inputs, shape `(batch, n_inputs)`.
        y: Classes, shape `(batch,)`.
        classes: Number of classes.
    """
    marked = x.clone()
    marked[:, :classes] = nn.functional.one_hot(y, classes).to(x)
    return marked


@final
class Local(Rule):
    """Gradient from the contrast of two passes, one with the right label and one with a wrong one.

    Args:
        theta: Sharpness of the contrast.
    """

    name = "local"

    def __init__(self, theta: float = 4.0) -> None:
        if not theta > 0.0:
            raise TrainingError(f"local: got theta {theta}; expected a number above 0")
        self._theta = theta
        self._directions = torch.empty(0)
        self._generator = torch.Generator()

    def begin(self, session: Session) -> None:
        """Draw the directions of the steps.

        Raises:
            TrainingError: If the inputs have no room for a label.
        """
        network = session.surrogate.network
        if network.inputs < network.outputs:
            raise TrainingError(
                f"local: {network.inputs} inputs have no room for {network.outputs} labels"
            )
        shape = (network.steps, network.hidden)
        drawn = torch.randn(
            shape, generator=stream(session.seed, "rules.local", "train"), dtype=torch.float64
        )
        self._directions = nn.functional.normalize(drawn, dim=1)
        self._generator = stream(session.seed, "rules.local.labels", "train")

    def gradient(self, session: Session) -> float:
        """Return the mean local loss of all steps."""
        x, y = session.take()
        bench, surrogate = session.bench, session.surrogate
        classes = surrogate.network.outputs
        wrong = torch.randint(1, classes, (len(y),), generator=self._generator)
        labels = torch.cat([y, (y + wrong) % classes])
        marked = with_label(torch.cat([x, x]), labels, classes)
        live = surrogate.live()
        bench.load(live)
        run = bench.run(live, marked, states=True)
        assert run.states is not None, "requested above"
        drive = drive_of(surrogate, live, marked)
        loop = loop_of(surrogate, live, session.calibration)
        # The input map belongs to the first step; later ones get what was measured and no more.
        carry = loop.begin(drive)
        losses = []
        for step, state in enumerate(run.states):
            after = loop.step(step, carry, drive)
            value = measured(after.state, state)
            goodness = self._goodness(value, step)
            right, false = goodness.chunk(2)
            losses.append(nn.functional.softplus(-self._theta * (right - false)).mean())
            captured, activated = after.captured, after.activated
            carry = LoopState(
                value.detach(),
                None if captured is None else captured.detach(),
                None if activated is None else activated.detach(),
            )
        loss = torch.stack(losses).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach()) / len(losses)

    def outputs(self, bench: Bench, surrogate: Surrogate, x: Tensor) -> Tensor:
        """Return the goodness of every label, summed over the steps."""
        live = surrogate.parameter_set()
        scores = []
        for label in range(surrogate.network.outputs):
            y = torch.full((len(x),), label)
            run = bench.run(live, with_label(x, y, surrogate.network.outputs), states=True)
            assert run.states is not None, "requested above"
            each = [self._goodness(state, step) for step, state in enumerate(run.states)]
            scores.append(torch.stack(each).sum(dim=0))
        return torch.stack(scores, dim=1)

    def _goodness(self, state: Tensor, step: int) -> Tensor:
        """Return the cosine to the step's direction, shape `(batch,)`, after removing the mean."""
        centered = state - state.mean(dim=1, keepdim=True)
        direction = self._directions[step].to(state)
        length = centered.norm(dim=1).clamp(min=1e-6)
        goodness: Tensor = (centered @ direction) / length
        return goodness

    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return one pass of right and wrong labels together, with all states."""
        return (Call(2 * sizes(update), states=True, writes=network.weight_sets),)
