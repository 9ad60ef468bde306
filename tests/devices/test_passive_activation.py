"""Activations that matter gives for free, and photodiodes that are read one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import constants

from pnnsim.common.rng import stream
from pnnsim.devices.base import Received
from pnnsim.devices.detectors.photodiode import Photodiode
from pnnsim.devices.nonlinearities.passive import SaturableAbsorber, SquareLaw
from pnnsim.devices.nonlinearities.passive_params import SaturableAbsorberParams
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from tests.testing.test_every_component import descriptions

NONE: frozenset[str] = frozenset()


def chip(*overrides: tuple[str, str]) -> Chip:
    return Chip.nominal(load_spec("freespace_dmd", list(overrides)), ReLaXNet())


def absorber(**values: Any) -> SaturableAbsorber:
    (base,) = descriptions("nonlinearity", "saturable_absorber")
    return SaturableAbsorber(base.model_copy(update=values), chip().nonlinearity.size)


def square() -> SquareLaw:
    (base,) = descriptions("nonlinearity", "square_law")
    return SquareLaw(base, chip().nonlinearity.size)  # type: ignore[arg-type]


def test_a_photodiode_squares_a_field_up_to_full_scale() -> None:
    x = torch.linspace(-2, 2, 41, dtype=torch.float64)
    got = square().activate(x, None, None, NONE)
    np.testing.assert_allclose(got.numpy(), np.clip(x.numpy(), -1, 1) ** 2, rtol=1e-15, atol=0)
    assert square().range == (0.0, 1.0)
    assert square().slope == pytest.approx(2.0, rel=1e-12, abs=0)
    # 5 GHz to 8 bits.
    assert square().delay_fs("activate") == 198_572


def test_strong_light_bleaches_an_absorber() -> None:
    """60 % that light of 10 uW halves, and 5 % that stays; full scale is 50 uW."""
    x = torch.tensor([[-1.0, 0.0, 0.2, 1.0, 3.0]], dtype=torch.float64)
    got = absorber().activate(x, None, None, NONE)
    expected = [0.0, 0.0, 0.2 * (0.95 - 0.3), 0.95 - 0.1, 0.95 - 0.1]
    np.testing.assert_allclose(got.numpy()[0], expected, rtol=1e-12, atol=0)
    assert absorber().range == (0.0, pytest.approx(0.85, rel=1e-12, abs=0))
    assert absorber().delay_fs("activate") == 1000
    assert absorber().static_power() == pytest.approx(64 * 50e-6 / 0.2, rel=1e-12, abs=0)


def test_an_absorber_that_takes_more_than_all_light_is_refused() -> None:
    with pytest.raises(ValueError, match=r"add to 1\.2; expected at most 1"):
        SaturableAbsorberParams.model_validate(
            {
                "kind": "saturable_absorber", "saturable_absorption": "90 %",
                "residual_absorption": "30 %", "saturation_power": "10 uW",
                "full_scale_power": "50 uW", "source_efficiency": "20 %",
                "response_time": "1 ps", "energy": "0 J",
            }
        )  # fmt: skip


@pytest.mark.parametrize("part", [absorber(), square()])
def test_gradients_of_activations_match_finite_differences(part: Any) -> None:
    x = torch.tensor([0.1, 0.4, 0.9, -0.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: part.activate(v, None, None, NONE), x)


# photodiodes


def photodiode(*overrides: tuple[str, str]) -> Photodiode:
    found = chip(*((f"detector.{key}", value) for key, value in overrides)).detector
    assert isinstance(found, Photodiode)
    return found


def met(signal: float, batch: int = 1) -> Received:
    ones = torch.ones((batch, 64), dtype=torch.float64)
    return Received(signal * ones, 20.0 * ones, 1e-6)


def test_unequal_amplifiers_let_a_part_of_all_light_through() -> None:
    part = photodiode(("gain_mismatch", "1 %"))
    got = part.detect(met(2.0), None, {"detector.gain_mismatch"})
    # 11 and 9 with gains of 1.005 and 0.995.
    assert float(got[0, 0]) == pytest.approx(11 * 1.005 - 9 * 0.995, rel=1e-12, abs=0)
    assert float(part.detect(met(2.0), None, NONE)[0, 0]) == pytest.approx(2.0, rel=1e-12, abs=0)


def test_each_photodiode_saturates_by_itself() -> None:
    got = photodiode(("saturation_power", "11 uW")).detect(met(2.0), None, {"detector.saturation"})
    assert float(got[0, 0]) == pytest.approx(11 / 2 - 9 / (1 + 9 / 11), rel=1e-12, abs=0)


@pytest.mark.parametrize("source", ["shot_noise", "amplifier_noise"])
def test_noise_of_each_source_has_the_textbook_variance(source: str) -> None:
    part = photodiode(("gain_mismatch", "20 %"))
    active = {f"detector.{source}", "detector.gain_mismatch"}
    light = met(0.0, batch=300)
    drawn = part.detect(light, stream(3, "detector", "read"), active) * 0.5e-6
    band = math.pi / 2 * 1e6
    variance = {
        "shot_noise": 2 * constants.e * (20 * 0.5e-6 + 2e-9) * band,
        "amplifier_noise": 2 * (0.1e-12) ** 2 * band,
    }[source]
    # 5 sigma of a variance from n draws.
    assert float(drawn.var()) == pytest.approx(
        variance, rel=5 * math.sqrt(2 / drawn.numel()), abs=0
    )


def test_an_output_has_two_amplifiers_that_settle_together() -> None:
    part = photodiode()
    assert part.static_power() == pytest.approx(2 * 64 * 0.5e-3, rel=1e-12, abs=0)
    # Worked machine `dmd_freespace`: 1 MHz settle to 8 bits in 992.860201 ns.
    assert part.delay_fs("detect") / 1e6 == pytest.approx(992.860201, abs=1e-6)
    assert part.residue({"detector.settling"}) == pytest.approx(2.0**-9, rel=1e-6, abs=0)
    assert part.residue(NONE) == 0.0
