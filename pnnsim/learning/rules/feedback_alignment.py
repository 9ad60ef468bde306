"""Send the output error straight to every step through fixed random matrices.

Direct feedback alignment, Nokland, NeurIPS, 2016: `delta = (B e) * f'(a)`. Augmented, Nakajima et
al., Nat. Commun. 13, 7847, 2022: `delta = (B e) * g(a)`, where g is any suitable function, so that
neither the physics nor its derivative need be known. The pre-activation a is computed from the
measured state and the commanded weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, final

import torch
from torch import Tensor, nn

from pnnsim.common.rng import stream
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules.base import Call, Rule, Session
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.relaxnet import ReLaXNet


@final
class FeedbackAlignment(Rule):
    """Gradient from the measured states and the output error, without a backward pass.

    Args:
        slope: g, applied to the pre-activation; None for the derivative of the model's f, which is
            plain feedback alignment.
        feedback: Whether every weight set has a random matrix of its own, or every step. A set that
            is used in many steps learns better if all of them pull it in one direction.
    """

    def __init__(
        self,
        slope: Callable[[Tensor], Tensor] | None = None,
        feedback: Literal["set", "step"] = "set",
    ) -> None:
        self.name = "dfa" if slope is None else "augmented_dfa"
        self._slope = slope
        self._feedback = feedback
        self._matrices = torch.empty(0)

    @staticmethod
    def augmented() -> FeedbackAlignment:
        """Return the augmented rule with the cosine for g, whose middle is where f has slope."""
        return FeedbackAlignment(torch.cos)

    def begin(self, session: Session) -> None:
        """Draw the matrices: uniform, as wide as a map of the outputs to the state."""
        network = session.surrogate.network
        generator = stream(session.seed, "rules.feedback", "train")
        count = network.steps if self._feedback == "step" else network.weight_sets
        shape = (count + 1, network.hidden, network.outputs)
        drawn = torch.rand(shape, generator=generator, dtype=torch.float64)
        self._matrices = (2.0 * drawn - 1.0) / network.outputs**0.5

    @torch.no_grad()
    def gradient(self, session: Session) -> float:
        """Return the loss of the machine's outputs."""
        x, y = session.take()
        bench, surrogate = session.bench, session.surrogate
        with torch.enable_grad():
            live = surrogate.live()
        bench.load(live)
        run = bench.run(live, x, states=True)
        assert run.states is not None, "requested above"
        loss = nn.functional.cross_entropy(run.outputs, y)
        wanted = nn.functional.one_hot(y, surrogate.network.outputs)
        error = (run.outputs.softmax(dim=1) - wanted) / len(y)
        numbers = live.to(torch.float64)
        found = {name: torch.zeros_like(value) for name, value in numbers.tensors().items()}
        found["output_weight"] = error.T @ run.result
        found["output_bias"] = error.sum(dim=0)
        at_input = self._loop(surrogate, numbers, run.drive, run.states, error, found)
        found["input_weight"] = at_input.T @ x.to(torch.float64)
        if surrogate.network.injection == "first":
            found["input_bias"] = at_input.sum(dim=0)
        tensors = live.tensors()
        used = [name for name in found if tensors[name].requires_grad]
        torch.autograd.backward(
            [tensors[name] for name in used], [found[name].to(tensors[name]) for name in used]
        )
        return float(loss)

    def _loop(
        self,
        surrogate: Surrogate,
        numbers: ParameterSet,
        drive: Tensor,
        states: Tensor,
        error: Tensor,
        found: dict[str, Tensor],
    ) -> Tensor:
        """Add up what the steps give to each weight set; return what arrives at the drive."""
        network = surrogate.network
        first = network.injection == "first"
        state = torch.relu(drive) if first else torch.zeros_like(drive)
        at_drive = torch.zeros_like(drive)
        for step, number in enumerate(network.weight_set_order()):
            line = surrogate.chip.encoder.encode(state, converted=False, active=frozenset())
            product = line @ numbers.weight[number].T
            value = numbers.gain[number] * product + numbers.bias[number]
            if not first:
                value = value + drive
            which = step if self._feedback == "step" else number
            delta = (error @ self._matrices[which].T) * self._slope_at(surrogate, value)
            found["weight"][number] += (numbers.gain[number] * delta).T @ line
            found["gain"][number] += (delta * product).sum_to_size(numbers.gain[number].shape)
            found["bias"][number] += delta.sum(dim=0)
            at_drive += delta
            state = states[step]
        if first:
            return (error @ self._matrices[-1].T) * (drive > 0.0)
        return at_drive

    def _slope_at(self, surrogate: Surrogate, value: Tensor) -> Tensor:
        if self._slope is not None:
            return self._slope(value)
        with torch.enable_grad():
            at = value.clone().requires_grad_()
            active = surrogate.chip.nonlinearity.activate(at, None, None, frozenset())
            (slope,) = torch.autograd.grad(active.sum(), at)
        return slope

    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return one pass with all states."""
        return (Call(sizes(update), states=True, writes=network.weight_sets),)
