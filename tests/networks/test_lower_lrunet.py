"""A lowered LruNet computes the module in evaluation mode, and has the published counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.lrunet_folded import by_name
from pnnsim.networks.lrunet_module import LruModule
from pnnsim.networks.protocol import Network
from pnnsim.networks.reference import run_reference
from pnnsim.networks.workload import Digital, Mvm

NETWORKS = [
    LruNet(channels=2, side=8, classes=3, stem=8, repetitions=1),
    LruNet(channels=2, side=8, classes=3, stem=8, repetitions=3),
    LruNet(channels=1, side=9, classes=4, stem=8, repetitions=2, width=2),
    LruNet(channels=3, side=28, classes=5, stem=16, repetitions=2),
    LruNet(channels=2, side=8, classes=3, stem=8, repetitions=3, shared=False),
]


def randomized(network: LruNet) -> LruModule:
    """Return a module in evaluation mode, no statistic or gain of which is 0 or 1."""
    module = LruModule(network, seed=1).double()
    generator = torch.Generator().manual_seed(2)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor, low in ((part.weight.data, 0.5), (part.bias.data, -0.5)):
                tensor.uniform_(low, low + 1.0, generator=generator)
            assert part.running_var is not None
            assert part.running_mean is not None
            part.running_var.uniform_(0.5, 1.5, generator=generator)
            part.running_mean.uniform_(-0.5, 0.5, generator=generator)
    return module.eval()


@pytest.mark.parametrize(
    "network",
    NETWORKS,
    ids=lambda n: f"{n.side}x{n.width}x{n.repetitions}{'' if n.shared else ' copies'}",
)
def test_the_reference_equals_the_module(network: LruNet) -> None:
    module = randomized(network)
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(
        (4, network.channels * network.side**2), dtype=torch.float64, generator=generator
    )
    found = run_reference(network.workload, by_name(module), x)
    expected = module(x).detach()
    assert float(expected.abs().max()) > 0.1
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("network", [*NETWORKS, LruNet(repetitions=14), LruNet(width=2)])
def test_counts_are_those_of_the_network(network: LruNet) -> None:
    workload = network.workload
    assert workload.macs == network.macs_per_inference()["total"]
    assert workload.parameters == network.parameter_counts()["total"]


def test_repetitions_share_their_matrices_and_wait_for_whole_maps() -> None:
    network = LruNet(repetitions=5)
    workload = network.workload
    assert [matrix.name for matrix in workload.matrices] == [
        f"{conv.name}.weight" for conv in network.convolutions()
    ]
    mvms = [step for step in workload.steps if isinstance(step, Mvm)]
    assert len(mvms) == 1 + 4 * 5 * 2 + 2
    assert all(step.barrier and step.gather is not None for step in mvms)
    for number, conv in enumerate(network.convolutions()):
        assert sum(step.matrix == number for step in mvms) == conv.repetitions


def test_the_digital_engine_does_what_stands_between_convolutions() -> None:
    """By hand, for one repetition on images of 8 x 8, a stem of 8 and 3 classes.

    Batch norm, skip and relu take one for each number, a pool 9, the mean one for each it reads.
    """
    sides, channels = (4, 2, 1, 1), (8, 16, 32, 64)
    by_hand = 2 * 8 * 4 * 4  # stem: norm, relu
    for number, (side, c) in enumerate(zip(sides, channels, strict=True)):
        by_hand += (2 * c + 3 * c) * side * side  # norms of both, skip, relu
        if number != 2:
            by_hand += 9 * c * (-(-side // 2)) ** 2
    by_hand += 2 * 32 + 3 + 3  # reduce: norm, relu; classify: relu, mean
    assert NETWORKS[0].workload.operations == by_hand


def test_a_network_starts_where_its_module_does() -> None:
    network = NETWORKS[1]
    assert isinstance(network, Network)
    found, expected = network.initial_parameters(4), by_name(LruModule(network, seed=4))
    assert found.keys() == network.workload.shapes.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor)
        assert tuple(tensor.shape) == network.workload.shapes[name]


def test_bytes_are_those_of_the_batch_norms() -> None:
    """Convolutions lie in banks; of the digital engine's memory, gains and shifts are read."""
    network = LruNet(repetitions=3)
    read = sum(s.bytes for s in network.workload.steps if isinstance(s, Digital))
    assert read == network.parameter_counts()["batch_norm"]
