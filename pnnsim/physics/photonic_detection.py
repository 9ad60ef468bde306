"""Optical power to current, and the noise of that current.

Noise comes as variances, which add when sources are independent; the caller draws. Densities are
one-sided and linear (1/Hz, A/√Hz), never in decibels. `bandwidth` is always the noise bandwidth:
`single_pole_noise_bandwidth` or `integrator_noise_bandwidth`.
"""

from __future__ import annotations

import math

import torch
from scipy import constants
from torch import Tensor

from pnnsim.physics._checks import Number, require, require_positive


def single_pole_noise_bandwidth(bandwidth: float) -> float:
    """Return the noise bandwidth [Hz] of one pole at `bandwidth` [Hz]: a factor of pi / 2.

    It is the width of a sharp low-pass that lets as much white noise through, the integral of
    `1 / (1 + (f / bandwidth)^2)` over all frequencies. A lone pole has no lower one: the plain 3 dB
    bandwidth would leave out the 36 % of the noise that its skirt passes.
    """
    return math.pi / 2.0 * bandwidth


def integrator_noise_bandwidth(integration_time: Number) -> Number:
    """Return the noise bandwidth [Hz] of averaging over a time [s]: `1 / (2 T)`."""
    return 0.5 / integration_time


def quantum_responsivity(efficiency: float, wavelength: float) -> float:
    """Return the photocurrent per power [A/W] of a photodiode.

    Args:
        efficiency: Electrons per photon.
        wavelength: Vacuum wavelength [m].

    Returns:
        `efficiency * q * wavelength / (h * c)`; 1.25 A/W at 1550 nm for one electron per photon.
    """
    return efficiency * constants.e * wavelength / (constants.h * constants.c)


def saturated_power(power: Tensor, saturation_power: Tensor | float) -> Tensor:
    """Return the power that a saturating photodiode responds to.

    Args:
        power: Optical power [W], any shape, not negative.
        saturation_power: Power at which the response has halved [W]; may be `inf`.

    Returns:
        `P / (1 + P / P_sat)` [W], as `power`.
    """
    return power / (1.0 + power / saturation_power)


def saturated_difference(
    difference: Tensor, total: Tensor, saturation_power: Tensor | float
) -> Tensor:
    """Return the difference of the powers that two saturating photodiodes respond to.

    Args:
        difference: Power on the one less power on the other [W], any shape.
        total: Power on both [W], as `difference` or one that broadcasts against it.
        saturation_power: Power at which the response of each has halved [W]; may be `inf`.

    Returns:
        `saturated_power(a) - saturated_power(b)` for `a, b = (total ± difference) / 2`, which is
        `difference / ((1 + a / P_sat) (1 + b / P_sat))` [W], as `difference`.
    """
    half = difference * (0.5 / saturation_power)
    common = 1.0 + total * (0.5 / saturation_power)
    return difference / torch.addcmul(common**2, half, half, value=-1.0)


def photocurrent(
    power: Tensor, responsivity: float, dark_current: float, saturation_power: float
) -> Tensor:
    """Return the mean current of one photodiode.

    Args:
        power: Optical power [W], any shape.
        responsivity: Current per power at low power [A/W].
        dark_current: Current without light [A].
        saturation_power: Power at which the response has halved [W]; may be `inf`.

    Returns:
        Current [A], as `power`.
    """
    return responsivity * saturated_power(power, saturation_power) + dark_current


def homodyne_current(
    signal: Tensor, oscillator: float, relative_phase: Tensor | float, responsivity: float
) -> Tensor:
    """Return the difference current of a balanced homodyne receiver.

    Args:
        signal: Signal power [W], any shape.
        oscillator: Power of the local oscillator [W].
        relative_phase: Phase between both fields [rad].
        responsivity: Current per power [A/W].

    Returns:
        `2 R sqrt(P_LO P_s) cos(phase)` [A], as `signal`.
    """
    cosine = torch.cos(torch.as_tensor(relative_phase, dtype=signal.dtype, device=signal.device))
    return 2.0 * responsivity * torch.sqrt(oscillator * signal) * cosine


def homodyne_powers(field: Tensor, oscillator: float) -> tuple[Tensor, Tensor]:
    """Return the powers on both photodiodes of a homodyne receiver whose phases agree.

    Args:
        field: Signal field with its sign [W^0.5], any shape.
        oscillator: Power of the local oscillator [W].

    Returns:
        `(sqrt(P_LO) + E)² / 2` and `(sqrt(P_LO) - E)² / 2` [W], each as `field`: their sum is all
        the light, their difference `2 sqrt(P_LO) E`.

    Reference: interference on a 50:50 coupler; `homodyne_current` is the difference.
    """
    amplitude = oscillator**0.5
    return (amplitude + field) ** 2 / 2.0, (amplitude - field) ** 2 / 2.0


def shot_variance(current: Number, bandwidth: float) -> Number:
    """Return the variance of shot noise.

    Args:
        current: Mean current through the junction, dark current included [A], not negative. For a
            balanced pair: the sum of both currents, not their difference.
        bandwidth: Noise bandwidth [Hz].

    Returns:
        `2 q I B` [A²], as `current`.

    Reference: Schottky, Ann. Phys., 1918.
    """
    return 2.0 * constants.e * current * bandwidth


def johnson_variance(conductance: Number, bandwidth: float, temperature: float) -> Number:
    """Return the variance of the thermal noise current.

    Args:
        conductance: Conductance [S]: `1 / R` of a load, or the sum over a crossbar column.
        bandwidth: Noise bandwidth [Hz].
        temperature: Absolute temperature [K].

    Returns:
        `4 k T G B` [A²], as `conductance`.

    Reference: Nyquist, Phys. Rev. 32, 110, 1928.
    """
    return 4.0 * constants.k * temperature * conductance * bandwidth


