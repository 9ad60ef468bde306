"""What tests measure of a module that was lowered."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.reference import run_reference
from pnnsim.networks.workload import Digital, Mvm, Workload


def samples(*shape: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def error(module: nn.Module, network: GivenNetwork, x: Tensor) -> float:
    """Return the greatest error of a workload, relative to the greatest output."""
    module.eval()
    with torch.no_grad():
        expected = module(x)
        found = run_reference(network.workload, network.initial_parameters(), x)
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


def tiles(workload: Workload, size: int) -> int:
    """Return how many square tiles the matrices fill."""
    count = 0
    for matrix in workload.matrices:
        rows, columns = matrix.outputs // matrix.groups, matrix.inputs // matrix.groups
        count += matrix.groups * math.ceil(rows / size) * math.ceil(columns / size)
    return count


def uses(workload: Workload) -> list[int]:
    """Return the matrix of each product."""
    return [step.matrix for step in workload.steps if isinstance(step, Mvm)]


def operators(workload: Workload) -> list[str]:
    return [step.operator for step in workload.steps if isinstance(step, Digital)]


class Tail(nn.Module):
    """First of several results of a layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        made = self.layer(x)
        return made[0] if isinstance(made, tuple) else made
