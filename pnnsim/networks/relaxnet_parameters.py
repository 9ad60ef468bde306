"""Numbers of a ReLaX-Net: stacked by set, as a `ParameterSet` has them, or by name, as a workload.

Nothing here depends on a machine but for the working point of its activation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.errors import ParameterError

if TYPE_CHECKING:
    from pnnsim.networks.relaxnet import ReLaXNet

#: Tensors with one entry for each weight set.
STACKED = ("weight", "gain", "bias")


@dataclass(frozen=True, slots=True)
class WorkingPoint:
    """Place on an activation about which the states of a new network are spread.

    Args:
        value: Pre-activation there.
        slope: Spread of states over that of pre-activations about it.
        output: Mean state.
        end: Largest state that a line carries.
    """

    value: float = 0.0
    slope: float = 1.0
    output: float = 0.0
    end: float = math.inf


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


def centers(network: ReLaXNet, point: WorkingPoint) -> list[float]:
    """Return the mean state that each weight set is applied to, over the steps that use it.

    Args:
        network: Network.
        point: Working point of the activation.
    """
    met: list[list[float]] = [[] for _ in range(network.weight_sets)]
    mean = point.output
    for number in network.weight_set_order():
        met[number].append(min(mean, point.end))
        mean = point.output + network.residual * min(mean, point.end)
    return [sum(means) / len(means) for means in met]


def initial(network: ReLaXNet, seed: int, *, point: WorkingPoint) -> dict[str, Tensor]:
    """Return first weights that neither fade nor grow over the steps, in float64, by field.

    Weights are uniform in [-1, 1]; the gain makes one step's Jacobian preserve variance,
    `gain * slope * sqrt(N / 3) = 1`. Where a residual carries the state on, its share is left out,
    and over all steps the variance grows by e at most (as 1 + 1/L in each of L steps). The maps in
    and out preserve variance, too (LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998).
    Biases center the pre-activations on the working point: they take off what a weight set makes of
    the mean state, and the input map starts from that state.

    Args:
        network: Network.
        seed: Seed of the draws.
        point: Working point of the activation.
    """
    generator = stream(seed, "surrogate", "train")
    hidden, sets = network.hidden, network.weight_sets

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64)

    branch = math.sqrt(max(1.0 - network.residual**2, 1.0 / network.steps))
    first = point.output if network.injection == "first" else 0.0
    # One generator serves all, in this order, which is also that of the fields.
    found = {
        "input_weight": zeros(hidden, network.inputs).normal_(
            0.0, math.sqrt(1.0 / network.inputs), generator=generator
        ),
        "input_bias": zeros(hidden).fill_(first),
        "weight": zeros(sets, hidden, hidden).uniform_(-1.0, 1.0, generator=generator),
        "gain": zeros(*network.gain_shape).fill_(branch * math.sqrt(3.0 / hidden) / point.slope),
        "bias": zeros(sets, hidden),
        "output_weight": zeros(network.outputs, hidden).normal_(
            0.0, math.sqrt(1.0 / hidden), generator=generator
        ),
        "output_bias": zeros(network.outputs),
    }
    center = torch.tensor(centers(network, point), dtype=torch.float64)
    made = found["gain"].reshape(sets, -1) * center.unsqueeze(1) * found["weight"].sum(dim=2)
    found["bias"] = point.value - made
    found["output_bias"] = -point.output * found["output_weight"].sum(dim=1)
    return found
