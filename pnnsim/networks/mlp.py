"""Multilayer perceptron on banks: rectangular matrices one after the other, no digital map.

The input is encoded onto the first bank as it is, and the last sums, behind gain and bias, are the
outputs. Nothing here imports torch until numbers are drawn.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.layer_settings import LayeredNetwork
from pnnsim.networks.layers import with_layers
from pnnsim.networks.workload import Value, Workload

if TYPE_CHECKING:
    from torch import Tensor

Size = Annotated[int, Field(ge=1, le=1_000_000)]


class Mlp(LayeredNetwork):
    """Network of dense layers with one activation between them."""

    kind: Literal["mlp"] = "mlp"
    """Name of this kind of network."""
    sizes: Annotated[tuple[Size, ...], Field(min_length=2, max_length=1000)] = (784, 100, 10)
    """Values of the input, of each hidden layer, and of the output."""
    activation: Literal["machine", "relu", "tanh", "sigmoid", "gelu", "silu"] = "machine"
    """f between layers: that of the machine, or one by name; there is none behind the last."""
    gains: Literal["set", "row"] = "set"
    """One electronic gain for each matrix, or one for each of its rows."""

    @property
    def workload(self) -> Workload:
        """Return the steps of a sample, as data."""
        builder = WorkloadBuilder(Value((self.sizes[0],)))
        value, last = 0, len(self.sizes) - 2
        for number, (inputs, outputs) in enumerate(pairwise(self.sizes)):
            value = builder.mvm(
                builder.matrix(f"weight.{number}", outputs, inputs),
                value,
                bias=f"bias.{number}",
                gain=f"gain.{number}",
                scalar_gain=self.gains == "set",
                activation=None if number == last else self.activation,
            )
        return with_layers(builder.build(value), self.layers)

    def initial_parameters(self, seed: int = 0) -> dict[str, Tensor]:
        """Return first weights that keep the variance of a signal, by name.

        Args:
            seed: Seed of the draws.
        """
        # Not ahead of the class: a description is checked without torch.
        from pnnsim.networks.initial import uniform_weights

        return uniform_weights(self.workload, f"{self.kind}.weights", seed)

    def parameter_counts(self) -> dict[str, int]:
        """Return how many parameters are trained, by place."""
        weights = sum(outputs * inputs for inputs, outputs in pairwise(self.sizes))
        rows = sum(self.sizes[1:])
        gains = rows if self.gains == "row" else len(self.sizes) - 1
        total = weights + rows + gains
        return {"weight": weights, "bias": rows, "gain": gains, "total": total}

    def macs_per_inference(self) -> dict[str, int]:
        """Return the multiply-accumulates of one forward pass, by place."""
        return {"hidden": sum(a * b for a, b in pairwise(self.sizes))}
