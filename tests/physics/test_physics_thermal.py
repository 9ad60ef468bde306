"""Heat: power of shifters, crosstalk and its cancellation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.physics import photonic_mesh as mesh
from pnnsim.physics import photonic_thermal as thermal

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


def line(count: int) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float64)[:, None] * 25e-6


def test_slow_shifters_are_economical() -> None:
    # 25 nJ: 0.25 mW at 100 µs. Harris et al., Opt. Express 2014: 24.77 mW at 1.224 µs is 30 nJ.
    pi = torch.tensor(math.pi, dtype=torch.float64)
    assert thermal.shifter_power(pi, 25e-9, 100e-6).item() == pytest.approx(
        0.25e-3, rel=1e-6, abs=0
    )
    assert thermal.shifter_power(pi, 30e-9, 1.224e-6).item() == pytest.approx(
        24.77e-3, rel=0.02, abs=0
    )
    assert thermal.shifter_power(pi / 2, 25e-9, 50e-6).item() == pytest.approx(
        0.25e-3, rel=1e-6, abs=0
    )


def test_crosstalk_falls_exponentially_and_is_symmetric() -> None:
    k = thermal.crosstalk_matrix(line(5), 0.01, 25e-6, 50e-6)
    assert torch.equal(k, k.T)
    assert k.diagonal().tolist() == [1.0] * 5
    assert k[0, 1].item() == pytest.approx(0.01, rel=1e-6, abs=0)
    assert k[0, 3].item() == pytest.approx(0.01 * math.exp(-1.0), rel=1e-6, abs=0)


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
    torch.testing.assert_close(thermal.apply_crosstalk(commands, k), wanted, rtol=ROUNDING, atol=0)
    assert (commands.sum() < wanted.sum()).item()  # neighbors help


@pytest.mark.parametrize(("bits", "kelvin"), [(6, 20.8e-3), (7, 10.4e-3), (8, 5.2e-3), (9, 2.6e-3)])
def test_temperature_for_a_weight_precision(bits: int, kelvin: float) -> None:
    # 0.075 nm/K and a linewidth of 0.1 nm: 1.5 per kelvin; 2 / 2**b is one step of [-1, 1].
    assert thermal.weight_error(0.1e-9, 0.075e-9 * kelvin) == pytest.approx(
        2 / 2**bits, rel=2e-3, abs=0
    )


def test_crosstalk_gradient() -> None:
    k = thermal.crosstalk_matrix(line(3), 0.05, 25e-6, 50e-6)
    x = torch.rand(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: thermal.apply_crosstalk(v, k), (x,))
    assert torch.autograd.gradcheck(lambda v: thermal.cancel_crosstalk(v, k), (x,))


def test_heat_spreads_over_a_grid_as_the_matrix_of_all_pairs_says() -> None:
    """Independent oracle: every pair of a 5 x 4 grid, which the kernel's cut-off does not reach."""
    generator = torch.Generator().manual_seed(0)
    shift = torch.rand((5, 4), generator=generator, dtype=torch.float64)
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(4.0), indexing="ij")
    places = 25e-6 * torch.stack([rows.ravel(), columns.ravel()], dim=1).double()
    matrix = thermal.crosstalk_matrix(places, 0.02, 25e-6, 50e-6)
    whole = thermal.apply_crosstalk(shift.ravel(), matrix).reshape(5, 4)
    spread = thermal.spread_heat(shift, 25e-6, 0.02, 25e-6, 50e-6)
    np.testing.assert_allclose((shift + spread).numpy(), whole.numpy(), rtol=1e-12, atol=0)


def test_what_calibration_leaves_is_that_of_a_jacobi_iteration() -> None:
    wanted = torch.tensor([[1.0, 0.5], [0.2, 0.8]], dtype=torch.float64)
    kernel = {
        "pitch": 25e-6, "strength": 0.1, "reference_distance": 25e-6, "decay_length": 50e-6,
    }  # fmt: skip
    command = wanted
    for rounds in (1, 2, 3, 7):
        command = wanted
        for _ in range(rounds - 1):
            caused = command + thermal.spread_heat(command, **kernel)
            command = command + wanted - caused
        caused = command + thermal.spread_heat(command, **kernel)
        left = thermal.calibration_residue(wanted, rounds, **kernel)
        np.testing.assert_allclose(left.numpy(), (caused - wanted).numpy(), atol=1e-14, rtol=0)
