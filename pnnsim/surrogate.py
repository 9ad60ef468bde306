"""Train weights on a differentiable twin of the machine, with any torch loop.

The twin calls the evaluator of the simulator with the nominal chip, nominal times and no noise. It
holds no physics of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pnnsim.chip import Chip
from pnnsim.errors import ParameterError
from pnnsim.network import ReLaXNet
from pnnsim.parameters import ParameterSet, shapes
from pnnsim.products import Read
from pnnsim.rng import stream
from pnnsim.spec import HardwareSpec
from pnnsim.values import evaluate
from pnnsim.visits import nominal_visits


class Surrogate(nn.Module):
    """Be the differentiable twin of a machine that runs a network.

    Args:
        network: What is to be computed.
        spec: Machine that will compute it.
        seed: Seed of the first weights.
        imperfections: Names of those that training sees; by default all that are the same on every
            chip (`Chip.deterministic`).
        dtype: Type of the parameters.
    """

    def __init__(
        self,
        network: ReLaXNet,
        spec: HardwareSpec,
        *,
        seed: int = 0,
        imperfections: Iterable[str] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.chip = Chip.nominal(spec, network)
        self.network = network
        self.spec = spec
        chosen = self.chip.deterministic if imperfections is None else frozenset(imperfections)
        unknown = sorted(chosen - self.chip.imperfections)
        if unknown:
            raise ParameterError(
                f"unknown imperfections {', '.join(unknown)}; this machine has "
                f"{', '.join(sorted(self.chip.imperfections))}"
            )
        self._read = Read(active=chosen)
        self._visits = nominal_visits(network, self.chip.mapping)
        for name, value in _initial_values(self.chip, seed).items():
            setattr(self, name, nn.Parameter(value.to(dtype)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs for inputs of shape `(batch, n_inputs)`."""
        return evaluate(self.chip, self._live(), x, self._visits, self._read)

    def parameter_set(self) -> ParameterSet:
        """Return a detached copy of the parameters as they would be written to a machine."""
        tensors = {name: t.detach().clone() for name, t in self._live().tensors().items()}
        tensors["weight"] = tensors["weight"].clamp(-1.0, 1.0)
        return ParameterSet(self.network, **tensors, spec_sha256=self.spec.sha256())

    def load_parameter_set(self, parameters: ParameterSet) -> None:
        """Take over trained numbers.

        Raises:
            ParameterError: If they are not those of this network.
        """
        parameters.check(self.network)
        self.load_state_dict(parameters.tensors())

    def _live(self) -> ParameterSet:
        tensors = {name: getattr(self, name) for name in shapes(self.network)}
        return ParameterSet(self.network, **tensors)


def _initial_values(chip: Chip, seed: int) -> dict[str, Tensor]:
    """Return first weights that neither fade nor grow over the steps.

    Weights are uniform in [-1, 1]; the gain makes one step's Jacobian preserve variance,
    `gain * slope * sqrt(N / 3) = 1`. The maps in and out preserve variance, too (LeCun, Bottou, Orr
    and Mueller, Efficient BackProp, 1998).
    """
    network = chip.network
    generator = stream(seed, "surrogate", "train")
    values = {
        name: torch.zeros(shape, dtype=torch.float64) for name, shape in shapes(network).items()
    }
    values["input_weight"].normal_(0.0, math.sqrt(1.0 / network.inputs), generator=generator)
    values["weight"].uniform_(-1.0, 1.0, generator=generator)
    values["gain"].fill_(math.sqrt(3.0 / network.hidden) / chip.nonlinearity.slope)
    values["output_weight"].normal_(0.0, math.sqrt(1.0 / network.hidden), generator=generator)
    return values
