"""Heat: power of shifters, crosstalk and its cancellation."""

from __future__ import annotations

import math

import pytest
import torch

from pnnsim.physics import photonic_mesh as mesh
from pnnsim.physics import photonic_thermal as thermal


def line(count: int) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float64)[:, None] * 25e-6


def test_slow_shifters_are_economical() -> None:
    # 25 nJ: 0.25 mW at 100 µs. Harris et al., Opt. Express 2014: 24.77 mW at 1.224 µs is 30 nJ.
    pi = torch.tensor(math.pi, dtype=torch.float64)
    assert thermal.shifter_power(pi, 25e-9, 100e-6).item() == pytest.approx(0.25e-3)
    assert thermal.shifter_power(pi, 30e-9, 1.224e-6).item() == pytest.approx(24.77e-3, rel=0.02)
    assert thermal.shifter_power(pi / 2, 25e-9, 50e-6).item() == pytest.approx(0.25e-3)


def test_crosstalk_falls_exponentially_and_is_symmetric() -> None:
    k = thermal.crosstalk_matrix(line(5), 0.01, 25e-6, 50e-6)
    assert torch.equal(k, k.T)
    assert k.diagonal().tolist() == [1.0] * 5
    assert k[0, 1].item() == pytest.approx(0.01)
    assert k[0, 3].item() == pytest.approx(0.01 * math.exp(-1.0))


def test_no_crosstalk_is_the_identity() -> None:
    k = thermal.crosstalk_matrix(line(4), 0.0, 25e-6, 50e-6)
    assert torch.equal(k, torch.eye(4, dtype=torch.float64))


def test_element_i_feels_heater_j() -> None:
    k = torch.tensor([[1.0, 0.1], [0.0, 1.0]], dtype=torch.float64)
    got = thermal.apply_crosstalk(torch.tensor([[0.0, 1.0]], dtype=torch.float64), k)
    assert got.tolist() == [[0.1, 1.0]]


def test_cancelled_crosstalk_gives_the_wanted_shift() -> None:
    k = thermal.crosstalk_matrix(mesh.mesh_positions(6, 300e-6, 100e-6), 0.05, 100e-6, 200e-6)
    wanted = torch.rand(3, 15, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    commands = thermal.cancel_crosstalk(wanted, k)
    torch.testing.assert_close(thermal.apply_crosstalk(commands, k), wanted)
    assert (commands.sum() < wanted.sum()).item()  # neighbors help


@pytest.mark.parametrize(("bits", "kelvin"), [(6, 20.8e-3), (7, 10.4e-3), (8, 5.2e-3), (9, 2.6e-3)])
def test_temperature_for_a_weight_precision(bits: int, kelvin: float) -> None:
    # 0.075 nm/K and a linewidth of 0.1 nm: 1.5 per kelvin; 2 / 2**b is one step of [-1, 1].
    assert thermal.weight_error(0.1e-9, 0.075e-9 * kelvin) == pytest.approx(2 / 2**bits, rel=2e-3)


def test_crosstalk_gradient() -> None:
    k = thermal.crosstalk_matrix(line(3), 0.05, 25e-6, 50e-6)
    x = torch.rand(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: thermal.apply_crosstalk(v, k), (x,))
    assert torch.autograd.gradcheck(lambda v: thermal.cancel_crosstalk(v, k), (x,))
