"""Phase-change banks keep what they are given, without power, and forget as their law says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active
from pnnsim.devices.weight_banks.pcm import PhaseChangeBank
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec

NONE: frozenset[str] = frozenset()


def chip(*overrides: tuple[str, str], **network: object) -> Chip:
    return Chip.nominal(load_spec("photonic_pcm", list(overrides)), ReLaXNet(**network))


def bank(**values: str) -> PhaseChangeBank:
    found = chip(*((f"weight_banks.{key}", value) for key, value in values.items())).weight_banks
    assert isinstance(found, PhaseChangeBank)
    return found


def on(*names: str) -> Active:
    return {f"weight_banks.{name}" for name in names}


def weights(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand((64, 64), generator=generator, dtype=torch.float64) - 1


def test_an_ideal_bank_holds_exactly_the_wanted_weights_at_any_age() -> None:
    b = bank(drift_exponent="0.05")
    for age in (0.0, 1.0, 1e6, math.inf):
        assert torch.equal(b.program(weights(), {}, NONE, age).weights, weights())


def test_two_cells_of_32_levels_give_63_weights() -> None:
    w = torch.linspace(-1, 1, 5001, dtype=torch.float64).unsqueeze(0)
    held = bank().program(w, {}, on("quantization"), math.inf).weights
    expected = np.round(w.numpy() * 31) / 31
    # Numbers halfway between two levels may go either way; there are none in this raster but for
    # rounding, and then the step is the whole error.
    assert len(torch.unique(held)) == 63
    assert np.abs(held.numpy() - expected).max() <= 1 / 31 + 1e-12
    assert float((held - w).abs().max()) <= 0.5 / 31 + 1e-12
    assert torch.equal(held, -held.flip(1))


def test_drift_is_that_of_published_electrical_cells_with_their_exponent() -> None:
    """Golden: exponent 0.049 from 20 s leaves 0.775, 0.664 and 0.497 after 1 h, 1 day and 1 year.

    Power law of Nandakumar et al., ICECS 2019, by hand.
    """
    b = bank(drift_exponent="0.049", write_time="1 ns", pulses="1")
    one = torch.ones((1, 1), dtype=torch.float64)
    left = [
        float(b.program(one, {}, on("drift"), age).weights)
        for age in (3600.0, 86400.0, 365.25 * 86400.0)
    ]
    assert left == pytest.approx([0.775, 0.664, 0.497], abs=5e-4)


def test_the_same_bank_read_later_differs_as_predicted() -> None:
    """A microsecond, a millisecond, a second and an hour after the end of its write."""
    b = bank(drift_exponent="0.005", drift_reference_time="1 us")
    written = b.delay_fs("write") / 1e15
    for after in (1e-6, 1e-3, 1.0, 3600.0):
        held = b.program(weights(), {}, on("drift"), written + after).weights
        expected = weights().numpy() * (after / 1e-6) ** -0.005
        np.testing.assert_allclose(held.numpy(), expected, rtol=1e-9, atol=0)


def test_nobody_asking_for_an_age_means_that_at_the_start() -> None:
    b = bank(drift_exponent="0.005", drift_reference_time="1 s", rest_time="1000 s")
    assert b.setup_wait() == 1000.0
    asked = b.program(weights(), {}, on("drift"), b.delay_fs("write") / 1e15 + 1000.0).weights
    unasked = b.program(weights(), {}, on("drift"), math.inf).weights
    np.testing.assert_allclose(asked.numpy(), unasked.numpy(), rtol=1e-12, atol=0)


def test_cells_relax_at_rates_of_their_own() -> None:
    b = bank(drift_exponent="0.05", drift_spread="0.01", drift_reference_time="1 s")
    state = b.fabricate(stream(0, "chip0", "fabrication"))
    age = b.delay_fs("write") / 1e15 + 100.0
    held = b.program(torch.ones((64, 64), dtype=torch.float64), state, on("drift"), age).weights
    exponents = -torch.log(held) / math.log(100.0)
    n = exponents.numel()
    # 5 sigma of a mean and of a standard deviation from n draws.
    assert float(exponents.mean()) == pytest.approx(0.05, abs=5 * 0.01 / math.sqrt(n))
    assert float(exponents.std()) == pytest.approx(0.01, rel=5 / math.sqrt(2 * n), abs=0)


def test_each_programming_misses_by_the_stated_spread() -> None:
    b = bank(programming_error="2 %")
    error = b.write_error(weights(), stream(0, "write", "write"), on("programming_error"))
    assert error is not None
    # 5 sigma of a standard deviation from 4096 draws.
    assert float(error.std()) == pytest.approx(0.02, rel=5 / math.sqrt(2 * 4096), abs=0)
    assert b.write_error(weights(), stream(0, "write", "write"), NONE) is None


def test_flicker_is_that_of_published_electrical_cells_with_their_strength() -> None:
    """Golden: 0.0088 and 250 ns give a deviation of 4.19 % after 1 h at full level.

    Formula of Nandakumar et al., ICECS 2019; 0.0088 sqrt(ln(3600 / 500e-9)) = 0.04192 by hand.
    """
    b = bank(read_noise="0.88 %")
    age = b.delay_fs("write") / 1e15 + 3600.0
    w = torch.tensor([[1.0, -1.0, 0.5, 0.0]], dtype=torch.float64)
    variance = b.read_variance(w, age, on("read_noise"))
    assert variance is not None
    expected = np.array([[0.04192, 0.04192, 0.02096, 0.0]])
    np.testing.assert_allclose(variance.sqrt().numpy(), expected, atol=5e-6, rtol=0)
    assert b.read_variance(w, age, NONE) is None


def test_writing_takes_rows_in_turn_and_costs_every_cell_its_pulses() -> None:
    b = bank()
    # 64 rows of 128 cells, ten pulses of 200 ns; 8192 cells times ten pulses of 100 pJ.
    assert b.delay_fs("write") == 64 * 10 * 200_000_000
    assert b.cost("write") == pytest.approx(8192 * 10 * 100e-12, rel=1e-12, abs=0)
    assert bank(parallel_cells="8192").delay_fs("write") == 10 * 200_000_000
    assert bank(parallel_cells="100").delay_fs("write") == 82 * 10 * 200_000_000


def test_weights_cost_no_power_however_many_banks_there_are() -> None:
    assert bank().static_power() == 0.0
    assert bank(count="12").static_power() == 0.0
    assert bank().area() == pytest.approx(2 * 8192 * 50e-6**2, rel=1e-12, abs=0)


def test_light_of_both_cells_reaches_the_detector() -> None:
    """Shot noise follows the light, and an opaque cell still passes some of it."""
    b = bank(insertion_loss="1 dB", extinction="6 dB")
    clear, opaque = 10**-0.1, 10**-0.7
    held = b.program(torch.tensor([[1.0, 0.0, -0.5]], dtype=torch.float64), {}, NONE, math.inf)
    assert held.light is not None
    expected = [clear + opaque, 2 * opaque, opaque + (clear + opaque) / 2]
    np.testing.assert_allclose(
        held.light.numpy()[0],
        np.array(expected) / (clear - opaque),
        rtol=1e-12,
        atol=0,
    )
    loss = 10**-0.42 / 128
    assert b.transmission == pytest.approx((clear - opaque) * loss, rel=1e-12, abs=0)


def test_reading_light_that_rewrites_is_a_warning_with_the_number() -> None:
    assert not any("read_power_limit" in text for text in chip().warnings())
    strong = chip(("weight_banks.read_power_limit", "1 uW")).warnings()
    # 1 mW less 1 dB in the modulator and 1 dB in the switch, over 128 cells.
    assert any("up to 4.93e-06 W of one line meets a cell" in text for text in strong)


def test_wear_is_a_warning_where_banks_are_rewritten_on_the_way() -> None:
    assert not any("worn out" in text for text in chip().warnings())
    warnings = chip(weight_sets=12, steps=12).warnings()
    worn = [text for text in warnings if "worn out" in text]
    assert len(worn) == 1
    # The best use of 2 banks in a cycle of 12 sets finds 1 in 11 already there (Belady): 120/11
    # writes an inference on 2 banks, so that 1e5 programmings of ten pulses last for 18,333.
    # Blocks differ by a write: 16 of them are right to a part in a hundred.
    inferences = float(worn[0].split("worn out after ")[1].split(" ")[0])
    assert inferences == pytest.approx(1e5 / (120 / 11 / 2), rel=0.01, abs=0)


def test_wear_counts_the_writes_of_a_machine_that_writes_ahead() -> None:
    # One of two banks always computes, so each of the twelve sets is written for every inference.
    ahead = ("control.prefetch", "true")
    worn = [text for text in chip(ahead, weight_sets=12, steps=12).warnings() if "worn" in text]
    inferences = float(worn[0].split("worn out after ")[1].split(" ")[0])
    assert inferences == pytest.approx(1e5 / (12 / 2), rel=0.01, abs=0)


def test_gradients_of_programming_match_finite_differences() -> None:
    b = bank(drift_exponent="0.05", drift_spread="0.01")
    generator = torch.Generator().manual_seed(2)
    w = (1.8 * torch.rand((3, 5), generator=generator, dtype=torch.float64) - 0.9).requires_grad_()
    state = {"relaxation": torch.randn((2, 3, 5), generator=generator, dtype=torch.float64)}
    assert torch.autograd.gradcheck(lambda x: b.program(x, state, on("drift"), 100.0).weights, w)
