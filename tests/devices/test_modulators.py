"""Curves of modulators: what drives make of light, what straightens them, and how dark they get."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize

from pnnsim.common.units import power_ratio
from pnnsim.devices.encoders.modulator import MachZehnderEncoder, ModulatorEncoder
from pnnsim.devices.encoders.modulator_params import MrmParams
from pnnsim.errors import SpecError
from pnnsim.physics import photonic_modulation as modulation
from pnnsim.specs.hardware import load_spec
from tests.devices.test_coherent_parts import size

CURVED = frozenset({"encoder.curvature"})
STEPPED = frozenset({"encoder.curvature", "encoder.quantization"})
DARK = frozenset({"encoder.extinction"})

DRIVES = torch.linspace(0.0, 1.0, 41, dtype=torch.float64)


def mzm(carrier: str, predistortion: str = "none", **changes: Any) -> MachZehnderEncoder:
    params = load_spec("photonic_mzi").encoder
    given = {"carrier": carrier, "predistortion": predistortion, **changes}
    return MachZehnderEncoder(params.model_copy(update=given), size(carrier=carrier))


def mrm(predistortion: str = "none", **changes: Any) -> ModulatorEncoder:
    params = load_spec("photonic_mrr").encoder
    assert isinstance(params, MrmParams)
    given = {"predistortion": predistortion, "swing": 3.0, **changes}
    return ModulatorEncoder(params.model_copy(update=given), size(carrier="power"))


def test_an_interferometer_is_two_arms_that_interfere() -> None:
    """Both arms written out: half of the field each, turned by plus and minus the phase."""
    phase = math.pi / 2 * DRIVES.numpy()
    arms = (np.exp(1j * phase) - np.exp(-1j * phase)) / 2j
    np.testing.assert_allclose(
        modulation.interferometer_field(DRIVES), arms.real, rtol=0, atol=1e-15
    )
    power = modulation.interferometer_power(DRIVES)
    np.testing.assert_allclose(power, np.abs(arms) ** 2, rtol=0, atol=1e-15)
    assert power[[0, 20, 40]].tolist() == pytest.approx([0.0, 0.5, 1.0], abs=1e-15)


@pytest.mark.parametrize("swing", [0.3, 3.0])
def test_a_ring_is_the_flank_of_a_lorentzian(swing: float) -> None:
    power = modulation.ring_power(DRIVES, swing).numpy()
    dip = 1 - 1 / (1 + (swing * DRIVES.numpy()) ** 2)
    np.testing.assert_allclose(power, dip / dip[-1], rtol=1e-12, atol=1e-15)
    # Small shifts: the bottom of the dip, a parabola.
    small = modulation.ring_power(DRIVES, 1e-3).numpy()
    np.testing.assert_allclose(small, DRIVES.numpy() ** 2, rtol=0, atol=1e-6)


def test_drives_are_the_inverses_of_curves() -> None:
    curves = {
        "field": (modulation.interferometer_field, modulation.interferometer_drive),
        "power": (modulation.interferometer_power, modulation.interferometer_power_drive),
        "ring": (
            lambda drive: modulation.ring_power(drive, 3.0),
            lambda power: modulation.ring_power_drive(power, 3.0),
        ),
    }
    for name, (curve, inverse) in curves.items():
        for light in (0.0, 0.2, 0.7, 1.0):
            at = torch.tensor(light, dtype=torch.float64)
            found = float(inverse(at))
            wanted = optimize.brentq(
                lambda drive, f=curve, x=light: float(f(torch.tensor(drive).double())) - x, 0.0, 1.0
            )
            assert found == pytest.approx(wanted, abs=1e-7), name
        inside = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(curve, inside)
        assert torch.autograd.gradcheck(inverse, inside)


@pytest.mark.parametrize("converted", [True, False])
def test_a_curve_that_nothing_straightens_bends_the_state(converted: bool) -> None:
    state = torch.tensor([[-1.5, -0.5, 0.0, 0.25, 0.5, 2.0]], dtype=torch.float64)

    def light(part: Any) -> list[float]:
        found = part.encode(state, converted=converted, active=CURVED)
        return [float(each) for each in found[0]]

    sine = [math.sin(math.pi / 2 * x) for x in (-1, -0.5, 0.0, 0.25, 0.5, 1.0)]
    assert light(mzm("field")) == pytest.approx(sine, abs=1e-12)
    squares = [max(x, 0.0) ** 2 for x in sine]
    assert light(mzm("power")) == pytest.approx(squares, abs=1e-12)
    ring = [10 / 9 * v**2 / (1 + v**2) for v in (0, 0, 0, 0.75, 1.5, 3.0)]
    assert light(mrm()) == pytest.approx(ring, abs=1e-12)
    # Off, or straightened by the driver, nothing bends.
    plain = mzm("field").encode(state, converted=converted, active=frozenset())
    driven = mzm("field", "driver").encode(state, converted=converted, active=CURVED)
    assert torch.equal(plain, state.clamp(-1.0, 1.0))
    assert torch.equal(driven, plain)


def test_a_table_straightens_all_but_the_steps_of_its_converter() -> None:
    state = torch.linspace(-1.0, 1.0, 4001, dtype=torch.float64).unsqueeze(0)
    off = {}
    for bits in (6, 8):
        part = mzm("field", "digital", bits=bits)
        off[bits] = (part.encode(state, converted=True, active=STEPPED) - state).abs()
        exact = part.encode(state, converted=True, active=CURVED)
        torch.testing.assert_close(exact, state, rtol=0, atol=1e-12)
        # Half a step of voltage, times the steepest slope pi / 2 of the curve.
        assert float(off[bits].max()) == pytest.approx(math.pi / 2 / (2**bits - 2), rel=0.05, abs=0)
    assert float(off[6].max() / off[8].max()) == pytest.approx(254 / 62, rel=0.05, abs=0)
    # Near full scale, where the curve is flat, its steps are finer than even ones.
    assert float(off[8][0, -20:].max()) < 0.2 / 2**8


def test_a_state_that_stays_analog_passes_no_table() -> None:
    state = torch.tensor([[0.5]], dtype=torch.float64)
    bent = mrm("digital").encode(state, converted=False, active=CURVED)
    straight = mrm("digital").encode(state, converted=True, active=CURVED)
    assert float(bent) == pytest.approx(10 / 9 * 1.5**2 / (1 + 1.5**2), rel=1e-12, abs=0)
    assert float(straight) == pytest.approx(0.5, rel=1e-12, abs=0)


@pytest.mark.parametrize("decibels", [10.0, 25.0])
def test_a_dark_line_still_shines_by_the_extinction(decibels: float) -> None:
    state = torch.tensor([[0.0, 0.4, 1.0]], dtype=torch.float64)
    floor = 10 ** (-decibels / 10)
    expected = [floor, floor + (1 - floor) * 0.4, 1.0]
    for part in (mrm("driver", extinction=decibels), mzm("power", "driver", extinction=decibels)):
        line = part.encode(state, converted=False, active=DARK)
        assert line[0].tolist() == pytest.approx(expected, rel=1e-12, abs=0)
        off = part.encode(state, converted=False, active=frozenset())
        assert torch.equal(off, state)
    # A field's is in quadrature; a perfect modulator has none.
    field = mzm("field", "driver", extinction=decibels)
    assert torch.equal(field.encode(state, converted=False, active=DARK), state)
    perfect = mrm("driver", extinction=None)
    assert torch.equal(perfect.encode(state, converted=False, active=DARK), state)
    assert power_ratio(-decibels) == pytest.approx(floor, rel=1e-12, abs=0)


@pytest.mark.parametrize("predistortion", ["driver", "digital", "none"])
def test_gradients_pass_through_curves_and_tables(predistortion: str) -> None:
    state = torch.tensor([[-1.0, -0.3, 0.0, 0.6, 1.0]], dtype=torch.float64, requires_grad=True)
    for part in (mzm("field", predistortion), mzm("power", predistortion), mrm(predistortion)):
        active = STEPPED | DARK
        line = part.encode(state, converted=True, active=active)
        (gradient,) = torch.autograd.grad(line.sum(), state)
        assert bool(torch.isfinite(gradient).all())
        assert float(gradient[0, 3]) > 0.2
        if predistortion == "digital" and part.params.kind == "mzm":
            assert float(gradient[0, 3]) == pytest.approx(1.0, abs=0.01)


def test_a_bent_ring_without_its_swing_is_refused() -> None:
    with pytest.raises(SpecError, match="does not straighten, without a swing; expected one"):
        load_spec("photonic_mrr", [("encoder.predistortion", "digital")])
