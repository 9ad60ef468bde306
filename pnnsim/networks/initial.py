"""First numbers of a network's parameters, drawn from named streams."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.common.rng import stream, uniform
from pnnsim.networks.workload import Digital, Workload


def uniform_weights(workload: Workload, path: str, seed: int) -> dict[str, Tensor]:
    """Return uniform weights that keep the variance of a signal, biases 0, in float64.

    A sum of n products with weights in [-1, 1] has n / 3 times the variance of its inputs, so that
    the gain is `sqrt(3 / n)`, and `sqrt(6 / n)` ahead of a relu, which takes half of it. Weights
    that no gain follows are multiplied by it themselves, and gains of the digital engine are 1.

    Args:
        workload: What is computed.
        path: Name of the stream.
        seed: Seed of the draws.

    Reference: LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998; He et al., ICCV, 2015.
    """
    generator = stream(seed, path, "train")
    found = {
        name: torch.zeros(shape, dtype=torch.float64) for name, shape in workload.shapes.items()
    }
    drawn = set[str]()
    for step in workload.steps:
        if isinstance(step, Digital):
            if step.operator == "affine":
                found[step.parameters[0]] = torch.ones_like(found[step.parameters[0]])
            if step.operator not in ("linear_digital", "conv_digital"):
                continue
            name, gain, activation = step.parameters[0], None, None
        else:
            name, gain = workload.matrices[step.matrix].name, step.gain
            activation = step.activation
        kept = 0.5 if activation == "relu" else 1.0
        scale = math.sqrt(3.0 / (kept * found[name].shape[1]))
        if name not in drawn:
            drawn.add(name)
            found[name] = 2.0 * uniform(workload.shapes[name], generator) - 1.0
            if gain is None:
                found[name] *= min(scale, 1.0)
        if gain is not None:
            found[gain] = torch.full_like(found[gain], scale)
    return found
