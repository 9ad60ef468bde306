"""Measure forward, differentiate the model backward: physics-aware training.

Wright, Onodera et al., Nature 601, 549, 2022: each physical step is replaced by a function whose
value is measured and whose derivative is the model's at the measured input. The error comes from
real outputs, and the model's mistakes do not add up over the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn

from pnnsim.hil.calibration import drive_of, loop_of
from pnnsim.inference.evaluator import LoopState
from pnnsim.learning.rules.base import Call, Rule, Session
from pnnsim.networks.relaxnet import ReLaXNet


class _Measured(torch.autograd.Function):
    """Value of a measurement with the derivative of a model."""

    @staticmethod
    def forward(ctx: Any, modelled: Tensor, measured: Tensor) -> Tensor:
        return measured.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def measured(modelled: Tensor, value: Tensor) -> Tensor:
    """Return a measured value whose gradient goes to what the model expected in its place.

    Args:
        modelled: What the model makes of the measured input.
        value: What was measured, as `modelled`.
    """
    replaced: Tensor = _Measured.apply(modelled, value.to(modelled))  # type: ignore[no-untyped-call]
    return replaced


def physics_aware(
    hardware: Callable[..., Tensor], model: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    """Return a function that computes on hardware and differentiates a model of it.

    Both take the same tensors. Call it once for each physical step: then the model is linearized
    at what was measured, not at its own earlier outputs.

    Args:
        hardware: One physical step, measured.
        model: Differentiable model of it.
    """

    def both(*inputs: Tensor) -> Tensor:
        with torch.no_grad():
            value = hardware(*(tensor.detach() for tensor in inputs))
        return measured(model(*inputs), value)

    return both


@final
class PhysicsAware(Rule):
    """Backpropagation through the model's steps, at states that the machine was measured in.

    Tied weight sets get the sum of their steps' gradients, as in the model itself.
    """

    name = "physics_aware"

    def gradient(self, session: Session) -> float:
        """Return the loss of the machine's outputs."""
        x, y = session.take()
        bench, surrogate = session.bench, session.surrogate
        live = surrogate.live()
        bench.load(live)
        run = bench.run(live, x, states=True)
        assert run.states is not None, "requested above"
        drive = drive_of(surrogate, live, x)
        loop = loop_of(surrogate, live, session.calibration)
        carry = loop.begin(drive)
        for step, state in enumerate(run.states[:-1]):
            after = loop.step(step, carry, drive)
            # Only the state is measured; what lingers in parts that have not settled is modelled.
            carry = LoopState(measured(after.state, state), after.captured, after.activated)
        last = loop.result(loop.step(surrogate.network.steps - 1, carry, drive))
        result = measured(last, run.result)
        outputs = surrogate.chip.front_end.map_output(result, live.output_weight, live.output_bias)
        loss = nn.functional.cross_entropy(outputs, y)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return one pass with all states."""
        return (Call(sizes(update), states=True, writes=network.weight_sets),)
