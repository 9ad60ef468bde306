"""Shake every parameter with a code of its own and add up the changes of the loss.

Multiplexed gradient descent, McCaughan et al., APL Mach. Learn. 1, 026118, 2023. One-sided:
`C~ = C(theta + theta~) - C(theta)`, `G += C~ theta~ / D^2`, and after a while `theta -= eta G`.
Three clocks, in passes: `tau_p` (new perturbation), `tau_theta` (update of the weights), `tau_x`
(new batch). With random codes this is a noisy gradient, with one parameter after the other it is
finite differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, final

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.errors import TrainingError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules.base import Call, Rule, Session
from pnnsim.learning.rules.perturbed import loss_at, put, put_gradient, signs, vector
from pnnsim.networks.parameters import shapes
from pnnsim.networks.relaxnet import ReLaXNet


@final
class Multiplexed(Rule):
    """Gradient estimated from one-sided perturbations.

    Args:
        tau_p: Passes for which a perturbation stays.
        tau_theta: Passes of one update.
        tau_x: Passes for which a batch stays.
        code: Random signs for all parameters at once, or one parameter after the other.
        amplitude: Size D of each parameter's perturbation, in the units of training.
    """

    name = "mgd"

    def __init__(
        self,
        *,
        tau_p: int = 1,
        tau_theta: int = 1,
        tau_x: int = 1,
        code: Literal["random", "sequential"] = "random",
        amplitude: float = 0.02,
    ) -> None:
        if min(tau_p, tau_theta, tau_x) < 1 or not amplitude > 0.0:
            raise TrainingError(
                f"mgd: got tau_p {tau_p}, tau_theta {tau_theta}, tau_x {tau_x} and the amplitude "
                f"{amplitude}; expected times from 1 and an amplitude above 0"
            )
        self._tau_p, self._tau_theta, self._tau_x = tau_p, tau_theta, tau_x
        self._code, self._amplitude = code, amplitude
        self._generator = torch.Generator()
        self._batch: tuple[Tensor, Tensor] | None = None
        self._perturbation = torch.empty(0)

    def begin(self, session: Session) -> None:
        """Open the stream of codes."""
        self._generator = stream(session.seed, "rules.mgd", "train")
        self._batch = None

    def updates(self, batches: int) -> int:
        """Return how many updates the passes make for which all batches stay."""
        return max(min(1, batches), batches * self._tau_x // self._tau_theta)

    def gradient(self, session: Session) -> float:
        """Return the mean unperturbed loss."""
        surrogate = session.surrogate
        center = vector(surrogate)
        collected, total, base = torch.zeros_like(center), 0.0, 0.0
        for within in range(self._tau_theta):
            number = session.update * self._tau_theta + within
            if number % self._tau_x == 0 or self._batch is None:
                self._batch = session.take()
            x, y = self._batch
            if self._measures_base(within, number):
                base = loss_at(session, center, x, y)
            if number % self._tau_p == 0 or not len(self._perturbation):
                self._perturbation = self._next(number // self._tau_p, center)
            change = loss_at(session, center + self._perturbation, x, y) - base
            collected += change * self._perturbation / self._amplitude**2
            total += base
        put(surrogate, center)
        scale = len(center) if self._code == "sequential" else 1
        put_gradient(surrogate, collected * (scale / self._tau_theta))
        return total / self._tau_theta

    def _measures_base(self, within: int, number: int) -> bool:
        """Return whether weights or batch have changed since the last unperturbed loss."""
        return within == 0 or number % self._tau_x == 0

    def _next(self, index: int, like: Tensor) -> Tensor:
        if self._code == "random":
            return self._amplitude * signs(len(like), self._generator, like)
        perturbation = torch.zeros_like(like)
        perturbation[index % len(like)] = self._amplitude
        return perturbation

    def optimizer(self, surrogate: Surrogate, learning_rate: float) -> torch.optim.Optimizer:
        """Return plain descent; momentum would be possible."""
        return torch.optim.SGD(surrogate.parameters(), lr=learning_rate)

    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return a pass for each perturbation, and one where its reference has changed.

        With one parameter after the other, only sets that hold it or the last one are written.
        """
        every = frozenset(range(network.weight_sets))
        first = update * self._tau_theta
        dirty = every if not update else self._touched(update - 1, network)
        shaken: frozenset[int] | None = None
        calls = []
        for within in range(self._tau_theta):
            number = first + within
            samples = sizes(number // self._tau_x)
            if self._measures_base(within, number):
                calls.append(
                    Call(samples, states=False, writes=len(dirty | (shaken or frozenset())))
                )
                dirty, shaken = frozenset(), None
            if shaken is None or number % self._tau_p == 0:
                now = self._held_by(number // self._tau_p, network)
                writes = len(dirty | now | (shaken or frozenset()))
                shaken = now
            else:
                writes = 0
            calls.append(Call(samples, states=False, writes=writes))
        return tuple(calls)

    def changed(self, update: int, network: ReLaXNet) -> int:
        """Return how many weight sets hold a parameter that was perturbed."""
        return len(self._touched(update, network))

    def _touched(self, update: int, network: ReLaXNet) -> frozenset[int]:
        """Return the weight sets that one update changes."""
        numbers = range(update * self._tau_theta, (update + 1) * self._tau_theta)
        return frozenset[int]().union(
            *(self._held_by(number // self._tau_p, network) for number in numbers)
        )

    def _held_by(self, index: int, network: ReLaXNet) -> frozenset[int]:
        """Return the weight sets that one perturbation changes."""
        if self._code == "random":
            return frozenset(range(network.weight_sets))
        sizes = {name: math.prod(shape) for name, shape in shapes(network).items()}
        before = sizes["input_weight"] + sizes["input_bias"]
        place = index % sum(sizes.values()) - before
        each = network.hidden**2
        return frozenset({place // each}) if 0 <= place < sizes["weight"] else frozenset()
