"""A lowered ReLaX-Net computes the network, and has its counts.

The oracle is the NumPy forward pass of `tests.inference.test_agreement`, which knows no workload.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from pnnsim.errors import ParameterError, WorkloadError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.working_point import working_point
from pnnsim.networks.protocol import Network
from pnnsim.networks.reference import run_reference
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.relaxnet_parameters import WorkingPoint, by_field, by_name
from pnnsim.networks.workload import Digital, Mvm
from pnnsim.specs.hardware import load_spec
from tests.inference.test_agreement import NETWORKS, numpy_forward, random_inputs, random_parameters

#: Sums of at most 64 products of numbers near 1, twelve times over, in float64.
TOLERANCE = 1e-10

KEEPING = ReLaXNet(
    inputs=5, hidden=8, outputs=3, steps=3, injection="every", residual=0.5, stateful=True
)


def quadrature(a: Tensor) -> Tensor:
    """A modulator at quadrature, driven by half of v_pi each way."""
    return (1.0 + torch.sin(math.pi * a.clamp(-1.0, 1.0) / 2.0)) / 2.0


def on_lines(h: Tensor) -> Tensor:
    """An intensity between dark and full."""
    return h.clamp(0.0, 1.0)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_reference_equals_numpy(name: str) -> None:
    network = NETWORKS[name]
    parameters, x = random_parameters(network), random_inputs(network)

    found = run_reference(
        network.workload,
        by_name(network, parameters.tensors()),
        x,
        activation=quadrature,
        lines=on_lines,
    )

    expected = numpy_forward(parameters, x)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=TOLERANCE)


def test_a_state_that_is_kept_goes_on_where_the_sample_before_ended() -> None:
    parameters = random_parameters(KEEPING)
    spec = load_spec("photonic_mrr")
    surrogate = Surrogate(KEEPING, spec, non_idealities=(), dtype=torch.float64)
    surrogate.load_parameter_set(parameters)
    x = torch.rand((2, 6, 5), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    named = by_name(KEEPING, parameters.tensors())

    found = run_reference(KEEPING.workload, named, x, activation=quadrature, lines=on_lines)

    expected = surrogate(x).detach()
    assert float((expected[:, 0] - expected[:, 1]).abs().max()) > 1e-3
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("network", [*NETWORKS.values(), KEEPING])
def test_counts_are_those_of_the_network(network: ReLaXNet) -> None:
    workload, macs = network.workload, network.macs_per_inference()
    assert workload.macs == macs["hidden"]
    assert workload.operations == macs["front_end"] + macs["readout"]
    assert workload.parameters == network.parameter_counts()["total"]
    mvms = [step for step in workload.steps if isinstance(step, Mvm)]
    assert tuple(int(workload.matrices[m.matrix].name.split(".")[1]) for m in mvms) == (
        network.weight_set_order()
    )
    assert len(workload.matrices) == network.weight_sets


def test_maps_are_digital_and_free_of_anything_but_products() -> None:
    """The relu on h[0] takes no step of its own: the digital engine is timed by products alone."""
    workload = ReLaXNet(inputs=3, hidden=4, outputs=2, steps=2).workload
    kinds = [s.operator if isinstance(s, Digital) else "mvm" for s in workload.steps]
    assert kinds == ["linear_digital", "mvm", "mvm", "linear_digital"]
    first, last = workload.steps[0], workload.steps[-1]
    assert isinstance(first, Digital)
    assert isinstance(last, Digital)
    assert first.parameters == ("input_weight", "input_bias")
    assert first.constants == (("activation", "relu"),)
    assert last.parameters == ("output_weight", "output_bias")
    assert (first.operations, last.operations) == (12, 8)


@pytest.mark.parametrize("network", [NETWORKS["list"], KEEPING])
def test_parameters_convert_both_ways(network: ReLaXNet) -> None:
    tensors = random_parameters(network).tensors()
    if network.injection == "every":
        tensors["input_bias"] = torch.zeros_like(tensors["input_bias"])
    again = by_field(network, by_name(network, tensors))
    assert again.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(again[name], tensor)


def test_parameters_that_are_missing_are_named() -> None:
    network = NETWORKS["rnn"]
    tensors = random_parameters(network).tensors()
    named = by_name(network, tensors)
    del named["bias.0"], tensors["gain"]
    with pytest.raises(ParameterError, match=r"bias\.0: is missing"):
        by_field(network, named)
    with pytest.raises(ParameterError, match="gain: is missing"):
        by_name(network, tensors)


@pytest.mark.parametrize("network", [NETWORKS["residual"], KEEPING])
def test_a_network_starts_where_its_surrogate_does(network: ReLaXNet) -> None:
    assert isinstance(network, Network)
    surrogate = Surrogate(network, load_spec("photonic_mrr"), seed=5, dtype=torch.float64)
    point = working_point(surrogate.chip, active=surrogate.known, residual=network.residual)
    expected = by_name(network, {n: p.detach() for n, p in surrogate.named_parameters()})
    found = network.initial_parameters(5, point=point)
    assert found.keys() == expected.keys() == network.workload.shapes.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor)


def test_the_first_gain_keeps_the_variance_of_what_the_residual_leaves() -> None:
    """By hand: `gain * slope * sqrt(N / 3)` is `sqrt(1 - alpha^2)`."""
    named = NETWORKS["residual"].initial_parameters(0, point=WorkingPoint(slope=0.8))
    expected = 0.75**0.5 * (3 / 64) ** 0.5 / 0.8
    assert float(named["gain.1"]) == pytest.approx(expected, rel=1e-12, abs=0)
    assert float(named["weight.0"].abs().max()) <= 1.0
    assert not torch.equal(named["weight.0"], named["weight.1"])


def test_gradients_reach_every_parameter_and_the_inputs() -> None:
    network = NETWORKS["injection"]
    named = {
        name: tensor.requires_grad_()
        for name, tensor in by_name(network, random_parameters(network).tensors()).items()
    }
    x = random_inputs(network, 3).requires_grad_()
    run_reference(network.workload, named, x, activation=torch.sin).sum().backward()
    for tensor in (x, *named.values()):
        assert tensor.grad is not None
        assert float(tensor.grad.abs().max()) > 0


def test_the_activation_of_the_machine_has_to_be_given() -> None:
    network = NETWORKS["rnn"]
    named = by_name(network, random_parameters(network).tensors())
    with pytest.raises(WorkloadError, match="step 1: has the activation of the machine"):
        run_reference(network.workload, named, random_inputs(network))
