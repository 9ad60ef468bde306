"""Build small machines and tasks for the tests of hardware in the loop."""

from __future__ import annotations

from functools import cache

import torch

from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.examples import Labelled
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec, load_spec

NETWORK = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=3)

#: A bank small enough that programming it takes no time in a test.
BANK = (("weight_banks.rows", "8"), ("weight_banks.cols", "8"))


@cache
def spec(*overrides: tuple[str, str]) -> HardwareSpec:
    return load_spec("photonic_mrr", [*BANK, *overrides])


def ideal(network: ReLaXNet = NETWORK, machine: HardwareSpec | None = None) -> SimulatedBackend:
    """Return a machine without any non-ideality."""
    machine = machine or spec()
    every = sorted(Chip.nominal(machine, network).non_idealities)
    return SimulatedBackend(machine, network, seed=3, without=every)


def exact_surrogate(network: ReLaXNet = NETWORK, machine: HardwareSpec | None = None) -> Surrogate:
    """Return a model without any non-ideality, in float64."""
    return Surrogate(network, machine or spec(), non_idealities=(), dtype=torch.float64)


def examples(samples: int = 12, network: ReLaXNet = NETWORK, seed: int = 0) -> Labelled:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((samples, network.inputs), generator=generator, dtype=torch.float64)
    return Labelled(x, torch.randint(network.outputs, (samples,), generator=generator))


def weights(network: ReLaXNet = NETWORK, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (network.weight_sets, network.hidden, network.hidden)
    return 2.0 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1.0


def written(backend: SimulatedBackend, seed: int = 1) -> SimulatedBackend:
    """Write random weights to every bank and set the electronics."""
    network = backend.network
    for number, weight in enumerate(weights(network, seed)):
        backend.write(number, weight)
    gain = torch.full((network.weight_sets,), 0.3, dtype=torch.float64)
    backend.electronics(gain, torch.zeros((network.weight_sets, network.hidden)))
    return backend


def drives(samples: int = 5, network: ReLaXNet = NETWORK) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.rand((samples, network.hidden), generator=generator, dtype=torch.float64)
