"""Masks, mirrors, sources and cameras: what they do to light, how long it takes, what it costs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import constants

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, Received
from pnnsim.devices.detectors.camera import Camera
from pnnsim.devices.detectors.camera_params import CameraParams
from pnnsim.devices.encoders.dmd_rows import MirrorEncoder
from pnnsim.devices.encoders.dmd_rows_params import DmdRowsParams
from pnnsim.devices.weight_banks.slm import MaskBank
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from tests.worked_values import WORKED

NONE: frozenset[str] = frozenset()


def chip(*overrides: tuple[str, str], **network: object) -> Chip:
    return Chip.nominal(
        load_spec("freespace_dmd", [*WORKED["freespace_dmd"], *overrides]), ReLaXNet(**network)
    )


def bank(**values: str) -> MaskBank:
    found = chip(*((f"weight_banks.{key}", value) for key, value in values.items())).weight_banks
    assert isinstance(found, MaskBank)
    return found


def masks(*names: str) -> Active:
    return {f"weight_banks.{name}" for name in names}


def weights(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand((64, 64), generator=generator, dtype=torch.float64) - 1


# masks


def test_ideal_masks_hold_exactly_the_wanted_weights() -> None:
    assert torch.equal(bank().program(weights(), {}, NONE, math.inf).weights, weights())


def test_masks_are_steps_stray_light_and_a_blur() -> None:
    """Written out with NumPy: 255 steps a mask, each neighbor gets a quarter of the leak."""
    w = weights()[:5, :7]
    held = bank(bits="8", contrast="20 dB", pixel_leak="4 %").program(
        w, {}, masks("quantization", "contrast", "pixel_leak"), math.inf
    )
    expected = []
    for sign in (1, -1):
        mask = np.floor(np.clip(sign * w.numpy(), 0, 1) * 255 + 0.5) / 255
        blurred = mask.copy()
        for i in range(5):
            for j in range(7):
                for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                    if 0 <= k < 5 and 0 <= m < 7:
                        blurred[i, j] += 0.01 * (mask[k, m] - mask[i, j])
        expected.append(0.01 + 0.99 * blurred)
    # A step where rounding meets a half to the last bit: none at these numbers.
    np.testing.assert_allclose(held.weights.numpy(), expected[0] - expected[1], atol=1e-12, rtol=0)
    assert held.light is not None
    np.testing.assert_allclose(held.light.numpy(), expected[0] + expected[1], atol=1e-12, rtol=0)


def test_pixels_differ_by_the_stated_spread_on_every_chip_alike() -> None:
    b = bank(pixel_spread="2 %")
    state = b.fabricate(stream(0, "chip0", "fabrication"))
    one = torch.ones((64, 64), dtype=torch.float64)
    held = b.program(one, state, masks("pixel_spread"), math.inf).weights
    # 5 sigma of a standard deviation from 4096 draws.
    assert float(held.std()) == pytest.approx(0.02, rel=5 / math.sqrt(2 * 4096), abs=0)
    assert torch.equal(b.program(one, {}, masks("pixel_spread"), math.inf).weights, one)


def test_a_frame_is_waited_for_and_leaves_half_a_step_of_the_old_mask() -> None:
    b = bank()
    assert b.delay_fs("write") == 16_700_000_000_000
    left = b.residue(torch.tensor([0.0, 16.7e-3]), masks("settling"))
    # The time constant is rounded to two digits.
    assert left.tolist() == pytest.approx([1.0, 2.0**-9], rel=0.1, abs=0)
    assert float(b.residue(torch.tensor([0.0]), NONE)) == 0.0


def test_banks_share_panels_and_their_power() -> None:
    assert [bank(count=str(n)).static_power() for n in (1, 2, 3, 5)] == [5.0, 5.0, 10.0, 15.0]


def test_light_is_split_over_rows_and_two_masks() -> None:
    assert bank().transmission == pytest.approx(10**-0.6 / 128, rel=1e-12, abs=0)


# mirrors that choose


@pytest.mark.parametrize(
    ("rows", "microseconds", "within"),
    # DLP7000: 30.72 us of loading is exact, the 12.5 us of settling are a difference of the
    # published 43.22 us, and those are quoted to 2 %.
    [(768, 43.22, 1e-12), (128, 17.62, 1e-12), (1, 12.54, 1e-12)],
)
def test_a_move_loads_rows_and_waits_for_the_mirrors(
    rows: int, microseconds: float, within: float
) -> None:
    switch = chip(("switch.rows", str(rows))).switch
    assert switch.delay_fs("route") / 1e9 == pytest.approx(microseconds, rel=within, abs=0)


def test_mirrors_leave_nothing_of_the_last_bank_but_are_not_quite_dark_when_off() -> None:
    switch = chip().switch
    dwell = torch.tensor([0.0, 1e-6, 1.0])
    assert float(switch.residue(dwell, {"switch.leakage"}).abs().max()) == 0.0
    assert switch.leakage({"switch.leakage"}) == pytest.approx(1e-3, rel=1e-12, abs=0)
    assert switch.leakage(NONE) == 0.0
    assert switch.transmission == pytest.approx(10**-0.17, rel=1e-12, abs=0)
    # An array reaches every bank at once, so neither depends on their number.
    many = chip(("weight_banks.count", "8"), weight_sets=8).switch
    assert (many.transmission, many.leakage({"switch.leakage"})) == (
        switch.transmission,
        switch.leakage({"switch.leakage"}),
    )


# sources


def test_sources_settle_like_one_pole_and_shine_all_the_time() -> None:
    """Worked machine `dmd_freespace`: 200 MHz settle to 8 bits in 4.964301 ns."""
    encoder = chip().encoder
    assert encoder.delay_fs("encode") / 1e6 == pytest.approx(4.964301, abs=1e-6)
    assert encoder.static_power() == pytest.approx(64 * 5e-3, rel=1e-12, abs=0)
    assert encoder.full_scale == pytest.approx(1e-4, rel=1e-12, abs=0)
    assert encoder.cost("convert") == pytest.approx(64 * 3.584e-12, rel=1e-12, abs=0)


def mirrors(**values: Any) -> MirrorEncoder:
    given = {
        "lines": 64, "mirrors_per_line": 4, "rows": 64, "clocks_per_row": 16, "clock": "400 MHz",
        "mirror_time": "12.5 us", "contrast": "20 dB", "insertion_loss": "1.7 dB",
        "pattern_energy": "10 pJ", "source_power": "0.1 mW", "source_efficiency": "20 %",
        "source_noise": "-140 dB/Hz", "static_power": "12 W",
    }  # fmt: skip
    params = DmdRowsParams.model_validate({"kind": "dmd_rows", **given, **values})
    return MirrorEncoder(params, chip().encoder.size)


def test_a_patch_of_mirrors_has_one_level_more_than_mirrors() -> None:
    state = torch.linspace(-0.2, 1.2, 141, dtype=torch.float64).unsqueeze(0)
    line = mirrors().encode(state, converted=False, active={"encoder.quantization"})
    assert line.unique().tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    binary = mirrors(mirrors_per_line=1).encode(
        state, converted=True, active={"encoder.quantization"}
    )
    assert torch.equal(binary, (state >= 0.5).double())


def test_a_patch_that_is_off_still_shines_a_little() -> None:
    state = torch.tensor([[0.0, 0.5, 1.0]], dtype=torch.float64)
    line = mirrors().encode(state, converted=True, active={"encoder.contrast"})
    assert line.tolist()[0] == pytest.approx([0.01, 0.505, 1.0], rel=1e-12, abs=0)
    assert torch.equal(mirrors().encode(state, converted=True, active=NONE), state)


def test_a_pattern_takes_loading_and_rest_and_costs_every_line() -> None:
    encoder = mirrors()
    assert encoder.delay_fs("convert") == 0
    assert encoder.delay_fs("encode") == 12_500_000_000 + 2_560_000_000
    assert encoder.cost("encode") == pytest.approx(64 * 10e-12, rel=1e-12, abs=0)
    assert encoder.static_power() == pytest.approx(12 + 64 * 0.5e-3, rel=1e-12, abs=0)
    assert encoder.full_scale == pytest.approx(1e-4 * 10**-0.17, rel=1e-12, abs=0)


# camera


def camera(**values: Any) -> Camera:
    given = {
        "wavelength": "633 nm", "quantum_efficiency": "60 %", "exposure": "1 us",
        "readout_time": "1 ms", "full_well": "1e6", "bits": 16, "dark_current": "0 A",
        "read_noise": "0", "pixel_energy": "50 pJ", "static_power": "3 W",
    }  # fmt: skip
    params = CameraParams.model_validate(
        {"kind": "camera", **given, **values}
        | {key: float(v) for key, v in {**given, **values}.items() if key in _PLAIN}
    )
    return Camera(params, chip().encoder.size)


_PLAIN = ("full_well", "read_noise")


def light(part: Camera, electrons: float, *, signal: float = 0.0, batch: int = 1) -> Received:
    """Return light that frees so many electrons for logical 1; both pixels share a total of 2."""
    photon = constants.h * constants.c / part.params.wavelength
    unit = electrons * photon / part.params.quantum_efficiency / part.params.exposure
    ones = torch.ones((batch, 64), dtype=torch.float64)
    return Received(signal * ones, 2.0 * ones, unit)


def test_few_photons_are_counted_one_by_one() -> None:
    """The bright pixel gets 1.25 electrons on the mean, the dark one 0.75: Poisson statistics."""
    part, batch = camera(), 400
    generator = stream(0, "detector", "read")
    counted = part.detect(
        light(part, 1.0, signal=0.5, batch=batch), generator, {"detector.shot_noise"}
    )
    # Whole electrons over a unit that is one electron to the last bit.
    np.testing.assert_allclose(counted.numpy(), np.round(counted.numpy()), atol=1e-12, rtol=0)
    n = counted.numel()
    # Difference of two Poisson numbers (Skellam): mean 0.5, variance 2, fourth cumulant 2. 5 sigma.
    assert float(counted.mean()) == pytest.approx(0.5, abs=5 * math.sqrt(2 / n))
    spread = math.sqrt((2 + 2 * 2**2) / n)
    assert float(counted.var()) == pytest.approx(2.0, abs=5 * spread)
    # Both pixels count the same with the chance exp(-(a + b)) I0(2 sqrt(a b)).
    none = (counted.abs() < 0.5).double().mean()
    skellam = math.exp(-2.0) * float(np.i0(2 * math.sqrt(1.25 * 0.75)))
    assert float(none) == pytest.approx(skellam, abs=5 * math.sqrt(skellam * (1 - skellam) / n))


@pytest.mark.parametrize(
    ("source", "values", "variance"),
    [
        ("shot_noise", {}, 2e4 / 1e8),
        # 1.602 fA for 1 us bring 0.01 electrons; 1.602 nA bring 1e4 to each pixel.
        ("shot_noise", {"dark_current": "1.602176634 nA", "full_well": "1e9"}, 4e4 / 1e8),
        ("read_noise", {"read_noise": "30"}, 2 * 900 / 1e8),
    ],
)
def test_noise_of_each_source_has_the_textbook_variance(
    source: str, values: dict[str, str], variance: float
) -> None:
    part = camera(**values)
    met = light(part, 1e4, batch=200)
    drawn = part.detect(met, stream(1, "detector", "read"), {f"detector.{source}"})
    # 5 sigma of a variance from n draws.
    assert float(drawn.var()) == pytest.approx(
        variance, rel=5 * math.sqrt(2 / drawn.numel()), abs=0
    )


def test_a_full_pixel_loses_the_rest() -> None:
    part = camera(full_well="12000")
    met = light(part, 1e4, signal=1.0)
    # 15,000 and 5,000 electrons; the first pixel keeps 12,000.
    assert float(part.detect(met, None, NONE)[0, 0]) == pytest.approx(1.0, rel=1e-12, abs=0)
    kept = part.detect(met, None, {"detector.full_well"})
    assert float(kept[0, 0]) == pytest.approx(0.7, rel=1e-12, abs=0)


def test_steps_are_those_of_a_full_pixel() -> None:
    part = camera(bits=4, full_well="15000")
    got = part.detect(light(part, 1e4, signal=0.24), None, {"detector.quantization"})
    # Pixels of 11,200 and 8,800 electrons in steps of 1,000.
    assert float(got[0, 0]) == pytest.approx(0.2, rel=1e-12, abs=0)


def test_exposure_and_readout_set_the_time_and_nothing_is_left_of_the_last_frame() -> None:
    part = camera()
    assert part.delay_fs("detect") == 1_001_000_000_000
    assert part.residue({"detector.full_well"}) == 0.0
    assert part.cost("detect") == pytest.approx(128 * 50e-12, rel=1e-12, abs=0)
    assert part.static_power() == 3.0


def test_too_much_light_is_a_warning_with_the_number() -> None:
    part = camera()
    photon = constants.h * constants.c / 633e-9
    unit = photon / 0.6 / 1e-6
    assert part.overload(1e3 * unit) == ()
    (text,) = part.overload(1e5 * unit)
    assert "3.2e+06 electrons in a pixel that holds 1e+06" in text


def test_gradients_pass_through_a_camera() -> None:
    part = camera(full_well="1e9")
    signal = torch.tensor([[0.3, -0.2]], dtype=torch.float64, requires_grad=True)

    def read(x: torch.Tensor) -> torch.Tensor:
        two = torch.full((1, 1), 2.0, dtype=torch.float64)
        return part.detect(Received(x, two, 1e-9), None, {"detector.full_well"})

    assert torch.autograd.gradcheck(read, signal)


def test_counting_passes_the_gradient_of_the_mean_count() -> None:
    """Finite differences of the mean of many exposures, one photoelectron for logical 1."""
    part, batch = camera(), 2000

    def mean(signal: float) -> float:
        met = light(part, 1.0, signal=signal, batch=batch)
        return float(
            part.detect(met, stream(3, "detector", "read"), {"detector.shot_noise"}).mean()
        )

    met = light(part, 1.0, signal=0.5, batch=batch)
    signal = met.signal.clone().requires_grad_(True)
    counted = part.detect(
        replace(met, signal=signal), stream(3, "detector", "read"), {"detector.shot_noise"}
    )
    (gradient,) = torch.autograd.grad(counted.mean(), signal)
    assert float(gradient.sum()) == pytest.approx(1.0, rel=1e-9, abs=0)
    # Two means of n draws of variance 2, 0.4 apart.
    bound = 5 * math.sqrt(2 * 2.0 / (64 * batch)) / 0.4
    assert (mean(0.7) - mean(0.3)) / 0.4 == pytest.approx(1.0, abs=bound)
