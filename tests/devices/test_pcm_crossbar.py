"""A crossbar of electrical phase-change cells errs, fades and flickers as published cells do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active
from pnnsim.devices.weight_banks.pcm_crossbar import PcmCrossbar
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import crossbar
from pnnsim.specs.hardware import load_spec

NONE: frozenset[str] = frozenset()
SIGNS = ("pair", "offset")


def bank(hidden: int = 64, **values: Any) -> PcmCrossbar:
    pairs = [(f"weight_banks.{key}", str(value)) for key, value in values.items()]
    found = Chip.nominal(load_spec("electronic_pcm", pairs), ReLaXNet(hidden=hidden)).weight_banks
    assert isinstance(found, PcmCrossbar)
    return found


def on(*names: str) -> Active:
    return {f"weight_banks.{name}" for name in names}


def weights(seed: int = 0, size: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand((size, size), generator=generator, dtype=torch.float64) - 1


def nandakumar(g: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of a programmed level: (0.26348 + 1.9650 g - 1.1731 g^2) / 25."""
    return (0.26348 + 1.9650 * g - 1.1731 * g**2) / 25.0


def mean_exponent(g: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.clip(0.0244 - 0.0155 * np.log(g), 0.049, 0.1)


def read(b: PcmCrossbar, target: torch.Tensor, after: float, *names: str, **state: Any) -> Any:
    """Return what a bank holds some time after the end of its write."""
    return b.program(target, state, on(*names), b.delay_fs("write") / 1e15 + after)


@pytest.mark.parametrize(("signs", "count"), [("pair", 33), ("offset", 17)])
def test_levels_of_cells_make_the_weights(signs: str, count: int) -> None:
    b = bank(signs=signs, levels=17)
    sweep = torch.linspace(-1.2, 1.2, 2401, dtype=torch.float64).reshape(7, 343)
    held = b.program(sweep, {}, on("quantization"), math.inf).weights
    np.testing.assert_allclose(held.unique().numpy(), np.linspace(-1, 1, count), atol=1e-12, rtol=0)
    assert torch.equal(b.program(weights(), {}, NONE, math.inf).weights, weights())


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_each_programming_misses_by_the_statistics_of_its_conductances(
    signs: str, level: float
) -> None:
    """Two cells a group, each drawn with NumPy: both groups of a pair, or one and a column."""
    b = bank(signs=signs, devices=2, statistics="nandakumar_2019", programming_scale=0.5)
    held = torch.full((64, 64), level, dtype=torch.float64)
    found = []
    for number in range(20):
        error = b.write_error(held, stream(number, "write", "write"), on("programming_error"))
        assert error is not None
        found.append(error.numpy())
    plus, minus, unit = (level, 0.0, 1.0) if signs == "pair" else ((1 + level) / 2, 0.5, 0.5)
    rng = np.random.default_rng(1)

    def drawn(g: float) -> NDArray[np.float64]:
        z = rng.normal(size=(1_000_000, 2))
        return np.maximum(g + 0.5 * nandakumar(np.float64(g)) * z, 0.0).mean(axis=1) - g

    wanted = (drawn(plus) - drawn(minus)) / unit
    # With an offset all outputs share 64 subtracting columns of two cells; a mean over 20 writes.
    shared = 20 * 64 if signs == "offset" else 20 * 4096
    bound = 5 / math.sqrt(shared)
    assert np.std(found) == pytest.approx(wanted.std(), rel=bound, abs=0)
    assert np.mean(found) == pytest.approx(wanted.mean(), abs=bound * wanted.std())
    assert b.write_error(held, stream(0, "write", "write"), NONE) is None


def test_the_error_of_joshi_is_that_of_his_fit() -> None:
    """27 s after programming: sigma = -0.00178767 G^2 + 0.07585724 G + 0.28638599 in uS."""
    b = bank(statistics="joshi_2020", devices=1)
    held = torch.full((64, 64), 0.6, dtype=torch.float64)
    error = b.write_error(held, stream(0, "write", "write"), on("programming_error"))
    assert error is not None

    def sigma(g: float) -> float:
        full = 25 * g
        return (-0.00178767 * full**2 + 0.07585724 * full + 0.28638599) / 25

    # The cell that rests at its lowest level misses it upwards only: half a normal number.
    lowest = sigma(0.0) * math.sqrt(0.5 - 0.5 / math.pi)
    expected = math.hypot(sigma(0.6), lowest)
    assert float(error.std()) == pytest.approx(expected, rel=5 / math.sqrt(2 * 4096), abs=0)


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("after", [0.0, 20.0, 3600.0, 86400.0])
def test_weights_fade_by_the_exponents_of_their_conductances(signs: str, after: float) -> None:
    b = bank(signs=signs, drift_compensation="false")
    found = read(b, weights(), after, "drift").weights
    w = weights().numpy()
    plus, minus = (
        (w.clip(min=0), (-w).clip(min=0)) if signs == "pair" else ((1 + w) / 2, 0.5 + 0 * w)
    )
    fold = max(after / 20.0, 1.0)
    left = [g * fold ** -mean_exponent(g) for g in (plus, minus)]
    expected = (left[0] - left[1]) * (1.0 if signs == "pair" else 2.0)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12, rtol=0)


