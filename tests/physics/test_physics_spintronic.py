"""Magnetic junctions and the weights laid out on them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.physics import spintronic as spin
from pnnsim.physics import spintronic_encoding as encoding


def f64(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_tmr_of_a_polarization() -> None:
    # P = 0.75: 2 * 0.5625 / 0.4375 = 257 %.
    assert spin.tmr_from_polarization(0.75) == pytest.approx(2.57, abs=2e-3)
    assert spin.tmr_from_polarization(0.0) == 0.0


def test_tmr_halves_at_its_voltage_and_falls_with_heat() -> None:
    tmr = f64(1.2)
    assert torch.equal(spin.tmr_ratio(tmr), tmr)
    assert torch.equal(spin.tmr_ratio(tmr, half_voltage=0.5), tmr)  # at no voltage
    assert spin.tmr_ratio(tmr, 0.5, 0.5).item() == pytest.approx(0.6, rel=1e-6, abs=0)
    assert spin.tmr_ratio(tmr, -0.5, 0.5).item() == pytest.approx(0.6, rel=1e-6, abs=0)
    hot = spin.tmr_ratio(tmr, temperature=320.0, temperature_slope=-1.5e-3)
    assert hot.item() == pytest.approx(1.2 * 0.97, rel=1e-6, abs=0)


def test_junction_conductance_is_linear_between_its_ends() -> None:
    # 1 MOhm, 120 %: 1 µS and 0.4545 µS, mean 0.7273 µS.
    got = spin.junction_conductance(f64(1.0, 0.0, -1.0), 1e6, f64(1.2))
    assert got.tolist() == pytest.approx([1e-6, 1.6e-6 / 2.2, 1e-6 / 2.2], rel=1e-12, abs=0)


def test_lognormal_spread_has_the_stated_moments() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=400_000))
    values = spin.lognormal_spread(1e6, 0.3, noise)
    # 5 sigma: 0.24 % of the mean; about 1 % of a deviation with the kurtosis of this law.
    assert values.mean().item() == pytest.approx(1e6, rel=0.0024, abs=0)
    assert values.std().item() == pytest.approx(0.3e6, rel=0.015, abs=0)
    assert (values > 0).all()
    assert spin.lognormal_spread(2.0, 0.0, noise[:3]).tolist() == [2.0] * 3


def test_barrier_of_the_reference_disc() -> None:
    # K_i 1 mJ/m², M_s 1.2 MA/m, 1 nm, 50 nm, N_z - N_x 0.912: K_eff 1.75e5 J/m³, Delta 82.9.
    barrier = spin.energy_barrier(1e-3, 1.2e6, 1e-9, 50e-9, 0.912, 300.0)
    assert barrier == pytest.approx(82.9, abs=0.05)
    assert spin.energy_barrier(1e-3, 1.2e6, 1e-9, 100e-9, 0.912, 600.0) == pytest.approx(
        2 * barrier,
        rel=1e-6,
        abs=0,
    )


@pytest.mark.parametrize(
    ("overdrive", "pulse", "rate"), [(2, 10e-9, 2.6e-3), (2, 20e-9, 8.9e-8), (3, 10e-9, 1.2e-7)]
)
def test_write_error_golden_numbers(overdrive: float, pulse: float, rate: float) -> None:
    # Butler formula with the reduced time unit rounded to 1.95 ns; exact, it is 1.945 ns, and the
    # exponential turns that 0.3 % into up to 4 %.
    got = spin.write_error_rate(f64(pulse), overdrive, 60.0, 0.01, 0.292)
    assert got.item() == pytest.approx(rate, rel=0.05, abs=0)


def test_write_error_is_certain_without_a_pulse_and_falls_with_length_and_current() -> None:
    pulse = torch.linspace(0, 30e-9, 20, dtype=torch.float64)
    rates = spin.write_error_rate(pulse, 1.5, 60.0, 0.01, 0.292)
    assert rates[0].item() == pytest.approx(1.0, rel=1e-6, abs=0)
    assert (rates.diff() < 0).all()
    assert (spin.write_error_rate(pulse[5:], 2.5, 60.0, 0.01, 0.292) < rates[5:]).all()


def test_write_error_is_finite_just_above_the_critical_current() -> None:
    # (i-1) / (i e^{2 tau (i-1)} - 1) tends to 1 / (1 + 2 tau).
    rate = 0.01 * spin.GYROMAGNETIC_RATIO * 0.292 / 1.0001
    limit = 1 - math.exp(-(math.pi**2) / 4 * 2.0 / (1 + 2 * rate * 5e-9))
    got = spin.write_error_rate(f64(5e-9), 1 + 1e-9, 2.0, 0.01, 0.292)
    assert got.item() == pytest.approx(limit, rel=1e-6, abs=0)
    with pytest.raises(ValueError, match=r"overdrive, got 0.5; expected above 1 \(below"):
        spin.write_error_rate(f64(1e-9), 0.5, 60.0, 0.01, 0.292)


def test_oscillator_starts_at_threshold_without_poisoning_gradients() -> None:
    current = f64(0.0, 1.0, 2.0, 5.0).requires_grad_()
    amplitude = spin.oscillator_amplitude(current, 1.0)
    assert amplitude.tolist() == pytest.approx([0.0, 0.0, 1.0, 2.0], rel=1e-6, abs=0)
    amplitude.sum().backward()
    assert current.grad is not None
    assert current.grad.tolist() == pytest.approx([0.0, 0.0, 0.5, 0.25], rel=1e-6, abs=0)


def test_heat_smooths_the_threshold_of_an_oscillator() -> None:
    current = f64(0.0, 0.5, 1.0, 2.0, 5.0)
    amplitude = spin.thermal_oscillator_amplitude(current, 1.0, 1e-4)
    # The quadratic of the mean power, by NumPy's polynomial roots.
    expected = [math.sqrt(max(np.roots([1.0, 1.0 - i, -1e-4]))) for i in current.tolist()]
    assert amplitude.tolist() == pytest.approx(expected, rel=1e-9, abs=0)
    assert amplitude[2].item() == pytest.approx(1e-4**0.25, rel=1e-6, abs=0)
    cold = spin.thermal_oscillator_amplitude(current, 1.0, 1e-16)
    # At threshold itself heat always has the last word: its fourth root.
    sharp = spin.oscillator_amplitude(current, 1.0)
    assert cold.tolist() == pytest.approx(sharp.tolist(), abs=1.01e-4)
    assert torch.autograd.gradcheck(
        lambda i: spin.thermal_oscillator_amplitude(i, 1.0, 1e-2), current.requires_grad_()
    )


def test_an_oscillator_scatters_less_the_farther_it_is_above_threshold() -> None:
    deviation = spin.oscillator_deviation(f64(0.01, 1.0, 2.0), 1e-4)
    assert deviation.tolist() == pytest.approx([0.005, 0.005, 0.0025], rel=1e-6, abs=0)


def test_swing_of_a_junction_is_that_of_its_two_conductances() -> None:
    tmr = f64(0.5, 1.2, 3.0)
    low, high = (spin.junction_conductance(f64(m), 2e3, tmr) for m in (-1.0, 1.0))
    torch.testing.assert_close(spin.relative_swing(tmr), (high - low) * 2e3, rtol=1e-12, atol=0)


def test_p_bit_is_fair_without_current_and_odd_around_it() -> None:
    current = f64(-2.0, 0.0, 2.0)
    chance = spin.p_bit_probability(current, 1.5)
    expected = [(1 + math.tanh(i / 1.5)) / 2 for i in (-2.0, 0.0, 2.0)]
    assert chance.tolist() == pytest.approx(expected, rel=1e-6, abs=0)


def test_averaged_p_bit_variance_from_one_look_to_many() -> None:
    p = f64(0.3)
    short = spin.p_bit_average_variance(p, f64(1e-6), 1.0)
    assert short.item() == pytest.approx(0.21, rel=1e-5, abs=0)
    long = spin.p_bit_average_variance(p, f64(1e6), 1.0)
    assert long.item() == pytest.approx(0.21 * 2e-6, rel=1e-5, abs=0)


def test_averaged_p_bit_variance_matches_a_chain() -> None:
    # Integral of the autocovariance, numerically: (2/T²) int (T - s) p(1-p) e^{-s/tau} ds.
    s = np.linspace(0, 3.0, 200_001)
    integrand = (3.0 - s) * np.exp(-s / 0.7)
    integral = float(((integrand[1:] + integrand[:-1]) / 2 * np.diff(s)).sum())
    got = spin.p_bit_average_variance(f64(0.5), f64(3.0), 0.7).item()
    assert got == pytest.approx(2 / 9 * 0.25 * integral, rel=1e-8, abs=0)


# Layouts.

G_P, G_AP = 1e-6, 1e-6 / 2.2


def weight_of(states: torch.Tensor, swing: float, *, series: bool = False) -> torch.Tensor:
    devices = encoding.device_conductance(states, G_P, G_AP)
    return encoding.differential_weight(encoding.group_conductance(devices, series=series), swing)


def test_complementary_pair_holds_the_sign() -> None:
    states = encoding.complementary_states(f64(-0.4, 0.0, 0.9))
    assert states.shape == (3, 2, 1)
    assert weight_of(states, G_P - G_AP).tolist() == pytest.approx(
        [-1.0, 1.0, 1.0], rel=1e-6, abs=0
    )


@pytest.mark.parametrize("devices", [1, 2, 4, 8, 16])
def test_thermometer_has_uniform_levels(devices: int) -> None:
    levels = torch.linspace(-1, 1, 2 * devices + 1, dtype=torch.float64)
    states = encoding.thermometer_states(levels, devices)
    assert states.shape == (2 * devices + 1, 2, devices)
    got = weight_of(states, devices * (G_P - G_AP))
    torch.testing.assert_close(got, levels, atol=1e-14, rtol=0)


@pytest.mark.parametrize("bits", [1, 2, 3, 5])
def test_areas_of_powers_of_two_have_uniform_levels(bits: int) -> None:
    count = 2 ** (bits + 1) - 1
    levels = torch.linspace(-1, 1, count, dtype=torch.float64)
    states = encoding.area_states(levels, bits)
    areas = encoding.area_factors(bits)
    devices = encoding.device_conductance(states, G_P * areas, G_AP * areas)
    weight = encoding.differential_weight(
        encoding.group_conductance(devices), (2**bits - 1) * (G_P - G_AP)
    )
    torch.testing.assert_close(weight, levels, atol=1e-14, rtol=0)


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_series_string_takes_its_uneven_levels(devices: int) -> None:
    levels = encoding.series_levels(devices, 1.2)
    assert levels.numel() == devices + 1
    assert levels[0].item() == 0.0
    assert levels[-1].item() == 1.0
    signed = torch.cat([-levels.flip(0)[:-1], levels])
    states = encoding.series_states(signed, devices, 1.2)
    swing = (G_P - G_AP) / devices
    got = weight_of(states, swing, series=True)
    torch.testing.assert_close(got, signed, atol=1e-13, rtol=0)
    if devices > 1:
        assert (levels.diff().diff() > 0).all()


def test_layouts_round_to_the_nearest_level_and_clip() -> None:
    weight = f64(-3.0, -0.26, -0.24, 0.1, 0.6, 2.0)
    got = weight_of(encoding.thermometer_states(weight, 2), 2 * (G_P - G_AP))
    assert got.tolist() == pytest.approx([-1.0, -0.5, 0.0, 0.0, 0.5, 1.0], abs=1e-14)


def test_layouts_are_odd_in_the_weight() -> None:
    weight = torch.linspace(-1, 1, 41, dtype=torch.float64)
    for layout in (
        lambda w: encoding.thermometer_states(w, 3),
        lambda w: encoding.area_states(w, 3),
        lambda w: encoding.series_states(w, 3, 1.2),
    ):
        assert torch.equal(layout(-weight), layout(weight).flip(1))


def test_a_single_flipped_device_costs_one_level() -> None:
    states = encoding.thermometer_states(f64(1.0), 8)
    states[0, 0, 3] = 0.0
    assert weight_of(states, 8 * (G_P - G_AP)).item() == pytest.approx(1 - 1 / 8, rel=1e-6, abs=0)


def test_spread_of_devices_becomes_spread_of_weights() -> None:
    # sigma_w² = sigma² sum of squared conductances / swing²; 16 junctions at full weight. 5 sigma
    # of a deviation from 20000 draws: 2.5 %.
    noise = torch.from_numpy(np.random.default_rng(1).normal(size=(20_000, 2, 8)))
    states = encoding.thermometer_states(torch.ones(20_000, dtype=torch.float64), 8)
    parallel = G_P / spin.lognormal_spread(1.0, 0.05, noise)
    devices = encoding.device_conductance(states, parallel, parallel / 2.2)
    weight = encoding.differential_weight(encoding.group_conductance(devices), 8 * (G_P - G_AP))
    expected = 0.05 * math.sqrt(8 * (G_P**2 + G_AP**2)) / (8 * (G_P - G_AP))
    assert weight.std().item() == pytest.approx(expected, rel=0.03, abs=0)


def test_gradients_and_dtype() -> None:
    current = f64(-0.5, 0.8).requires_grad_()
    assert torch.autograd.gradcheck(lambda i: spin.p_bit_probability(i, 0.7), (current,))
    assert torch.autograd.gradcheck(
        lambda m: spin.junction_conductance(m, 2.0, f64(1.2)), (current,)
    )
    conductance = torch.rand(3, 2, 4, generator=torch.Generator().manual_seed(0)).double() + 0.5
    conductance.requires_grad_()
    for series in (False, True):
        assert torch.autograd.gradcheck(
            lambda g, s=series: encoding.differential_weight(
                encoding.group_conductance(g, series=s), 2.0
            ),
            (conductance,),
        )
    assert encoding.thermometer_states(torch.zeros(2), 3).dtype == torch.float32
