"""Numbers of a ReLaX-Net: stacked by set, as a `ParameterSet` has them, or by name, as a workload.

Nothing here depends on a machine but for the slope of its activation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.errors import ParameterError

if TYPE_CHECKING:
    from pnnsim.networks.relaxnet import ReLaXNet

#: Tensors with one entry for each weight set.
STACKED = ("weight", "gain", "bias")


def by_name(network: ReLaXNet, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under the names that they have in the workload.

    Args:
        network: Network.
        tensors: Tensors of a `ParameterSet`, by its fields; the input bias is left out where x is
            injected in each step, as it is not used.

    Raises:
        ParameterError: If one is missing.
    """
    found: dict[str, Tensor] = {}
    for name in network.workload.shapes:
        field, _, number = name.partition(".")
        if field not in tensors:
            raise ParameterError(f"{field}: is missing; expected it among the tensors")
        found[name] = tensors[field][int(number)] if number else tensors[field]
    return found


def by_field(network: ReLaXNet, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return parameters of a workload stacked as the fields of a `ParameterSet`.

    Args:
        network: Network.
        parameters: Tensors by the names of the workload.

    Raises:
        ParameterError: If one is missing.
    """
    missing = sorted(set(network.workload.shapes) - set(parameters))
    if missing:
        raise ParameterError(f"{missing[0]}: is missing; expected it among the parameters")
    found = {
        name: torch.stack([parameters[f"{name}.{k}"] for k in range(network.weight_sets)])
        for name in STACKED
    }
    for name in ("input_weight", "output_weight", "output_bias"):
        found[name] = parameters[name]
    unused = found["bias"].new_zeros(network.hidden)
    found["input_bias"] = parameters.get("input_bias", unused)
    return found


def initial(network: ReLaXNet, seed: int, *, slope: float) -> dict[str, Tensor]:
    """Return first weights that neither fade nor grow over the steps, in float64, by field.

    Weights are uniform in [-1, 1]; the gain makes one step's Jacobian preserve variance,
    `gain * slope * sqrt(N / 3) = 1`. Where a residual carries the state on, its share is left out,
    and over all steps the variance grows by e at most (as 1 + 1/L in each of L steps). The maps in
    and out preserve variance, too (LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998).

    Args:
        network: Network.
        seed: Seed of the draws.
        slope: Slope of the activation where it is steepest.
    """
    generator = stream(seed, "surrogate", "train")
    hidden, sets = network.hidden, network.weight_sets

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64)

    branch = math.sqrt(max(1.0 - network.residual**2, 1.0 / network.steps))
    # One generator serves all, in this order, which is also that of the fields.
    return {
        "input_weight": zeros(hidden, network.inputs).normal_(
            0.0, math.sqrt(1.0 / network.inputs), generator=generator
        ),
        "input_bias": zeros(hidden),
        "weight": zeros(sets, hidden, hidden).uniform_(-1.0, 1.0, generator=generator),
        "gain": zeros(sets).fill_(branch * math.sqrt(3.0 / hidden) / slope),
        "bias": zeros(sets, hidden),
        "output_weight": zeros(network.outputs, hidden).normal_(
            0.0, math.sqrt(1.0 / hidden), generator=generator
        ),
        "output_bias": zeros(network.outputs),
    }
