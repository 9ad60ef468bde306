"""A perceptron on banks computes what torch's layers do, and has their counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from pnnsim.networks.mlp import Mlp
from pnnsim.networks.protocol import Network
from pnnsim.networks.reference import run_reference
from pnnsim.networks.workload import Mvm

LAYERS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU, "silu": nn.SiLU}


def torch_layers(network: Mlp, named: dict[str, torch.Tensor]) -> nn.Sequential:
    """Return layers of torch whose weights have taken the gains in."""
    layers: list[nn.Module] = []
    for number in range(len(network.sizes) - 1):
        layer = nn.Linear(network.sizes[number], network.sizes[number + 1], dtype=torch.float64)
        gain = named[f"gain.{number}"]
        scale = gain[:, None] if gain.dim() else gain
        layer.weight = nn.Parameter(scale * named[f"weight.{number}"])
        layer.bias = nn.Parameter(named[f"bias.{number}"])
        layers += [layer, LAYERS[network.activation]()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("gains", ["set", "row"])
@pytest.mark.parametrize("activation", sorted(LAYERS))
def test_the_reference_equals_layers_of_torch(activation: str, gains: str) -> None:
    network = Mlp(sizes=(12, 9, 7, 3), activation=activation, gains=gains)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    named = {
        name: torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in network.workload.shapes.items()
    }
    x = torch.randn((5, 12), generator=generator, dtype=torch.float64)
    expected = torch_layers(network, named)(x).detach()
    found = run_reference(network.workload, named, x)
    # Sums of a dozen products in float64.
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)


def test_the_default_takes_digits_on_banks_alone() -> None:
    network = Mlp()
    assert isinstance(network, Network)
    workload = network.workload
    assert all(isinstance(step, Mvm) for step in workload.steps)
    assert [matrix.shape for matrix in workload.matrices] == [(100, 784), (10, 100)]
    assert workload.macs == network.macs_per_inference()["hidden"] == 784 * 100 + 100 * 10
    assert workload.operations == 0


@pytest.mark.parametrize("gains", ["set", "row"])
def test_parameters_are_counted(gains: str) -> None:
    network = Mlp(sizes=(6, 5, 4), gains=gains)  # type: ignore[arg-type]
    counts = network.parameter_counts()
    assert counts["weight"] == 6 * 5 + 5 * 4
    assert counts["bias"] == 9
    assert counts["gain"] == {"set": 2, "row": 9}[gains]
    assert counts["total"] == network.workload.parameters
    assert counts["total"] == sum(t.numel() for t in network.initial_parameters().values())


def test_first_weights_keep_the_variance() -> None:
    network = Mlp(sizes=(1000, 1000, 1000), activation="relu")
    named = network.initial_parameters(3)
    x = torch.randn((50, 1000), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert float(named["weight.0"].abs().max()) <= 1.0
    y = run_reference(network.workload, named, x)
    # Samples share the weights of 1000 rows, and each of both layers adds its spread: 5 sigma of
    # the variance of 1000 normal draws, with a factor of 3 for both and for the means of the relu.
    assert float(y.var()) == pytest.approx(1.0, abs=5 * (2 / 1000 * 3) ** 0.5)


def test_seeds_give_their_own_weights() -> None:
    network = Mlp(sizes=(4, 3))
    first, again, other = (network.initial_parameters(seed)["weight.0"] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_descriptions_that_cannot_be_are_refused() -> None:
    for wrong in (
        {"sizes": (5,)},
        {"sizes": (5, 0)},
        {"activation": "max_pool"},
        {"gains": "column"},
        {"width": 3},
    ):
        with pytest.raises(ValidationError):
            Mlp(**wrong)  # type: ignore[arg-type]
