"""A bank of magnetic junctions holds the levels of its encoding, and errs as described."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import crossbar
from pnnsim.specs.hardware import load_spec
from tests.devices.mtj_banks import (
    ENCODINGS,
    G_AP,
    G_P,
    NONE,
    bank,
    fabricated,
    full,
    on,
    random_weights,
    seen,
)
from tests.worked_values import WORKED


def levels_by_enumeration(encoding: str, devices: int) -> np.ndarray:
    """List what the two groups can hold by going through all states of their junctions."""
    groups = []
    for states in product((0, 1), repeat=devices):
        g = np.where(np.array(states) == 1, G_P, G_AP)
        if encoding == "area":
            g = g * 2.0 ** np.arange(devices)
        groups.append(1 / (1 / g).sum() if encoding == "series" else g.sum())
    low, high = min(groups), max(groups)
    pairs = [(a, b) for a in groups for b in groups if encoding == "binary" or low in (a, b)]
    if encoding == "binary":
        pairs = [(high, low), (low, high)]
    return np.unique(np.round([(a - b) / (high - low) for a, b in pairs], 12))


@pytest.mark.parametrize(("encoding", "devices"), ENCODINGS)
def test_weights_are_the_nearest_levels_of_the_encoding(encoding: str, devices: int) -> None:
    b, weights = bank(encoding=encoding, devices=devices), random_weights()
    levels = levels_by_enumeration(encoding, devices)
    nearest = levels[np.abs(weights.numpy()[..., None] - levels).argmin(axis=-1)]
    held = seen(b, weights, {}, "quantization").numpy()
    np.testing.assert_allclose(held, nearest, rtol=0, atol=1e-11)  # levels rounded to 1e-12


@pytest.mark.parametrize(("encoding", "devices"), ENCODINGS)
def test_nominal_junctions_make_exactly_those_levels(encoding: str, devices: int) -> None:
    """The way over conductances and the way over levels are the same where nothing errs."""
    b, weights = bank(encoding=encoding, devices=devices, resistance_spread=0), random_weights()
    levels = seen(b, weights, {}, "quantization")
    junctions = seen(b, weights, fabricated(b), "quantization", "resistance_spread")
    np.testing.assert_allclose(junctions.numpy(), levels.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("encoding", "devices"), ENCODINGS)
def test_without_non_idealities_a_bank_holds_the_wanted_weights(
    encoding: str, devices: int
) -> None:
    b, weights = bank(encoding=encoding, devices=devices, resistance_spread=0), random_weights()
    assert torch.equal(seen(b, weights, fabricated(b)), weights)
    # Junctions turned by a share, the way to hold a weight without levels.
    turned = seen(b, weights, fabricated(b), "resistance_spread")
    np.testing.assert_allclose(turned.numpy(), weights.numpy(), rtol=0, atol=1e-12)


def test_gradient_passes_straight_through_inside_the_range() -> None:
    b = bank(4, rows=4, cols=4)
    weights = torch.tensor([[0.3, -2.0, 1.4, -0.9]] * 4, dtype=torch.float64, requires_grad=True)
    active = on("quantization", "wire_resistance", "resistance_spread")
    b.program(weights, fabricated(b), active, math.inf).weights.sum().backward()
    assert weights.grad is not None
    assert weights.grad[0].tolist() == [1.0, 0.0, 0.0, 1.0]


def test_conductances_and_power_by_hand() -> None:
    """8 x (1 - 1/2.2) uS a weight; 64 x 16 x 0.727273 uS on one amplifier."""
    b = bank()
    assert b.transmission == pytest.approx(8 * (G_P - G_AP), rel=1e-12, abs=0)
    assert b.conductance == pytest.approx(64 * 16 * 0.5 * (G_P + G_AP), rel=1e-12, abs=0)
    assert b.line_power(0.2) == pytest.approx(64 * b.conductance * 0.04 / 3, rel=1e-8, abs=0)
    area = bank(encoding="area", devices=3)
    assert area.transmission == pytest.approx(7 * (G_P - G_AP), rel=1e-12, abs=0)
    string = bank(encoding="series", devices=4)
    assert string.transmission == pytest.approx((G_P - G_AP) / 4, rel=1e-12, abs=0)
    assert b.static_power() == 0.0


def test_a_narrow_network_leaves_lines_undriven_but_loads_the_amplifiers() -> None:
    assert bank(16).conductance == bank().conductance
    assert bank(16).line_power(0.2) == pytest.approx(bank().line_power(0.2) / 4, rel=1e-12, abs=0)


def test_the_swing_shrinks_with_voltage_and_heat() -> None:
    """TMR 1.2 / (1 + 0.4^2) = 1.034483 at 0.2 V: swing 0.508475 over 0.545455."""
    line = torch.tensor([[0.0, 1.0, -1.0, 0.5]], dtype=torch.float64)
    b, active = bank(), on("voltage_dependence")
    ratio = 0.508475 / 0.545455
    got = b.respond(line, 0.2, active)
    assert got[0, :3].tolist() == pytest.approx([0.0, ratio, -ratio], rel=2e-6, abs=0)
    assert b.respond(line, 0.2, NONE) is line
    string = bank(encoding="series", devices=4).respond(line, 0.8, active)
    np.testing.assert_allclose(string.numpy(), got.numpy(), rtol=1e-12, atol=0)

    hot = Chip.nominal(
        load_spec(
            "spintronic_mtj", [*WORKED["spintronic_mtj"], ("environment.temperature", "400 K")]
        ),
        ReLaXNet(),
    ).weight_banks
    tmr = 1.2 * (1 - 0.15)
    assert hot.transmission == pytest.approx(8 * G_P * tmr / (1 + tmr), rel=1e-12, abs=0)


def test_one_response_of_a_line_stands_for_the_bias_of_every_junction() -> None:
    """Each of 65,536 unequal junctions at its own voltage, written out with NumPy.

    One factor for a line is exact for equal junctions; spread ones leave 0.4 % of the signal, where
    leaving the bias out would cost 4.7 %.
    """
    b = bank(resistance_spread="5 %", tmr_spread="5 %")
    weights, state = random_weights(64), fabricated(b)
    held = seen(b, weights, state, "quantization", "resistance_spread", "tmr_spread")
    line = random_weights(64)[:20]
    found = b.respond(line, 0.2, on("voltage_dependence")) @ held.T

    share = np.zeros((64, 64, 2, 8))
    for sign in (0, 1):
        parallel = np.round(8 * np.clip((1 - 2 * sign) * weights.numpy(), 0, 1))
        share[:, :, sign] = np.arange(8) < parallel[..., None]
    ohms, ratio = 1e6 * state["resistance"].numpy(), 1.2 * state["tmr"].numpy()
    wanted = np.zeros((20, 64))
    for sample, voltages in enumerate(0.2 * line.numpy()):
        biased = ratio / (1 + (voltages[None, :, None, None] / 0.5) ** 2)
        groups = (share / ohms + (1 - share) / (ohms * (1 + biased))).sum(axis=-1)
        wanted[sample] = (groups[..., 0] - groups[..., 1]) @ voltages / (8 * (G_P - G_AP) * 0.2)
    size = wanted.std()
    assert (found.numpy() - wanted).std() < 0.006 * size
    assert ((line @ held.T).numpy() - wanted).std() > 0.04 * size


def test_the_response_of_a_line_has_the_gradient_of_finite_differences() -> None:
    line = (random_weights(6) * 0.9).requires_grad_()
    b = bank()
    assert torch.autograd.gradcheck(lambda x: b.respond(x, 0.2, on("voltage_dependence")), line)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_spread_of_junctions_gives_the_spread_of_weights(weight: float) -> None:
    """Sum of independent junctions, 5 % each: 3.6 % of full scale at weights of 1, 2.1 % at 0."""
    b = bank(resistance_spread="5 %")
    parallel = 8 * weight
    variance = 0.05**2 * (parallel * G_P**2 + (16 - parallel) * G_AP**2) / b.transmission**2
    error = (
        seen(b, full(weight), fabricated(b), "quantization", "resistance_spread") - weight
    ).numpy()
    # 5 sigma of a standard deviation and of a mean.
    assert error.std() == pytest.approx(
        math.sqrt(variance), rel=5 / math.sqrt(2 * error.size), abs=0
    )
    assert abs(error.mean()) < 5 * math.sqrt(variance / error.size)


def test_spread_of_the_ratio_moves_anti_parallel_junctions_only() -> None:
    """First order: dG_AP = G_AP * TMR / (1 + TMR) * 5 %, in sixteen junctions at weight 0."""
    b = bank(tmr_spread="5 %")
    error = seen(b, full(0.0), fabricated(b), "quantization", "tmr_spread").numpy()
    expected = 4 * G_AP * 1.2 / 2.2 * 0.05 / b.transmission
    # 5 sigma of the draws, and half a percent for the second order.
    assert error.std() == pytest.approx(expected, rel=5 / math.sqrt(2 * error.size) + 5e-3, abs=0)


def test_stuck_junctions_are_as_many_as_described_and_cost_a_level_each() -> None:
    b = bank(stuck_fraction="3 %")
    state = fabricated(b)
    n = state["stuck"].numel()
    for side in (1.0, -1.0):
        count = int((state["stuck"] == side).sum())
        assert count == pytest.approx(0.015 * n, abs=5 * math.sqrt(0.015 * n))
    held = seen(b, full(0.0), state, "quantization", "stuck_junctions")
    up = (state["stuck"] == 1.0).to(torch.float64).sum(dim=-1)
    np.testing.assert_allclose(
        held.numpy(), ((up[..., 0] - up[..., 1]) / 8).numpy(), atol=1e-12, rtol=0
    )


def test_a_shorted_junction_outweighs_all_others() -> None:
    """50 uS through a broken barrier against 4.36 uS of weight 1."""
    b = bank(shorted_fraction="1 %")
    state = fabricated(b)
    shorted = state["shorted"]
    assert int(shorted.sum()) == pytest.approx(
        0.01 * shorted.numel(), abs=5 * math.sqrt(0.01 * shorted.numel())
    )
    held = seen(b, full(0.0), state, "quantization", "shorted_junctions")
    counts = shorted.sum(dim=-1)
    each = (1 / 20e3 - G_AP) / (8 * (G_P - G_AP))
    np.testing.assert_allclose(
        held.numpy(),
        (each * (counts[..., 0] - counts[..., 1])).numpy(),
        atol=1e-10,
        rtol=0,
    )


def test_wires_are_solved_tile_by_tile_with_inputs_on_the_driven_lines() -> None:
    """Two tiles down, three across, ternary cells: each polarity is an array of its own."""
    b = bank(
        5, encoding="ternary", devices=1, rows=3, cols=2, count=24,
        resistance="10 kohm", row_resistance="20 ohm", column_resistance="90 ohm",
    )  # fmt: skip
    weights = torch.sign(random_weights(5)) * (random_weights(5, 1).abs() > 0.3)
    expected = np.zeros((5, 5))
    for polarity in (1, -1):
        states = np.zeros((6, 6))
        states[:5, :5] = weights.numpy() == polarity
        cells = np.where(states == 1, 1e-4, 1e-4 / 2.2)
        for i, j in product(range(2), range(3)):
            tile = cells[3 * i : 3 * i + 3, 2 * j : 2 * j + 2]
            ports = crossbar.port_admittance(torch.from_numpy(tile.T.copy()), 20.0, 90.0)
            cells[3 * i : 3 * i + 3, 2 * j : 2 * j + 2] = -ports[:2, 2:].numpy().T
        expected += polarity * cells[:5, :5]
    expected /= 1e-4 * 1.2 / 2.2
    held = seen(b, weights, {}, "quantization", "wire_resistance").numpy()
    assert np.abs(expected - weights.numpy()).max() > 0.01
    np.testing.assert_allclose(held, expected, rtol=0, atol=1e-9)


def test_wires_of_strings_are_loaded_by_the_string() -> None:
    b = bank(
        3, encoding="series", devices=2, rows=3, cols=3, resistance="10 kohm",
        row_resistance="20 ohm", column_resistance="90 ohm",
    )  # fmt: skip
    weights = full(1.0, 3)
    plus = crossbar.port_admittance(full(0.5e-4, 3), 20.0, 90.0)[:3, 3:]
    minus = crossbar.port_admittance(full(0.5e-4 / 2.2, 3), 20.0, 90.0)[:3, 3:]
    expected = (minus - plus).T / (0.5e-4 * 1.2 / 2.2)
    held = seen(b, weights, {}, "quantization", "wire_resistance")
    np.testing.assert_allclose(held.numpy(), expected.numpy(), rtol=0, atol=1e-9)


def test_each_chip_and_each_matrix_is_solved_for_itself() -> None:
    b, active = bank(8, rows=8, cols=8), ("quantization", "wire_resistance", "resistance_spread")
    weights = random_weights(8)
    first, second = fabricated(b, 0), fabricated(b, 1)
    once = seen(b, weights, first, *active)
    assert not torch.equal(seen(b, weights, second, *active), once)
    assert not torch.equal(seen(b, -weights, first, *active), once)
    assert not torch.equal(seen(b, weights, first, *active[:2]), once)
    assert torch.equal(seen(b, weights, first, *active), once)


def test_traps_are_stationary_and_forget_at_their_rate() -> None:
    b = bank()
    generator = stream(0, "environment", "read")
    first = b.environment(None, 0.0, generator)
    later = b.environment(first, 0.25e-3, generator)
    a, c = first["full"].numpy(), later["full"].numpy()
    junctions = 64 * 64 * 16
    assert a.size == pytest.approx(0.05 * junctions, abs=5 * math.sqrt(0.05 * junctions))
    for full_now in (a, c):
        assert full_now.mean() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(a.size))
    # Filled and emptied at 1 kHz each: correlation exp(-2 * 1 kHz * 0.25 ms); 5 sigma.
    assert np.corrcoef(a, c)[0, 1] == pytest.approx(math.exp(-0.5), abs=5 / math.sqrt(a.size))
    assert b.correlation_time() == pytest.approx(0.5e-3, rel=1e-6, abs=0)


def test_a_full_trap_moves_its_junction_by_half_the_amplitude() -> None:
    b = bank(4, trap_amplitude="2 %")
    state = {
        "traps": torch.tensor([0, 16 * 4 + 8]),  # first of (0, 0, plus), first of (1, 0, minus)
        "full": torch.tensor([1.0, 0.0], dtype=torch.float64),
    }
    held = seen(b, full(1.0, 4), state, "quantization", "telegraph_noise")
    error = (held - 1.0).numpy()
    assert error[0, 0] == pytest.approx(0.01 * G_P / b.transmission, rel=1e-9, abs=0)
    assert error[1, 0] == pytest.approx(0.01 * G_AP / b.transmission, rel=1e-9, abs=0)
    assert np.abs(error).sum() == pytest.approx(
        abs(error[0, 0]) + abs(error[1, 0]), rel=1e-9, abs=0
    )