def test_compensation_gives_back_what_all_outputs_have_lost() -> None:
    """Full cells all fade alike, and nothing of it is left; the signal is weaker all the same."""
    b = bank(drift_compensation="true")
    full = torch.ones((64, 64), dtype=torch.float64)
    held = read(b, full, 86400.0, "drift")
    np.testing.assert_allclose(held.weights.numpy(), 1.0, rtol=1e-9, atol=0)
    assert held.scale == pytest.approx((86400 / 20) ** -0.049, rel=1e-9, abs=0)
    mixed = read(b, weights(), 86400.0, "drift")
    spread = (mixed.weights - weights()).std()
    plain = read(bank(drift_compensation="false"), weights(), 86400.0, "drift")
    assert float(spread) < 0.3 * float((plain.weights - weights()).std())


def test_cells_of_a_group_fade_at_rates_of_their_own() -> None:
    b = bank(devices=2, drift_compensation="false")
    state = b.fabricate(stream(0, "chip0", "fabrication"))
    held = read(b, torch.ones((64, 64), dtype=torch.float64), 2e3, "drift", **state).weights
    each = 100.0 ** -(0.049 + 0.008 * state["fading"][:, :, 0].numpy())
    np.testing.assert_allclose(held.numpy(), each.mean(axis=-1), rtol=1e-9, atol=0)


@pytest.mark.parametrize("signs", SIGNS)
def test_reading_flickers_as_the_published_cells(signs: str) -> None:
    """min(0.0088 / g^0.65, 0.2) sqrt(ln((t + 250 ns) / 500 ns)) of each of two cells."""
    b = bank(signs=signs, devices=2)
    w = torch.tensor([[1.0, -1.0, 0.3, 0.0, -0.01]], dtype=torch.float64)
    variance = b.read_variance(w, b.delay_fs("write") / 1e15 + 3600.0, on("read_noise"))
    assert variance is not None
    g = w.numpy()
    groups = [g.clip(min=0), (-g).clip(min=0)] if signs == "pair" else [(1 + g) / 2, 0.5 + 0 * g]
    folds = math.log((3600 + 250e-9) / 500e-9)
    with np.errstate(divide="ignore"):
        each = [(np.minimum(0.0088 / x**0.65, 0.2) * x) ** 2 * folds / 2 for x in groups]
    expected = (each[0] + each[1]) * (1.0 if signs == "pair" else 4.0)
    np.testing.assert_allclose(variance.numpy(), expected, rtol=1e-9, atol=1e-15)
    assert b.read_variance(w, 1.0, NONE) is None


def test_wires_take_what_nodal_analysis_says() -> None:
    """Sixteen lines each way; every node of the resistor network solved by SciPy."""
    b = bank(16, rows=16, cols=16, row_resistance="20 ohm", column_resistance="30 ohm")
    w = weights(1, 16)
    held = b.program(w, {}, on("wire_resistance"), math.inf).weights
    low, high = 1 / 4e6, 1 / 40e3
    currents = []
    for sign in (1, -1):
        cells = low + (high - low) * (sign * w).clamp(min=0.0)
        admittance = crossbar.port_admittance(cells.T, 20.0, 30.0)
        currents.append(-admittance[:16, 16:].T)
    expected = (currents[0] - currents[1]) / (high - low)
    np.testing.assert_allclose(held.numpy(), expected.numpy(), atol=1e-9, rtol=0)
    assert float((held - w).abs().max()) > 0.01


@pytest.mark.parametrize("signs", SIGNS)
def test_logical_one_is_the_swing_of_a_group(signs: str) -> None:
    b = bank(signs=signs, devices=2)
    span = 2 * (25e-6 - 0.25e-6)
    wanted = span if signs == "pair" else span / 2
    assert b.transmission == pytest.approx(wanted, rel=1e-12, abs=0)


def test_writing_and_area_count_every_cell() -> None:
    pair, offset = bank(devices=2), bank(devices=2, signs="offset")
    p = pair.params
    assert pair.cost("write") == pytest.approx(
        64 * 64 * 4 * p.pulses * p.write_energy, rel=1e-12, abs=0
    )
    assert offset.cost("write") == pytest.approx(
        65 * 64 * 2 * p.pulses * p.write_energy, rel=1e-12, abs=0
    )
    turns = math.ceil(64 * 64 * 4 / p.parallel_cells)
    assert pair.delay_fs("write") == round(turns * p.pulses * p.write_time * 1e15)
    assert pair.area() == pytest.approx(p.count * 64 * 64 * 4 * p.cell_area, rel=1e-12, abs=0)


def test_thin_wires_are_a_warning_with_the_number() -> None:
    assert bank().warnings() == ()
    (text,) = bank(row_resistance="50 ohm", column_resistance="50 ohm").warnings()
    assert "of the current on the mean" in text


def test_cells_without_contrast_are_refused() -> None:
    with pytest.raises(SpecError, match="reset_resistance is 40000 ohm"):
        load_spec("electronic_pcm", [("weight_banks.reset_resistance", "40 kohm")])


@pytest.mark.parametrize("signs", SIGNS)
def test_training_reaches_the_targets_through_levels_wires_and_drift(signs: str) -> None:
    b = bank(signs=signs)
    at = weights().requires_grad_()
    active = on("quantization", "drift", "wire_resistance")
    (gradient,) = torch.autograd.grad(b.program(at, {}, active, math.inf).weights.sum(), at)
    np.testing.assert_allclose(gradient.numpy(), 1.0, atol=0, rtol=0)