def amplifier_variance(noise_density: float, bandwidth: Number) -> Number:
    """Return the variance [A²] of an input-referred noise density [A/√Hz] in a bandwidth [Hz].

    Args:
        noise_density: Input-referred noise density [A/√Hz].
        bandwidth: Noise bandwidth [Hz].
    """
    return noise_density**2 * bandwidth


def relative_intensity(noise: Tensor, noise_density: float, bandwidth: float) -> Tensor:
    """Return the power of a laser relative to its mean while its intensity is noisy.

    All that a laser lights follows this one number, however the light is split and weighted.

    Args:
        noise: Standard normal draws, one for each laser, any shape.
        noise_density: Relative intensity noise [1/Hz], linear: 1e-15 for -150 dB/Hz.
        bandwidth: Noise bandwidth of the receiver [Hz].

    Returns:
        `1 + sqrt(RIN B) noise`, as `noise`, never below 0: there is no negative power.
    """
    return (1.0 + math.sqrt(noise_density * bandwidth) * noise).clamp(min=0.0)


def common_mode_gain(rejection: float) -> float:
    """Return the part of the light on both photodiodes of a pair that stays in their difference.

    Args:
        rejection: Common-mode rejection as a power ratio, linear: 1000 for 30 dB; may be `inf`.

    Returns:
        `1 / sqrt(rejection)`: difference over sum of both currents where both get the same light.
        The adding photodiode is taken to be the more responsive one.
    """
    require_positive("common_mode_gain", rejection=rejection)
    return float(rejection**-0.5)


def emission_beat_variance(
    power: Tensor, emission: Tensor | float, responsivity: float, bandwidth: float
) -> Tensor:
    """Return the variance of light that beats with spontaneous emission on a photodiode.

    Args:
        power: Signal power at the photodiode [W], any shape.
        emission: Spontaneous emission in the mode of the signal, one-sided [W/Hz].
        responsivity: Current per power [A/W].
        bandwidth: Noise bandwidth [Hz].

    Returns:
        `4 R² P S B` [A²], as `power`. The beat of the emission with itself is left out: it is
        small while the signal is stronger than all emission in the optical band.

    Reference: Olsson, J. Lightwave Technol. 7, 1071, 1989.
    """
    return 4.0 * responsivity**2 * power * emission * bandwidth


def amplifier_emission(noise_figure: float, gain: float, frequency: float) -> float:
    """Return the spontaneous emission that an optical amplifier adds in one mode.

    Args:
        noise_figure: Noise figure F, linear, at least `1 / gain`.
        gain: Power gain G, linear; may be below 1.
        frequency: Optical frequency [Hz].

    Returns:
        `h nu (F G - 1) / 2` [W/Hz]: the definition `F = (2 S / (h nu) + 1) / G` solved for S, and
        the same as `n_sp h nu (G - 1)`.

    Reference: Olsson, J. Lightwave Technol. 7, 1071, 1989.
    """
    excess = noise_figure * gain - 1.0
    require(excess >= 0.0, "amplifier_emission", "noise figure", noise_figure, "at least 1 / gain")
    return constants.h * frequency * excess / 2.0


def photoelectrons(power: Number, efficiency: float, wavelength: float, exposure: float) -> Number:
    """Return the mean number of electrons that light frees in a pixel.

    Args:
        power: Optical power [W].
        efficiency: Electrons per photon.
        wavelength: Vacuum wavelength [m].
        exposure: Time of collection [s].

    Returns:
        `efficiency * P * T / (h nu)`, as `power`.
    """
    return power * (efficiency * exposure / photon_energy(wavelength))


def carriers(current: float, exposure: float) -> float:
    """Return the mean number of carriers that a current [A] brings in a time [s]: `I T / q`.

    Args:
        current: Mean current [A].
        exposure: Time of collection [s].
    """
    return current * exposure / constants.e


def unequal_difference(plus: Tensor, minus: Tensor, mismatch: float) -> Tensor:
    """Return the difference of two signals whose amplifiers differ.

    Args:
        plus: Signal that adds, any unit.
        minus: Signal that subtracts, as `plus`.
        mismatch: Gain of the first less gain of the second, relative to their mean.

    Returns:
        `(1 + mismatch / 2) plus - (1 - mismatch / 2) minus`, as `plus`.
    """
    return plus - minus + mismatch / 2.0 * (plus + minus)


def full_well(electrons: Tensor, capacity: float) -> Tensor:
    """Return the electrons that a pixel holds: at most its capacity, as `electrons`.

    Args:
        electrons: Electrons that light has freed, any shape.
        capacity: Full-well capacity of the pixel [electrons].
    """
    return electrons.clamp(max=capacity)


def sampling_variance(capacitance: float, temperature: float) -> float:
    """Return the variance kT/C [V²] of a voltage sampled on a capacitor [F] at some temperature.

    Args:
        capacitance: Sampling capacitance [F].
        temperature: Absolute temperature [K].
    """
    require_positive("sampling_variance", capacitance=capacitance)
    return constants.k * temperature / capacitance


def effective_bits(full_scale: float, sigma: float) -> float:
    """Return how many bits a range holds at a noise level.

    Args:
        full_scale: Width of the range, any unit.
        sigma: Standard deviation of the noise, unit of `full_scale`.

    Returns:
        `log2(full_scale / (sigma * sqrt(12)))` [bit]: a quantizer of that depth would be as noisy.
    """
    require_positive("effective_bits", full_scale=full_scale, sigma=sigma)
    return math.log2(full_scale / (sigma * math.sqrt(12.0)))


def photon_energy(wavelength: float) -> float:
    """Return the energy [J] of one photon at a vacuum wavelength [m]."""
    return constants.h * constants.c / wavelength
