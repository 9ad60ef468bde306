"""Selectors: depth, loss, leak."""

from __future__ import annotations

import math

import pytest
import torch

from pnnsim.physics import photonic_mesh as mesh
from pnnsim.physics import photonic_switch as switch

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


@pytest.mark.parametrize(
    ("banks", "depth"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (1000, 10)]
)
def test_tree_depth_is_the_logarithm_rounded_up(banks: int, depth: int) -> None:
    assert switch.tree_depth(banks) == depth == math.ceil(math.log2(banks))
    assert switch.tree_cells(banks) == banks - 1


def test_loss_of_a_tree_adds_in_decibels() -> None:
    cell = 10 ** (-1.0 / 10)
    assert 10 * math.log10(switch.tree_transmission(8, cell)) == pytest.approx(
        -3.0, rel=1e-6, abs=0
    )
    assert switch.tree_transmission(1, cell) == 1.0


def test_leak_is_linear_in_power_and_a_root_in_field() -> None:
    assert switch.tree_leak(2, 0.01) == pytest.approx(0.01, rel=1e-6, abs=0)
    assert switch.tree_leak(4, 0.01) == pytest.approx(0.02, rel=1e-6, abs=0)
    assert switch.tree_leak(1, 0.01) == 0.0
    assert switch.tree_leak(4, 0.9) == 1.0
    # 25 dB is 5.6 % of a field, 40 dB is 1 %.
    assert switch.tree_leak(2, 10**-2.5, coherent=True) == pytest.approx(0.056, abs=5e-4)
    assert switch.tree_leak(2, 1e-4, coherent=True) == pytest.approx(0.01, rel=1e-6, abs=0)


def test_selected_weights_without_leak_are_the_bank_and_with_full_leak_the_sum() -> None:
    banks = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(switch.selected_weights(banks, 1, 0.0), banks[1])
    torch.testing.assert_close(
        switch.selected_weights(banks, 1, 1.0), banks.sum(dim=0), rtol=ROUNDING, atol=0
    )


def test_selected_weights_are_linear_in_the_leak() -> None:
    banks = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    none, some, more = (switch.selected_weights(banks, 0, e, 0.5) for e in (0.0, 0.1, 0.2))
    torch.testing.assert_close(more - some, some - none, rtol=ROUNDING, atol=0)
    torch.testing.assert_close(some - none, 0.05 * (banks[1] + banks[2]), rtol=ROUNDING, atol=0)


def test_every_bank_may_leak_by_its_own_amount() -> None:
    banks = torch.eye(3, dtype=torch.float64)
    leak = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    assert switch.selected_weights(banks, 2, leak).tolist() == pytest.approx(
        [0.1, 0.2, 1.0], rel=1e-6, abs=0
    )


def test_mzi_switch_is_cross_at_zero_and_bar_at_pi() -> None:
    phase = torch.tensor([0.0, math.pi / 2, math.pi], dtype=torch.float64)
    bar, cross = switch.mzi_switch(phase)
    torch.testing.assert_close(
        bar, torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64), rtol=ROUNDING, atol=0
    )
    torch.testing.assert_close(bar + cross, torch.ones_like(bar), rtol=ROUNDING, atol=0)


def test_equal_coupler_errors_leak_in_cross_only() -> None:
    # 0.02 rad: sin²(0.04) = 1.6e-3, -28 dB; the bar state stays perfect.
    phase = torch.tensor([0.0, math.pi], dtype=torch.float64)
    bar, cross = switch.mzi_switch(phase, 0.02, 0.02)
    assert bar[0].item() == pytest.approx(math.sin(0.04) ** 2, rel=1e-12, abs=0)
    assert 10 * math.log10(bar[0].item()) == pytest.approx(-28, abs=0.05)
    assert cross[1].item() == pytest.approx(0.0, abs=1e-15)
    unequal = switch.mzi_switch(phase, 0.02, -0.01)
    assert unequal[0][0].item() > 1e-5
    assert unequal[1][1].item() > 1e-5


def test_mzi_switch_is_the_squared_mesh_cell() -> None:
    phase = torch.linspace(-4, 4, 33, dtype=torch.float64)
    power = mesh.mzi_matrix(phase, torch.zeros_like(phase), 0.11, -0.05).abs() ** 2
    bar, cross = switch.mzi_switch(phase, 0.11, -0.05)
    torch.testing.assert_close(bar, power[:, 0, 0], atol=1e-14, rtol=0)
    torch.testing.assert_close(cross, power[:, 1, 0], atol=1e-14, rtol=0)


def test_feedthrough_is_a_capacitive_divider() -> None:
    assert switch.capacitive_feedthrough(1e-15, 9e-15) == pytest.approx(0.1, rel=1e-6, abs=0)
    assert switch.capacitive_feedthrough(0.0, 1e-15) == 0.0


def test_gradients() -> None:
    phase = torch.tensor([0.3, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: switch.mzi_switch(p, 0.1, 0.2)[0], (phase,))
    banks = torch.randn(2, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda b: switch.selected_weights(b, 1, 0.2, 0.7), (banks.requires_grad_(),)
    )


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="selected, got 2; expected 0 to 1"):
        switch.selected_weights(torch.zeros(2, 1), 2, 0.0)
    with pytest.raises(ValueError, match="cell_leak, got 20"):
        switch.tree_leak(2, 20)
