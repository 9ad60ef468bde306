"""ResNet-18 runs whole on banks that are rewritten on the way: 2,855 tiles on 64 banks.

    /usr/bin/time -v pytest -m long tests/simulation/test_resnet18.py

is how time and memory were measured.
"""

from __future__ import annotations

import pytest
import torch

import pnnsim
from tests.networks.torch_modules import ResNet18, settled

pytestmark = pytest.mark.long

#: Samples of a block share the programmings of the banks.
SETTINGS = [("weight_banks.count", "64"), ("control.block", "8"), ("memory.capacity", "8")]


def images(dtype: torch.dtype) -> torch.Tensor:
    return torch.rand((8, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_an_ideal_machine_gives_what_the_module_gives(dtype: torch.dtype, bound: float) -> None:
    module, x = settled(ResNet18()).to(dtype), images(dtype)
    spec = pnnsim.load_spec("photonic_mrr", SETTINGS)
    with torch.no_grad():
        expected = module(x)
        found = pnnsim.Surrogate(pnnsim.from_torch(module, x), spec, ideal=True)(x)
    assert float((found - expected).abs().max() / expected.abs().max()) < bound


def test_a_chip_runs_eight_samples() -> None:
    module, x = settled(ResNet18()).float(), images(torch.float32)
    spec = pnnsim.load_spec("photonic_mrr", SETTINGS)
    surrogate = pnnsim.Surrogate(pnnsim.from_torch(module, x), spec)
    assert surrogate.chip.mapping.matrices == 2855
    with torch.no_grad():
        y = module(x).argmax(dim=1)
    metrics = pnnsim.simulate(spec, surrogate.parameter_set(), x, y, chips=1).metrics
    # What stays in 63 banks from one block to the next is all that is not written.
    assert metrics["counts"]["weight_banks.write"] == 2855 - 64
    assert len(metrics["layers"]) == 22  # 20 convolutions, one linear layer, and what is outside
    assert metrics["accuracy"]["float"] == 1.0
    assert metrics["macs_per_inference"]["hidden"] == 37_523_456
