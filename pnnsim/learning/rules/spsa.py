"""Shake all parameters at once, both ways, and move against what raised the loss.

Simultaneous perturbation stochastic approximation, Spall, IEEE Trans. Automat. Contr. 37, 332,
1992: `g = (E(theta + c D) - E(theta - c D)) / (2 c) / D` with random signs D, step sizes
`a / (A + k + 1)^0.602` and amplitudes `c / (k + 1)^0.101`. Two losses a step, whatever the size;
the price is noise: for P parameters and m pairs the cosine to the gradient is
`sqrt(m / (m + P - 1))`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch

from pnnsim.common.rng import stream
from pnnsim.errors import TrainingError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules.base import Call, Rule, Session
from pnnsim.learning.rules.perturbed import loss_at, put, put_gradient, signs, vector
from pnnsim.networks.relaxnet import ReLaXNet


@final
class Spsa(Rule):
    """Gradient estimated from pairs of losses.

    Args:
        pairs: Pairs of one update, m.
        amplitude: c, in the units of training; above the steps of the banks' converters.
        stability: A, updates after which the step size has begun to fall.
    """

    name = "spsa"

    def __init__(
        self, pairs: int = 1, *, amplitude: float = 0.02, stability: float = 100.0
    ) -> None:
        if pairs < 1 or not amplitude > 0.0:
            raise TrainingError(
                f"spsa: got {pairs} pairs of amplitude {amplitude}; expected at least one of an "
                "amplitude above 0"
            )
        self._pairs, self._amplitude, self._stability = pairs, amplitude, stability
        self._generator = torch.Generator()

    def begin(self, session: Session) -> None:
        """Open the stream of signs."""
        self._generator = stream(session.seed, "rules.spsa", "train")

    def gradient(self, session: Session) -> float:
        """Return the mean loss of all passes."""
        x, y = session.take()
        surrogate = session.surrogate
        center = vector(surrogate)
        amplitude = self._amplitude / (session.update + 1) ** 0.101
        estimate, total = torch.zeros_like(center), 0.0
        for _ in range(self._pairs):
            sign = signs(len(center), self._generator, center)
            up = loss_at(session, center + amplitude * sign, x, y)
            down = loss_at(session, center - amplitude * sign, x, y)
            # One over a sign is the sign.
            estimate += (up - down) / (2.0 * amplitude * self._pairs) * sign
            total += (up + down) / 2.0
        put(surrogate, center)
        put_gradient(surrogate, estimate)
        return total / self._pairs

    def optimizer(self, surrogate: Surrogate, learning_rate: float) -> torch.optim.Optimizer:
        """Return plain descent, as in the convergence theorem."""
        return torch.optim.SGD(surrogate.parameters(), lr=learning_rate)

    def rate(self, update: int, updates: int) -> float:
        """Return Spall's sequence, 1 at the start."""
        begin = self._stability + 1.0
        return float((begin / (begin + update)) ** 0.602)

    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return two passes for each pair, each with weights of its own."""
        return (Call(sizes(update), states=False, writes=network.weight_sets),) * (2 * self._pairs)
