"""Photocurrents and their noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import constants
from scipy.integrate import quad

from pnnsim.physics import photonic_detection as det

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12


def f64(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_noise_golden_numbers() -> None:
    # Hand calculation at 1 GHz: 1 µW at 1 A/W; 50 Ohm at 300 K; 6.4 pA/√Hz; 1 pF.
    assert math.sqrt(det.shot_variance(1e-6, 1e9)) == pytest.approx(17.90e-9, abs=5e-12)
    assert math.sqrt(det.johnson_variance(1 / 50, 1e9, 300)) == pytest.approx(575.6e-9, abs=5e-11)
    assert math.sqrt(det.amplifier_variance(6.4e-12, 1e9)) == pytest.approx(202.4e-9, abs=5e-11)
    assert math.sqrt(det.sampling_variance(1e-12, 300)) == pytest.approx(64.36e-6, abs=5e-9)
    # 402 electrons on 1 pF.
    electrons = math.sqrt(det.sampling_variance(1e-12, 300)) * 1e-12 / constants.e
    assert electrons == pytest.approx(402, abs=0.5)


def test_column_noise_of_a_crossbar() -> None:
    # 1.489 mS, single pole at 100 MHz: 62.3 nA; 5 pA/√Hz: 62.7 nA.
    bandwidth = det.single_pole_noise_bandwidth(100e6)
    assert math.sqrt(det.johnson_variance(1.489e-3, bandwidth, 300)) == pytest.approx(
        62.3e-9, abs=1e-10
    )
    assert math.sqrt(det.amplifier_variance(5e-12, bandwidth)) == pytest.approx(62.7e-9, abs=1e-10)


def test_single_pole_noise_bandwidth_is_the_integral_of_the_response() -> None:
    integral, _ = quad(lambda f: 1 / (1 + f**2), 0, math.inf)
    assert det.single_pole_noise_bandwidth(1.0) == pytest.approx(integral, rel=1e-9, abs=0)


def test_responsivity_and_photon_energy_at_1550_nm() -> None:
    assert det.quantum_responsivity(1.0, 1.55e-6) == pytest.approx(1.25, abs=1e-3)
    assert det.photon_energy(1.55e-6) == pytest.approx(1.2816e-19, abs=1e-23)


def test_shot_noise_is_poisson_counting() -> None:
    # Counts in 1 ns at 3000 electrons; relative 5 sigma of a variance is 5 sqrt(2 / n) = 1.6 %.
    time, mean, draws = 1e-9, 3000.0, 200_000
    counts = np.random.default_rng(0).poisson(mean, draws)
    current = constants.e * mean / time
    variance = det.shot_variance(current, det.integrator_noise_bandwidth(time))
    assert np.var(counts * constants.e / time) == pytest.approx(variance, rel=0.016, abs=0)
    assert variance == pytest.approx(constants.e**2 * mean / time**2, rel=1e-12, abs=0)


def test_averaging_m_samples_cuts_the_deviation_by_the_square_root() -> None:
    one = det.shot_variance(1e-6, det.integrator_noise_bandwidth(1e-9))
    sixteen = det.shot_variance(1e-6, det.integrator_noise_bandwidth(16e-9))
    assert math.sqrt(one / sixteen) == pytest.approx(4.0, rel=1e-6, abs=0)


def shot_limited_bits(photons: float) -> float:
    """Return the bits of a full scale whose only noise is that of counting its photons."""
    return 0.5 * math.log2(photons / 12.0)


def beat_variance(
    power: torch.Tensor,
    responsivity: float,
    inversion: float,
    frequency: float,
    gain: float,
    bandwidth: float,
) -> torch.Tensor:
    """Return 4 R^2 P n_sp h nu (G - 1) B (Olsson, J. Lightwave Technol. 7, 1071, 1989)."""
    spontaneous = inversion * constants.h * frequency * (gain - 1.0)
    return 4.0 * responsivity**2 * power * spontaneous * bandwidth


def one_laser(current: torch.Tensor, density: float, bandwidth: float) -> torch.Tensor:
    """Return RIN * I^2 * B, written out."""
    return density * current**2 * bandwidth


def test_the_power_of_a_laser_is_off_by_its_noise_in_the_band() -> None:
    draws = torch.randn(200_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    power = det.relative_intensity(draws, 1e-14, 2e9)
    # 5 sigma of a mean and of a variance.
    deviation = math.sqrt(1e-14 * 2e9)
    bound = 5 / math.sqrt(len(draws))
    assert float(power.mean()) == pytest.approx(1.0, abs=bound * deviation)
    assert float(power.var()) == pytest.approx(deviation**2, rel=bound * math.sqrt(2), abs=0)
    assert torch.equal(det.relative_intensity(draws, 0.0, 2e9), torch.ones_like(draws))
    # Four times the band: twice as far off.
    wide = det.relative_intensity(draws, 1e-14, 8e9)
    torch.testing.assert_close(wide - 1.0, 2.0 * (power - 1.0), rtol=1e-9, atol=1e-15)


def test_however_noisy_a_laser_its_power_is_not_negative() -> None:
    power = det.relative_intensity(f64(-3.0, -1.0, 2.0), 1e-9, 1e10)
    assert power.tolist() == pytest.approx(
        [0.0, 0.0, 1.0 + 2.0 * math.sqrt(10.0)], rel=ROUNDING, abs=0
    )


def test_what_a_pair_rejects_is_a_ratio_of_powers() -> None:
    assert det.common_mode_gain(1000.0) ** 2 == pytest.approx(1e-3, rel=ROUNDING, abs=0)
    assert det.common_mode_gain(math.inf) == 0.0
    # The leak of what both see, as unequal photodiodes make it: (1 + m) a - (1 - m) b.
    gain = det.common_mode_gain(400.0)
    plus, minus = f64(2.0), f64(0.5)
    unequal = det.unequal_difference(plus, minus, 2.0 * gain)
    torch.testing.assert_close(unequal, plus - minus + gain * (plus + minus), rtol=1e-12, atol=0)


def test_the_noise_bandwidth_is_that_of_a_filter_that_passes_as_much_white_noise() -> None:
    pole, _ = quad(lambda f: 1.0 / (1.0 + (f / 3.0) ** 2), 0.0, math.inf)
    assert det.single_pole_noise_bandwidth(3.0) == pytest.approx(pole, rel=1e-9, abs=0)
    # 36 % of what a single pole passes lies beyond its 3 dB bandwidth as a sharp filter would end.
    assert 1.0 - 3.0 / pole == pytest.approx(0.363, abs=1e-3)
    average, _ = quad(lambda f: np.sinc(f * 0.2) ** 2, 0.0, 500.0, limit=2000)
    assert det.integrator_noise_bandwidth(0.2) == pytest.approx(average, rel=2e-3, abs=0)


def test_signal_to_noise_slopes() -> None:
    # dB of electrical signal-to-noise for a dB of optical power: 2 thermal, 1 shot, 0 intensity.
    power = f64(1e-6, 1e-5)
    noises = {
        2: det.johnson_variance(f64(1 / 50), 1e9, 300.0).expand(2),
        1: det.shot_variance(power, 1e9),
        0: one_laser(power, 1e-15, 1e9),
    }
    for slope, variance in noises.items():
        snr = torch.log10(power**2 / variance)
        assert (snr[1] - snr[0]).item() == pytest.approx(slope, abs=1e-12)


def test_no_detector_beats_the_shot_limit() -> None:
    photons, time = 49_152.0, 1e-9
    assert shot_limited_bits(photons) == pytest.approx(6.0, rel=1e-6, abs=0)
    for efficiency in (1.0, 0.5):
        current = efficiency * constants.e * photons / time
        variance = det.shot_variance(current, det.integrator_noise_bandwidth(time))
        bits = det.effective_bits(current, math.sqrt(variance))
        assert bits <= shot_limited_bits(photons) + 1e-12
        assert bits == pytest.approx(0.5 * math.log2(efficiency * photons / 12), rel=1e-6, abs=0)


def test_a_quantizer_has_its_own_effective_bits() -> None:
    assert det.effective_bits(1.0, 2**-8 / math.sqrt(12)) == pytest.approx(8.0, rel=1e-6, abs=0)


def test_saturation_halves_at_its_power_and_is_linear_far_below() -> None:
    power = f64(0.0, 1e-9, 5e-3, 1e9)
    got = det.photocurrent(power, 0.8, 0.0, 5e-3)
    assert got[0].item() == 0.0
    assert got[1].item() == pytest.approx(0.8e-9, rel=1e-6, abs=0)
    assert got[2].item() == pytest.approx(0.8 * 2.5e-3, rel=1e-6, abs=0)
    assert got[3].item() == pytest.approx(0.8 * 5e-3, rel=1e-6, abs=0)
    torch.testing.assert_close(
        det.photocurrent(power[:3], 0.8, 1e-8, math.inf),
        0.8 * power[:3] + 1e-8,
        rtol=ROUNDING,
        atol=0,
    )


def test_homodyne_sign_follows_the_field_and_its_gain_the_oscillator() -> None:
    signal = f64(0.594e-6)
    current = det.homodyne_current(signal, 0.1e-3, 0.0, 1.0)
    assert current.item() == pytest.approx(15.4e-6, abs=5e-8)  # hand calculation
    flipped = det.homodyne_current(signal, 0.1e-3, math.pi, 1.0)
    torch.testing.assert_close(flipped, -current, rtol=ROUNDING, atol=0)
    quadrature = det.homodyne_current(signal, 0.1e-3, math.pi / 2, 1.0)
    assert abs(quadrature.item()) < 1e-20


def test_homodyne_is_the_difference_behind_a_coupler() -> None:
    a, b, phase = 2.0, 5.0, 0.6
    plus = abs(math.sqrt(b) + math.sqrt(a) * np.exp(1j * phase)) ** 2 / 2
    minus = abs(math.sqrt(b) - math.sqrt(a) * np.exp(1j * phase)) ** 2 / 2
    assert det.homodyne_current(f64(a), b, phase, 0.9).item() == pytest.approx(
        0.9 * (plus - minus), rel=1e-6, abs=0
    )


def test_amplifier_beat_noise_needs_gain_and_grows_with_power() -> None:
    power = f64(1e-6, 2e-6)
    assert beat_variance(power, 1.0, 1.5, 193e12, 1.0, 1e9).tolist() == [0.0, 0.0]
    variance = beat_variance(power, 1.0, 1.5, 193e12, 100.0, 1e9)
    assert (variance[1] / variance[0]).item() == pytest.approx(2.0, rel=1e-6, abs=0)
    # High gain and full inversion: signal-to-noise at the output is half the shot limit at the
    # input (noise figure 3 dB), R = q / (h nu).
    h_nu, gain = constants.h * 193e12, 1e6
    responsivity = constants.e / h_nu
    out = beat_variance(gain * power, responsivity, 1.0, 193e12, gain, 1e9)
    snr_out = (responsivity * gain * power) ** 2 / out
    snr_in = (responsivity * power) ** 2 / det.shot_variance(responsivity * power, 1e9)
    torch.testing.assert_close(snr_in / snr_out, 2 * torch.ones(2).double(), rtol=1e-5, atol=0)


def test_gradients_and_dtype() -> None:
    power = f64(0.1, 2.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: det.photocurrent(p, 0.8, 0.1, 3.0), (power,))
    assert torch.autograd.gradcheck(
        lambda p: p * det.relative_intensity(0.7 * torch.ones_like(p), 0.3, 2.0), (power,)
    )
    assert det.shot_variance(torch.ones(2), 1e9).dtype == torch.float32


def test_emission_is_the_same_by_noise_figure_and_by_inversion() -> None:
    """F = 2 n_sp (G - 1) / G + 1 / G; both give the same beat noise (Olsson, 1989)."""
    inversion, gain, frequency = 1.6, 12.0, 1.93e14
    figure = 2 * inversion * (gain - 1) / gain + 1 / gain
    emission = det.amplifier_emission(figure, gain, frequency)
    assert emission == pytest.approx(
        inversion * constants.h * frequency * (gain - 1), rel=1e-12, abs=0
    )
    power = torch.tensor([1e-6], dtype=torch.float64)
    by_density = det.emission_beat_variance(power, emission, 0.9, 1e9)
    by_gain = beat_variance(power, 0.9, inversion, frequency, gain, 1e9)
    assert float(by_density) == pytest.approx(float(by_gain), rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="noise figure"):
        det.amplifier_emission(1.0, 0.5, frequency)


def test_a_femtojoule_at_1550_nm_frees_7803_electrons() -> None:
    """Hand calculation: 1 fJ over 1.2816e-19 J a photon."""
    electrons = det.photoelectrons(1e-9, 1.0, 1550e-9, 1e-6)
    assert electrons == pytest.approx(7803.0, abs=1.0)
    assert det.carriers(1.602176634e-12, 1e-6) == pytest.approx(10.0, rel=1e-12, abs=0)


def test_unequal_gains_let_a_part_of_the_sum_through() -> None:
    plus, minus = torch.tensor([3.0]), torch.tensor([1.0])
    assert float(det.unequal_difference(plus, minus, 0.0)) == 2.0
    assert float(det.unequal_difference(plus, minus, 0.1)) == pytest.approx(2.2, rel=1e-6, abs=0)


def test_difference_of_saturated_powers_needs_no_powers() -> None:
    """The closed form against both powers, each saturated by itself."""
    generator = torch.Generator().manual_seed(0)
    plus, minus = torch.rand((2, 50), generator=generator, dtype=torch.float64)
    for full in (0.3, 2.0, math.inf):
        found = det.saturated_difference(plus - minus, plus + minus, full)
        expected = det.saturated_power(plus, full) - det.saturated_power(minus, full)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-15)
