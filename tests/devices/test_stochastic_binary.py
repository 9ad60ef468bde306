"""Binary stochastic neurons: chances, averages, times, prices, and training through samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.devices.nonlinearities.stochastic_binary import StochasticBinary
from pnnsim.devices.nonlinearities.stochastic_binary_params import StochasticBinaryParams
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import counting
from pnnsim.specs.hardware import load_spec
from pnnsim.testing import small_size

SAMPLING = frozenset({"nonlinearity.sampling"})
GIVEN = {
    "kind": "stochastic_binary", "drive_current": "4 uA", "scale_current": "2 uA", "reads": 1,
    "read_time": "10 ns", "correlation_time": "5 ns", "read_energy": "20 fJ",
    "static_power": "2 uW",
}  # fmt: skip


def neuron(**values: Any) -> StochasticBinary:
    return StochasticBinary(
        StochasticBinaryParams.model_validate({**GIVEN, **values}), small_size()
    )


def test_the_chance_is_a_sigmoid_of_the_current() -> None:
    value = torch.tensor([[-1.0, 0.0, 0.25, 3.0]], dtype=torch.float64)
    expected = 1.0 / (1.0 + np.exp(-4.0 * value.numpy()))
    for active in (SAMPLING, frozenset[str]()):
        got = neuron().activate(value, None, None, active)
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("reads", [1, 2, 8])
@pytest.mark.parametrize("memory", ["0 s", "10 ns", "100 ns"])
def test_readings_average_as_their_memory_allows(reads: int, memory: str) -> None:
    """Variance by all pairs of readings, written out with NumPy."""
    f = neuron(reads=reads, correlation_time=memory)
    value = torch.full((40_000, 1), 0.2, dtype=torch.float64)
    drawn = f.activate(value, None, stream(0, "n", "read"), SAMPLING).numpy()
    assert np.allclose(drawn * reads, np.round(drawn * reads), rtol=0, atol=1e-9)
    p = 1.0 / (1.0 + math.exp(-0.8))
    tau = float(memory.split()[0]) * (1e-9 if "ns" in memory else 1.0)
    kept = math.exp(-10e-9 / tau) if tau else 0.0
    places = np.arange(reads)
    variance = p * (1 - p) * (kept ** np.abs(places[:, None] - places)).mean()
    assert drawn.mean() == pytest.approx(p, abs=5 * math.sqrt(variance / drawn.size))
    # The fourth moment of numbers in [0, 1] is at most their variance.
    assert drawn.var() == pytest.approx(variance, abs=5 * math.sqrt(variance / drawn.size))
    closed = counting.telegraph_average_variance(torch.tensor(p), reads, kept)
    assert float(closed) == pytest.approx(variance, rel=1e-6, abs=0)


def test_readings_set_time_and_price() -> None:
    f = neuron(reads=8)
    assert f.delay_fs("activate") == 80_000_000
    assert f.cost("activate") == pytest.approx(8 * 8 * 20e-15, rel=1e-12, abs=0)
    assert f.static_power() == pytest.approx(8 * 2e-6, rel=1e-12, abs=0)


def test_the_gradient_of_samples_is_that_of_the_mean_by_finite_differences() -> None:
    f, n = neuron(), 200_000
    at = torch.full((n, 1), 0.1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        f.activate(at, None, stream(1, "n", "read"), SAMPLING).mean(), at
    )

    def mean(value: float, name: str) -> float:
        given = torch.full((n, 1), value, dtype=torch.float64)
        return float(f.activate(given, None, stream(1, name, "read"), SAMPLING).mean())

    slope = (mean(0.2, "a") - mean(0.0, "b")) / 0.2
    # Two means of n samples of variance 1/4, 0.2 apart; the third derivative adds 0.5 %.
    bound = 5 * math.sqrt(2 * 0.25 / n) / 0.2
    assert float(gradient.sum()) == pytest.approx(slope, abs=bound + 0.005)


def test_a_network_of_binary_neurons_learns_from_its_samples() -> None:
    """Classes by the sign of one input, learned and told by single samples of each neuron."""
    spec = load_spec({**load_spec("spintronic_mtj").to_tree(), "nonlinearity": GIVEN})
    net = ReLaXNet(inputs=8, hidden=16, outputs=2, weight_sets=2, steps=2)
    chip = Chip.nominal(spec, net)
    surrogate = Surrogate(net, chip, drawn=SAMPLING, seed=0)
    x = torch.rand((512, 8), generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = (x[:, 0] > 0).long()
    optimizer = torch.optim.Adam(surrogate.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(surrogate(x), y).backward()
        optimizer.step()
    share = float((surrogate(x).argmax(dim=1) == y).float().mean())
    assert share > 0.9
