"""What training draws of drift has the size that the chip's drift has, and is drawn anew."""

from __future__ import annotations

import math

import pytest
import torch

from pnnsim.inference.chip import Chip
from pnnsim.inference.chip_sampler import ChipSampler
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec, load_spec

NETWORK = ReLaXNet(hidden=64, weight_sets=2, steps=2)


def weights(draws: ChipSampler, weight: torch.Tensor, bank: int = 0) -> torch.Tensor:
    banks, _ = draws.sample(weight)
    return banks.effective(bank, bank, math.inf).weights


@pytest.mark.parametrize("kelvin", [5e-3, 10e-3])
def test_temperature_moves_drawn_weights_as_it_moves_rings(kelvin: float) -> None:
    """At weight 0, |dw / dT| = 2 (dlambda / dT) / width, or 1.5 / K with a width of 0.1 nm.

    Temperature alone is drawn, so nothing else can stand in for it.
    """
    spec = load_spec("photonic_mrr", [("weight_banks.temperature_error", f"{kelvin} K")])
    chip = Chip.nominal(spec, NETWORK)
    drawn = frozenset({"weight_banks.temperature"})
    draws = ChipSampler(chip, frozenset(), drawn, seed=0, redraw=1)
    zero = torch.zeros((2, 64, 64), dtype=torch.float64)
    first = weights(draws, zero)
    # Logical 1 is 98 % of the 0.878 - 0.004 that a ring drops less what it passes on resonance.
    expected = 1.5 * kelvin / (0.98 * 0.8742)
    # 1 % for the slope of a ring with loss, and 5 sigma of 4096 draws.
    bound = 0.01 + 5 / math.sqrt(2 * 4096)
    assert float(first.std()) == pytest.approx(expected, rel=bound, abs=0)
    assert float(first.mean().abs()) < 5 * 1.5 * kelvin / 64
    again, other = weights(draws, zero), weights(draws, zero, bank=1)
    for one, two in ((first, again), (again, other)):
        together = torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1]
        assert float(together.abs()) < 5 / 64


def test_the_phases_of_a_drawn_mesh_drift_too() -> None:
    """Eight times the drift is eight times the error of weights, to first order."""
    misses = []
    for drift in ("0.5 mrad", "4 mrad"):
        spec = load_spec("photonic_mzi", [("weight_banks.drift", drift)])
        chip = Chip.nominal(spec, ReLaXNet(hidden=16, weight_sets=2, steps=2))
        drawn = frozenset({"weight_banks.drift"})
        draws = ChipSampler(chip, frozenset(), drawn, seed=0, redraw=1)
        generator = torch.Generator().manual_seed(0)
        weight = torch.rand((2, 16, 16), generator=generator, dtype=torch.float64) - 0.5
        misses.append(float((weights(draws, weight) - weight[0]).norm()))
    assert misses[1] / misses[0] == pytest.approx(8.0, rel=0.1, abs=0)


def test_training_draws_the_parts_around_the_banks_with_each_chip() -> None:
    """Offsets of amplifiers stay while a chip stays, and are drawn again with the next."""
    spec = load_spec("spintronic_mtj", [("detector.input_offset", "1 mV")])
    chip = Chip.nominal(spec, NETWORK)
    drawn = frozenset({"detector.input_offset"})
    draws = ChipSampler(chip, frozenset(), drawn, seed=0, redraw=2)
    weight = torch.zeros((2, 64, 64), dtype=torch.float64)
    found = [draws.sample(weight)[0].chip.detector.state["offset"] for _ in range(4)]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[2], found[3])
    assert not torch.equal(found[0], found[2])
    # 5 sigma of a deviation from 64 draws.
    assert float(found[0].std()) == pytest.approx(1e-3, rel=5 / math.sqrt(128), abs=0)


def counting_machine(exposure: str = "100 ns") -> HardwareSpec:
    """Return the free-space machine with a camera, which gets few photons in a short exposure."""
    camera = {
        "kind": "camera", "wavelength": "633 nm", "quantum_efficiency": "60 %",
        "exposure": exposure, "readout_time": "1 us", "full_well": "1e6", "bits": "16",
        "dark_current": "1 aA", "read_noise": "0", "pixel_energy": "50 pJ", "static_power": "3 W",
    }  # fmt: skip
    return load_spec({**load_spec("freespace_dmd").to_tree(), "detector": camera})


def test_training_learns_through_counted_photons() -> None:
    """The gradient of the mean count reaches every parameter, and is about that without noise."""
    net = ReLaXNet(inputs=16, hidden=16, outputs=4, weight_sets=2, steps=3)
    x = torch.rand((256, 16), generator=torch.Generator().manual_seed(1))
    found = []
    for drawn in ((), ("detector.shot_noise",)):
        surrogate = Surrogate(net, counting_machine(), drawn=drawn, seed=4)
        surrogate.train()
        surrogate(x).square().mean().backward()
        found.append({name: p.grad for name, p in surrogate.named_parameters()})
    for name, quiet in found[0].items():
        noisy = found[1][name]
        assert quiet is not None, name
        assert noisy is not None, name
        if bool(quiet.any()):
            alike = torch.nn.functional.cosine_similarity(quiet.flatten(), noisy.flatten(), dim=0)
            assert float(alike) > 0.5, name
