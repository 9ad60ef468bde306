"""First numbers of a network's parameters, drawn from named streams."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.common.rng import stream, uniform
from pnnsim.networks.workload import Mvm, Workload


def uniform_weights(workload: Workload, path: str, seed: int) -> dict[str, Tensor]:
    """Return weights uniform in [-1, 1] behind gains that keep variance, biases 0, in float64.

    A sum of n products with such weights has n / 3 times the variance of its inputs, so that the
    gain is `sqrt(3 / n)`, and `sqrt(6 / n)` ahead of a relu, which takes half of it.

    Args:
        workload: Workload in which each matrix is used once, with a gain.
        path: Name of the stream.
        seed: Seed of the draws.

    Reference: LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998; He et al., ICCV, 2015.
    """
    generator = stream(seed, path, "train")
    found = {
        name: torch.zeros(shape, dtype=torch.float64) for name, shape in workload.shapes.items()
    }
    for step in workload.steps:
        if isinstance(step, Mvm) and step.gain is not None:
            matrix = workload.matrices[step.matrix]
            found[matrix.name] = 2.0 * uniform(matrix.shape, generator) - 1.0
            kept = 0.5 if step.activation == "relu" else 1.0
            found[step.gain] += math.sqrt(3.0 / (kept * matrix.shape[1]))
    return found
