"""Optical and electronic activations, modulators and masks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.physics import electronic
from pnnsim.physics import photonic_activation as act
from pnnsim.physics import photonic_modulation as modulation

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


def field() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=20) + 1j * rng.normal(size=20))


def test_electro_optic_field_is_the_published_formula() -> None:
    z, g, bias, alpha = field(), 0.7, 0.4, 0.1
    half = g * np.abs(z.numpy()) ** 2 / 2 + bias / 2
    expected = 1j * math.sqrt(1 - alpha) * np.exp(-1j * half) * np.cos(half) * z.numpy()
    got = act.electro_optic_field(z, g, bias, alpha).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-14, rtol=0)


def test_electro_optic_field_and_power_agree() -> None:
    z = field()
    power = act.electro_optic_field(z, 0.7, 2.5, 0.1).abs() ** 2
    torch.testing.assert_close(
        power, act.electro_optic_power(z.abs() ** 2, 0.7, 2.5, 0.1), rtol=ROUNDING, atol=0
    )


def test_bias_of_pi_rectifies_and_bias_of_zero_clamps() -> None:
    power = torch.linspace(0, 1, 11, dtype=torch.float64)
    rectified = act.electro_optic_power(power, math.pi, math.pi, 0.1)
    assert (rectified.diff() > 0).all()
    assert rectified[1].item() < 0.01  # dark at low power
    assert rectified[-1].item() == pytest.approx(0.9, rel=1e-6, abs=0)
    clamped = act.electro_optic_power(power, math.pi, 0.0, 0.1)
    assert clamped[1].item() == pytest.approx(0.09, rel=0.03, abs=0)  # transparent at low power
    assert clamped[-1].item() == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize(
    ("v_pi", "transimpedance", "power"), [(10, 1e3, 100e-3), (1.5, 5e3, 3e-3), (0.5, 1e5, 50e-6)]
)
def test_power_for_a_phase_of_pi(v_pi: float, transimpedance: float, power: float) -> None:
    # V_pi / (alpha G R) with alpha = 0.1, R = 1 A/W: hand calculation.
    gain = act.electro_optic_gain(0.1, transimpedance, 1.0, v_pi)
    assert gain * power == pytest.approx(math.pi, rel=1e-12, abs=0)


def test_interferometer_and_modulator() -> None:
    volts = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    phase = act.modulator_phase(volts, 2.0)
    expected = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
    torch.testing.assert_close(act.interferometer_transmission(phase), expected, atol=1e-15, rtol=0)
    torch.testing.assert_close(
        act.modulator_phase(volts - 0.5, 2.0, 0.5), phase, rtol=ROUNDING, atol=0
    )


def test_absorber_bleaches_half_at_its_saturation_power() -> None:
    power = torch.tensor([0.0, 1e-3, 1e6], dtype=torch.float64)
    got = act.absorber_transmission(power, 0.6, 1e-3, 0.1).tolist()
    assert got == pytest.approx([0.3, 0.6, 0.9], abs=1e-8)


def test_optical_activations_never_amplify() -> None:
    power = torch.linspace(0, 10, 101, dtype=torch.float64)
    assert (act.electro_optic_power(power, 1.3, 0.7, 0.1) <= 0.9 * power).all()
    assert (act.absorber_transmission(power, 0.6, 1.0, 0.1) <= 0.9).all()


def test_activation_gradients() -> None:
    power = torch.tensor([0.2, 1.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: act.electro_optic_power(p, 1.3, 0.7, 0.1), (power,))
    assert torch.autograd.gradcheck(lambda p: act.absorber_transmission(p, 0.6, 1.0), (power,))
    z = field()[:3].requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: torch.view_as_real(act.electro_optic_field(x, 0.7, 0.4, 0.1)), (z,)
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("linear", [-1.0, -0.5, 0.0, 0.5, 1.0]),
        ("relu", [0.0, 0.0, 0.0, 0.5, 3.0]),
        ("clipped_relu", [0.0, 0.0, 0.0, 0.5, 1.0]),
        ("tanh", [math.tanh(v) for v in (-3, -0.5, 0, 0.5, 3)]),
        ("sigmoid", [1 / (1 + math.exp(-v)) for v in (-3, -0.5, 0, 0.5, 3)]),
    ],
)
def test_electronic_curves(shape: electronic.ActivationShape, expected: list[float]) -> None:
    x = torch.tensor([-3.0, -0.5, 0.0, 0.5, 3.0], dtype=torch.float64)
    assert electronic.activation(x, shape).tolist() == pytest.approx(expected, rel=1e-6, abs=0)


def test_an_unknown_curve_is_named() -> None:
    with pytest.raises(ValueError, match="shape, got gelu; expected linear, relu"):
        electronic.activation(torch.zeros(1), "gelu")  # type: ignore[arg-type]


def test_modulator_clips_and_keeps_a_floor() -> None:
    value = torch.tensor([-0.5, 0.0, 0.5, 1.0, 2.0], dtype=torch.float64)
    got = modulation.modulated_power(value, 0.001).tolist()
    assert got == pytest.approx([0.001, 0.001, 0.5005, 1.0, 1.0], rel=1e-6, abs=0)
    assert modulation.modulated_power(value, 0.0).tolist() == [0, 0, 0.5, 1, 1]


def test_two_masks_make_signed_weights() -> None:
    weight = torch.tensor([[-2.0, -0.3, 0.0, 0.7]], dtype=torch.float64)
    plus, minus = modulation.signed_masks(weight)
    assert ((plus >= 0) & (minus >= 0) & (plus * minus == 0)).all()
    torch.testing.assert_close(plus - minus, weight.clamp(-1, 1), rtol=ROUNDING, atol=0)


def test_blur_spreads_a_pixel_and_keeps_the_light() -> None:
    mask = torch.zeros(5, 5, dtype=torch.float64)
    mask[2, 2] = mask[0, 0] = 1.0
    blurred = modulation.blurred_mask(mask, 0.04)
    assert blurred[2, 2].item() == pytest.approx(0.96, rel=1e-6, abs=0)
    assert blurred[1, 2].item() == blurred[2, 3].item() == pytest.approx(0.01, rel=1e-6, abs=0)
    assert blurred[0, 0].item() == pytest.approx(
        0.98, rel=1e-6, abs=0
    )  # a corner has two neighbors
    assert blurred.sum().item() == pytest.approx(2.0, rel=1e-6, abs=0)
    assert torch.equal(modulation.blurred_mask(mask, 0.0), mask)


def test_blur_of_a_uniform_or_single_pixel_mask_is_nothing() -> None:
    for shape in ((3, 4), (1, 1), (2, 1, 6)):
        mask = torch.full(shape, 0.4, dtype=torch.float64)
        torch.testing.assert_close(modulation.blurred_mask(mask, 0.1), mask, rtol=ROUNDING, atol=0)


def test_equal_stray_light_cancels_in_the_difference() -> None:
    weight = torch.tensor([[0.4, -0.8]], dtype=torch.float64)
    plus, minus = modulation.signed_masks(weight)
    lit = [modulation.mask_transmission(m, 0.001, 0.0) for m in (plus, minus)]
    torch.testing.assert_close(lit[0] - lit[1], 0.999 * weight, rtol=ROUNDING, atol=0)
