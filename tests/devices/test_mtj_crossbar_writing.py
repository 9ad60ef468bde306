"""Banks of magnetic tunnel junctions: pulses that fail, states that fade, times of writing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.devices.weight_banks.junctions import Junctions
from pnnsim.devices.weight_banks.mtj_crossbar import MtjCrossbar
from pnnsim.errors import SpecError
from pnnsim.physics import spintronic
from tests.devices.mtj_banks import NONE, STT, bank, fabricated, full, on, stt_bank


def test_failed_pulses_are_as_frequent_as_described() -> None:
    b = bank(write_error_rate=0.02)
    held = full(0.0)
    error = b.write_error(held, stream(0, "w", "write"), on("write_errors"))
    assert error is not None
    # Weight 0: sixteen anti-parallel junctions, of which every other was parallel before.
    n = 64 * 64 * 16
    flips = float(error.abs().sum()) * 8
    # A few flips of both polarities of one weight cancel: 64 pairs each way are n * 0.01^2 * 8.
    assert flips == pytest.approx(0.01 * n, abs=5 * math.sqrt(0.01 * n) + 16 * n * 0.01**2)
    assert set(np.round(error.unique().numpy() * 8, 9)) <= {-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0}
    assert b.write_error(held, stream(0, "w", "write"), NONE) is None
    assert bank(write_error_rate=0).write_error(held, torch.Generator(), on("write_errors")) is None


def test_error_rate_of_a_spin_transfer_write_is_that_of_the_macrospin() -> None:
    """Butler et al., 2012: barrier 60, damping 0.01, 0.292 T, twice the critical current."""
    rate = 0.01 * 1.76085963e11 * 0.292 / 1.0001
    for pulse in (10e-9, 20e-9):
        exponent = math.pi**2 / 4 * 60 / (2 * math.exp(2 * rate * pulse) - 1)
        b = stt_bank(write_pulse=pulse)
        found = Junctions(b.params, b.size.temperature).write_error_rate
        assert found == pytest.approx(-math.expm1(-exponent), rel=1e-6, abs=0)


def test_weights_fade_as_junctions_forget() -> None:
    """Barrier 20 flips 2.06 times a second; 0.1 s leaves (1 - exp(-0.412)) / 2 = 16.9 % flipped."""
    b = bank(barrier=20, read_drive=0)
    state, active = fabricated(b), on("quantization", "retention")
    rate = math.exp(-20) / 1e-9
    for age in (1e-6, 1e-3, 0.1, 10.0):
        chance = 0.5 * -math.expm1(-2 * rate * age)
        held = b.program(full(1.0), state, active, age).weights
        # Every flip of either polarity takes 1/8 of the weight.
        flips = float((1.0 - held).sum()) * 8
        n = 64 * 64 * 16
        assert flips == pytest.approx(n * chance, abs=5 * math.sqrt(n * chance) + 1e-6)
    for age in (0.0, math.inf):
        unchanged = b.program(full(1.0), state, active, age).weights
        np.testing.assert_allclose(unchanged.numpy(), 1.0, rtol=1e-12, atol=0)


def test_reading_lowers_the_barrier() -> None:
    quiet, read = bank(barrier=25, read_drive=0), bank(barrier=25, read_drive=0.2)
    active = on("quantization", "retention")
    lost = [
        float((1.0 - b.program(full(1.0), fabricated(b), active, 0.1).weights).sum()) * 8
        for b in (quiet, read)
    ]
    rates = [math.exp(-25), math.exp(-20)]
    expected = [64 * 64 * 16 * 0.5 * -math.expm1(-2 * r * 1e9 * 0.1) for r in rates]
    for got, wanted in zip(lost, expected, strict=True):
        assert got == pytest.approx(wanted, abs=5 * math.sqrt(wanted))


def test_only_banks_that_forget_within_a_year_depend_on_their_age() -> None:
    """Barrier 60: 8.8e-18 /s a junction; barrier 40 forgets after 7.5 years."""
    assert not bank().ages
    assert bank(barrier=40).ages


def test_writing_takes_one_line_after_the_other() -> None:
    b = bank()
    assert b.delay_fs("write") == 64 * 10_000_000
    assert b.cost("write") == pytest.approx(64 * 64 * 16 * 0.1e-12, rel=1e-12, abs=0)
    assert b.setup_wait() == 0.0
    assert bank(128, rows=64, cols=64, count=8).cost("write") == pytest.approx(
        4 * 64 * 64 * 16 * 0.1e-12, rel=1e-12, abs=0
    )


def test_wires_settle_by_their_elmore_delay_where_no_time_is_given() -> None:
    b = bank(rows=32)
    timed = MtjCrossbar(b.params.model_copy(update={"settling_time": None}), b.size)
    elmore = 0.3e-15 * (2.12 * 32 * 33 / 2 + 6.36 * 64 * 65 / 2)
    assert timed.delay_fs("mvm") == round(elmore * math.log(2**7) * 1e15)


def test_wires_that_take_more_than_a_tenth_are_warned_of_with_the_number() -> None:
    """First order for 128 lines: 3.37 % at 1 MOhm, so 33.7 % at 100 kOhm."""
    assert bank().warnings() == ()
    (warning,) = bank(128, rows=128, cols=128, resistance="100 kohm").warnings()
    assert "1e+05 ohm" in warning
    assert "take 34% of the current" in warning
    assert bank(128, rows=128, cols=128).warnings() == ()


def test_writes_that_leave_junctions_wrong_are_warned_of() -> None:
    (warning,) = stt_bank().warnings()
    assert "leaves about 83 of the 65536 junctions" in warning  # 65536 * 2.53e-3 / 2


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"encoding": "binary"}, "8 devices for encoding 'binary'; expected at most 1"),
        ({"encoding": "area", "devices": "17"}, "17 devices for encoding 'area'"),
        (STT, "has write_error_rate and a macrospin"),
        ({"write_pulse": "20 ns"}, "write_pulse is longer than write_cycle"),
    ],
)
def test_contradictory_descriptions_are_refused(values: dict[str, str], text: str) -> None:
    with pytest.raises(SpecError, match=text):
        bank(**values)


@pytest.mark.parametrize("kelvin", [250.0, 300.0, 400.0])
def test_heat_lowers_the_stability_of_junctions(kelvin: float) -> None:
    """Barrier 40 at 300 K is 30 at 400 K: e^10 times as many flips, all else being the same."""
    b = bank(barrier=40, read_drive=0.1)
    found = Junctions(b.params, kelvin)
    stability = 40 * 300.0 / kelvin
    assert found.flip_rate == pytest.approx(math.exp(-0.9 * stability) / 1e-9, rel=1e-9, abs=0)
    cold, hot = stt_bank(barrier=60), stt_bank(barrier=60)
    rates = [Junctions(x.params, t).write_error_rate for x, t in ((cold, 300.0), (hot, kelvin))]
    factor = math.log1p(-rates[1]) / math.log1p(-rates[0])
    assert factor == pytest.approx(300.0 / kelvin, rel=1e-9, abs=0)


def test_the_stability_of_material_constants_falls_as_one_over_temperature() -> None:
    at = [spintronic.energy_barrier(1e-3, 1.2e6, 1e-9, 50e-9, 0.912, t) for t in (300.0, 400.0)]
    assert spintronic.thermal_stability(at[0], 400.0) == pytest.approx(at[1], rel=1e-12, abs=0)
