"""What software reaches beside a machine: exact arithmetic, and 8-bit products."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import pnnsim
from pnnsim.inference.predict import ideal_outputs
from pnnsim.simulation.software import software_outputs
from pnnsim.specs.hardware import load_spec


@pytest.mark.parametrize("name", ["photonic_mrr", "photonic_mzi", "spintronic_mtj"])
@pytest.mark.parametrize("injection", ["first", "every"])
def test_float_is_the_machine_without_any_non_ideality(name: str, injection: str) -> None:
    network = pnnsim.ReLaXNet(
        inputs=9, hidden=12, outputs=4, weight_sets=2, steps=5, injection=injection, residual=0.25
    )
    surrogate = pnnsim.Surrogate(network, load_spec(name), dtype=torch.float64)
    parameters = surrogate.parameter_set()
    x = torch.rand(30, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = software_outputs(surrogate.chip, parameters, x)
    exact = ideal_outputs(surrogate.chip, parameters, x)
    torch.testing.assert_close(found["float"], exact, rtol=0, atol=1e-12)
    off = (found["int8"] - exact).abs().max()
    assert 0 < off < 0.1 * exact.abs().max()


def test_a_module_in_float_is_the_module_and_batches_do_not_matter() -> None:
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4)).double()
    x = torch.rand(40, 1, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    network = pnnsim.from_torch(module, x[:2])
    surrogate = pnnsim.Surrogate(network, load_spec("photonic_mrr"))
    found = software_outputs(surrogate.chip, surrogate.parameter_set(), x)
    expected = module(x).detach()
    torch.testing.assert_close(found["float"], expected, rtol=1e-12, atol=1e-12)
    assert (found["int8"] - expected).abs().max() < 0.05 * expected.abs().max()


def test_a_stateful_network_has_no_such_figures() -> None:
    network = pnnsim.ReLaXNet(
        inputs=4, hidden=6, outputs=3, weight_sets=1, steps=2, injection="every", stateful=True
    )
    surrogate = pnnsim.Surrogate(network, load_spec("photonic_mrr"))
    assert software_outputs(surrogate.chip, surrogate.parameter_set(), torch.rand(4, 4)) == {}
