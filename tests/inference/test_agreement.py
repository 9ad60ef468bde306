"""Simulator, surrogate and an independent NumPy forward pass compute the same network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.parameters import ParameterSet, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import evaluated

#: Sums of at most 64 products of numbers near 1, twelve times over, in float64.
TOLERANCE = 1e-10

NETWORKS = {
    "relaxnet": ReLaXNet(weight_sets=2, steps=12),
    "rnn": ReLaXNet(weight_sets=1, steps=7),
    "dnn on two banks": ReLaXNet(weight_sets=5, steps=5),
    "uneven": ReLaXNet(weight_sets=3, steps=7, hidden=48, inputs=20, outputs=4),
    "residual": ReLaXNet(weight_sets=2, steps=6, residual=0.5),
    "injection": ReLaXNet(weight_sets=2, steps=6, injection="every", residual=0.25),
    "sequence": ReLaXNet(weight_sets=3, steps=6, order="sequence"),
    "list": ReLaXNet(weight_sets=3, steps=5, order=(2, 0, 0, 1, 2)),
    "gains of rows": ReLaXNet(weight_sets=2, steps=3, hidden=8, gains="row"),
}


def random_parameters(network: ReLaXNet, seed: int = 0) -> ParameterSet:
    generator = torch.Generator().manual_seed(seed)
    draw = {
        name: torch.randn(shape, generator=generator, dtype=torch.float64) / 4
        for name, shape in shapes(network).items()
    }
    draw["weight"] = (4 * draw["weight"]).clamp(-1, 1)
    draw["gain"] = 0.2 + 0.05 * draw["gain"]
    return ParameterSet(network, **draw)


def random_inputs(network: ReLaXNet, samples: int = 9) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand((samples, network.inputs), generator=generator, dtype=torch.float64)


def numpy_forward(p: ParameterSet, x: torch.Tensor) -> np.ndarray:
    """Write the network out from the paper's equation and the activation's definition."""
    n = p.network
    weight, gain, bias = (t.numpy() for t in (p.weight, p.gain, p.bias))
    drive = x.numpy() @ p.input_weight.numpy().T
    if n.injection == "first":
        h, drive = np.maximum(drive + p.input_bias.numpy(), 0.0), np.zeros_like(drive)
    else:
        h = np.zeros_like(drive)
    for t in range(n.steps):
        if isinstance(n.order, tuple):
            k = n.order[t]
        else:
            k = t % n.weight_sets if n.order == "cycle" else t // (n.steps // n.weight_sets)
        h = np.clip(h, 0.0, 1.0)
        a = np.clip(gain[k] * np.einsum("bi,oi->bo", h, weight[k]) + bias[k] + drive, -1.0, 1.0)
        # A modulator at quadrature, driven by half of v_pi each way: (1 + sin(pi a / 2)) / 2.
        h = n.residual * h + (1.0 + np.sin(np.pi * a / 2.0)) / 2.0
    return h @ p.output_weight.numpy().T + p.output_bias.numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_ideal_simulator_and_surrogate_equal_numpy(name: str) -> None:
    network = NETWORKS[name]
    spec = load_spec("photonic_mrr")
    parameters, x = random_parameters(network), random_inputs(network)

    surrogate = Surrogate(network, spec, non_idealities=(), dtype=torch.float64)
    surrogate.load_parameter_set(parameters)
    chip = Chip.nominal(spec, network).fabricate(seed=3, index=0)
    accesses = time_run(chip, len(x)).accesses
    simulated = evaluated(chip, parameters, x, accesses)

    expected = numpy_forward(parameters, x)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(surrogate(x).detach().numpy(), expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(simulated.numpy(), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("name", "samples"),
    # Later samples of a network that rewrites its banks find other sets in the leaking bank.
    [("relaxnet", 9), ("dnn on two banks", 1), ("residual", 9)],
)
def test_nominal_simulator_equals_the_surrogate_with_what_it_was_trained_with(
    name: str, samples: int
) -> None:
    network = NETWORKS[name]
    spec = load_spec("photonic_mrr")
    parameters, x = random_parameters(network), random_inputs(network, samples)
    surrogate = Surrogate(network, spec, dtype=torch.float64)
    surrogate.load_parameter_set(parameters)
    chip = Chip.nominal(spec, network)

    simulated = evaluated(chip, parameters, x, time_run(chip, len(x)).accesses, chip.deterministic)

    np.testing.assert_allclose(
        simulated.numpy(), surrogate(x).detach().numpy(), rtol=0, atol=TOLERANCE
    )


def test_gradients_of_tied_sets_sum_over_the_steps_that_use_them() -> None:
    """Compare with the recursion for delta and lambda, written out by hand."""
    network = ReLaXNet(inputs=5, hidden=6, outputs=3, weight_sets=2, steps=5, residual=0.3)
    surrogate = Surrogate(
        network, load_spec("photonic_mrr"), non_idealities=(), dtype=torch.float64
    )
    surrogate.load_parameter_set(random_parameters(network))
    x = random_inputs(network, 4)
    surrogate(x).sum().backward()

    p = surrogate.parameter_set()
    weight, gain, bias = p.weight.numpy(), p.gain.numpy(), p.bias.numpy()
    h = np.maximum(x.numpy() @ p.input_weight.numpy().T + p.input_bias.numpy(), 0.0)
    lines, slopes, inside = [], [], []
    for t in range(network.steps):
        line = np.clip(h, 0.0, 1.0)
        a = gain[t % 2] * line @ weight[t % 2].T + bias[t % 2]
        lines.append(line)
        inside.append((h >= 0) & (h <= 1))
        slopes.append(np.where(np.abs(a) <= 1, np.pi / 4 * np.cos(np.pi * a / 2), 0.0))
        h = 0.3 * line + (1 + np.sin(np.pi * np.clip(a, -1, 1) / 2)) / 2
    lam = np.tile(p.output_weight.numpy().sum(axis=0), (4, 1))
    gradient = np.zeros_like(weight)
    for t in reversed(range(network.steps)):
        delta = slopes[t] * lam
        gradient[t % 2] += gain[t % 2] * delta.T @ lines[t]
        lam = (0.3 * lam + gain[t % 2] * delta @ weight[t % 2]) * inside[t]
    assert surrogate.weight.grad is not None
    np.testing.assert_allclose(surrogate.weight.grad.numpy(), gradient, rtol=0, atol=TOLERANCE)
