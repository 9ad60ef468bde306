"""Find what the devices of a bank are off by, where its model says what that does to the weights.

A resonance that is off moves a weight by the slope of its ring at the place to which it was set; so
errors of devices, unlike errors of weights, hold for whatever is written later. Banks whose model
passes no derivative to its devices are left to `pnnsim.hil.calibration`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import State
from pnnsim.inference.surrogate import Surrogate

#: Kind of bank, what fabrication draws of each of its devices, and the non-idealities of the model
#: that turns it into weights: that itself, and what the description states of neighbors.
_DEVICES = {
    "mrr": ("resonance", ("resonance_error", "crosstalk", "heater_crosstalk")),
    "slm": ("pixel", ("pixel_spread", "pixel_leak", "contrast")),
}

#: Rounds in which the noise is judged anew by what the devices have left unexplained.
_ROUNDS = 3

#: Steps of the optimizer in each.
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Devices:
    """Devices of a surrogate's banks that can be fitted.

    Args:
        name: What fabrication calls their errors.
        non_idealities: What is on in a model of a bank whose devices are known.
        spread: Standard deviation that the description states, in the errors' unit.
    """

    name: str
    non_idealities: frozenset[str]
    spread: float

    @staticmethod
    def of(surrogate: Surrogate) -> Devices | None:
        """Return the devices of a surrogate's banks; None where there are none, or none differ."""
        banks = surrogate.chip.weight_banks
        if banks.kind not in _DEVICES:
            return None
        name, non_idealities = _DEVICES[banks.kind]
        drawn = banks.fabricate(stream(0, "calibration.devices", "fabrication"))[name]
        spread = float(drawn.square().mean().sqrt())
        known = frozenset(f"weight_banks.{non_ideality}" for non_ideality in non_idealities)
        return Devices(name, known, spread) if spread > 0.0 else None

    def fit(
        self, shape: tuple[int, ...], predict: Callable[[State], Tensor], measured: Tensor
    ) -> State:
        """Return the errors under which the measurement and the description are likeliest.

        Maximum a posteriori: normal errors of the described spread, normal noise whose size is what
        the fit leaves unexplained, judged anew in each round.

        Args:
            shape: Shape of the errors.
            predict: Outputs of the model with some errors; gradients flow to them.
            measured: Outputs of the machine, of the same shape.
        """
        relative = torch.zeros(shape, dtype=torch.float64, requires_grad=True)

        def missed() -> Tensor:
            return (predict({self.name: self.spread * relative}) - measured).square()

        with torch.enable_grad():
            for _ in range(_ROUNDS):
                noise = max(float(missed().mean().detach()), 1e-18)
                steps = torch.optim.LBFGS(
                    [relative], max_iter=_STEPS, line_search_fn="strong_wolfe"
                )

                def loss(steps: torch.optim.LBFGS = steps, noise: float = noise) -> Tensor:
                    steps.zero_grad()
                    total = 0.5 * (missed().sum() / noise + relative.square().sum())
                    total.backward()  # type: ignore[no-untyped-call]
                    return total

                steps.step(loss)  # type: ignore[no-untyped-call]
        return {self.name: self.spread * relative.detach()}
