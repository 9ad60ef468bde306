"""Random modules of torch and their workloads compute the same."""

from __future__ import annotations

import pytest
import torch

from pnnsim.networks.lowering.from_torch import from_torch
from pnnsim.networks.reference import run_reference
from pnnsim.networks.workload import Mvm, Workload
from tests.networks.random_modules import random_module
from tests.networks.torch_modules import settled

BLOCK = 25


@pytest.mark.parametrize("first", range(0, 300, BLOCK))
def test_random_modules_compute_the_same(first: int) -> None:
    for seed in range(first, first + BLOCK):
        module, shape = random_module(seed)
        module = settled(module, seed)
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn((3, *shape), generator=generator, dtype=torch.float64)
        network = from_torch(module, x[:2])
        parameters = network.initial_parameters()
        with torch.no_grad():
            expected = module(x.clone())
            found = run_reference(network.workload, parameters, x)
        assert found.shape == expected.shape, (seed, module)
        largest = max(float(expected.abs().max()), 1e-12)
        assert float((found - expected).abs().max()) <= 1e-9 * largest, (seed, module)
        assert Workload.from_json(network.workload.to_json()) == network.workload
        for step in network.workload.steps:
            if isinstance(step, Mvm):
                weights = parameters[network.workload.matrices[step.matrix].name]
                assert float(weights.abs().max()) <= 1.0, (seed, module)
