"""Model magnetic tunnel junctions: conductance, writing, forgetting, and the devices made of them.

A junction's state is its magnetization along the easy axis, 1 parallel (low resistance) to -1
anti-parallel. How weights are laid out on junctions is in `spintronic_encoding`, how junctions act
together in an array in `crossbar`.
"""

from __future__ import annotations

import math

import torch
from scipy import constants
from torch import Tensor

from pnnsim.physics._checks import require, require_positive

GYROMAGNETIC_RATIO: float = constants.physical_constants["electron gyromag. ratio"][0]
"""Of the free electron [rad/(s T)]."""

REFERENCE_TEMPERATURE = 300.0
"""Temperature at which descriptions give a magnetoresistance ratio and a barrier [K]."""


def tmr_from_polarization(polarization: float) -> float:
    """Return the magnetoresistance ratio of two equal electrodes: `2 P² / (1 - P²)`.

    Reference: Julliere, Phys. Lett. A 54, 225, 1975.
    """
    require(0 <= polarization < 1, "tmr_from_polarization", "polarization", polarization, "[0, 1)")
    return 2.0 * polarization**2 / (1.0 - polarization**2)


def tmr_ratio(
    tmr: Tensor,
    voltage: Tensor | float = 0.0,
    half_voltage: float = math.inf,
    temperature: float = REFERENCE_TEMPERATURE,
    temperature_slope: float = 0.0,
) -> Tensor:
    """Return the magnetoresistance ratio at a voltage and a temperature.

    Args:
        tmr: Ratio at zero voltage and 300 K, (R_AP - R_P) / R_P, any shape.
        voltage: Voltage across the junction [V].
        half_voltage: Voltage at which the ratio has halved [V].
        temperature: Absolute temperature [K].
        temperature_slope: Relative change with temperature [1/K], usually negative.

    Returns:
        `tmr (1 + slope (T - 300 K)) / (1 + (V / V_h)²)`, as `tmr`.

    Reference: usual fit to bias dependence (Garcia-Redondo et al., SMACD, 2021).
    """
    require_positive("tmr_ratio", half_voltage=half_voltage, temperature=temperature)
    warm = 1.0 + temperature_slope * (temperature - REFERENCE_TEMPERATURE)
    return tmr * warm / (1.0 + (voltage / half_voltage) ** 2)


def relative_swing(tmr: Tensor) -> Tensor:
    """Return how far a junction's conductance swings, over that when parallel: `TMR / (1 + TMR)`.

    Reference: definition of the ratio, (G_P - G_AP) / G_P.
    """
    return tmr / (1.0 + tmr)


def junction_conductance(magnetization: Tensor, resistance: Tensor | float, tmr: Tensor) -> Tensor:
    """Return the conductance of a junction.

    Args:
        magnetization: Cosine of the angle between both layers, 1 parallel to -1 anti-parallel.
        resistance: Resistance when parallel [Ohm].
        tmr: Magnetoresistance ratio under the conditions of the reading.

    Returns:
        Conductance [S], linear in the cosine from `1 / R_P` to `1 / (R_P (1 + TMR))`.

    Reference: Slonczewski, Phys. Rev. B 39, 6995, 1989; as in Garcia-Redondo et al., SMACD, 2021.
    """
    parallel = 1.0 / resistance
    antiparallel = parallel / (1.0 + tmr)
    return 0.5 * (parallel + antiparallel) + 0.5 * (parallel - antiparallel) * magnetization


def lognormal_spread(nominal: Tensor | float, sigma: float, noise: Tensor) -> Tensor:
    """Return fabricated values around a nominal one.

    Resistance depends exponentially on the barrier's thickness, so normal thickness means
    log-normal resistance; it cannot become negative either.

    Args:
        nominal: Mean value, any unit.
        sigma: Relative standard deviation.
        noise: Independent standard normal draws, any shape.

    Returns:
        Values with mean `nominal` and standard deviation `sigma * nominal`, as `noise`.
    """
    variance = math.log1p(sigma**2)
    return nominal * torch.exp(math.sqrt(variance) * noise - variance / 2.0)


def energy_barrier(
    interface_anisotropy: float,
    magnetization: float,
    thickness: float,
    diameter: float,
    demagnetization: float,
    temperature: float,
) -> float:
    """Return the energy barrier of a perpendicular disc in units of the thermal energy.

    Args:
        interface_anisotropy: Interface anisotropy energy [J/m²].
        magnetization: Saturation magnetization [A/m].
        thickness: Thickness of the free layer [m].
        diameter: Diameter of the disc [m].
        demagnetization: Difference N_z - N_x of the demagnetizing factors.
        temperature: Absolute temperature [K].

    Returns:
        `K_eff V / (k T)`, with K_eff = K_i / t - mu_0 M_s² (N_z - N_x) / 2. Negative means that
        the easy axis lies in the plane.

    Reference: macrospin; constants as in Garcia-Redondo et al., SMACD, 2021.
    """
    require_positive("energy_barrier", thickness=thickness, temperature=temperature)
    shape = 0.5 * constants.mu_0 * magnetization**2 * demagnetization
    volume = math.pi / 4.0 * diameter**2 * thickness
    return (interface_anisotropy / thickness - shape) * volume / (constants.k * temperature)


def thermal_stability(barrier: float, temperature: float) -> float:
    """Return an energy barrier in units of the thermal energy at some temperature.

    Args:
        barrier: Barrier over the thermal energy at 300 K.
        temperature: Absolute temperature [K].

    Returns:
        `barrier * 300 K / T`: the energy stays, what heat brings does not. That magnetization and
        anisotropy fall with heat is left out: near room temperature it is less than the 1 / T, and
        it makes real junctions lose their state sooner.

    Reference: Neel, Ann. Geophys. 5, 99, 1949, and Brown, Phys. Rev. 130, 1677, 1963 (barrier over
    k T in the exponent).
    """
    require_positive("thermal_stability", temperature=temperature)
    return barrier * REFERENCE_TEMPERATURE / temperature


def write_error_rate(
    pulse: Tensor, overdrive: float, barrier: float, damping: float, anisotropy_field: float
) -> Tensor:
    """Return the chance that a spin-torque pulse fails to switch a junction.

    Args:
        pulse: Length of the pulse [s], any shape.
        overdrive: Current over critical current, above 1.
        barrier: Energy barrier in units of the thermal energy, Delta.
        damping: Gilbert damping.
        anisotropy_field: Effective anisotropy field mu_0 H_k [T].

    Returns:
        `1 - exp(-(pi²/4) Delta (i-1) / (i exp(2 tau (i-1)) - 1))` with the reduced time
        `tau = alpha gamma mu_0 H_k t / (1 + alpha²)`, as `pulse`.

    Reference: Butler et al., IEEE Trans. Magn., 2012 (macrospin Fokker-Planck asymptote).
    """
    require(
        overdrive > 1,
        "write_error_rate",
        "overdrive",
        overdrive,
        "above 1 (below, `dynamics.flip_probability` holds)",
    )
    rate = damping * GYROMAGNETIC_RATIO * anisotropy_field / (1.0 + damping**2)
    excess = overdrive - 1.0
    # i e^x - 1 without cancellation for short pulses and currents close to critical.
    denominator = overdrive * torch.expm1(2.0 * excess * rate * pulse) + excess
    return -torch.expm1(-(math.pi**2 / 4.0) * barrier * excess / denominator)


def oscillator_amplitude(current: Tensor, threshold: float) -> Tensor:
    """Return the steady amplitude of a spin-torque oscillator.

    Args:
        current: Driving current [A], any shape.
        threshold: Current at which oscillation starts [A].

    Returns:
        `sqrt(max(0, I / I_th - 1))`, as `current`. The slope at threshold, infinite in theory, is
        taken as zero. The amplitude follows a new current with `dynamics.settle`.

    Reference: supercritical Hopf bifurcation (Slavin and Tiberkevich, IEEE Trans. Magn. 45, 2009).
    """
    require_positive("oscillator_amplitude", threshold=threshold)
    excess = current / threshold - 1.0
    runs = excess > 0
    safe = torch.where(runs, excess, torch.ones_like(excess))
    return torch.where(runs, torch.sqrt(safe), torch.zeros_like(excess))


def thermal_oscillator_amplitude(current: Tensor, threshold: float, thermal: float) -> Tensor:
    """Return the amplitude of a spin-torque oscillator whose threshold heat makes smooth.

    Args:
        current: Driving current [A], any shape.
        threshold: Current at which oscillation would start at no temperature [A].
        thermal: Strength of the thermal noise eta, above 0: the power that it keeps up at rest,
            over the power of oscillation at twice the threshold.

    Returns:
        `sqrt(p)`, as `current`, with `p² - (I / I_th - 1) p - eta = 0`: the stationary mean power
        where power has little spread. It tends to `oscillator_amplitude` as eta tends to 0.

    Reference: Slavin and Tiberkevich, IEEE Trans. Magn. 45, 2009 (auto-oscillator with noise), with
    the mean of the squared power replaced by the square of the mean.
    """
    require_positive("thermal_oscillator_amplitude", threshold=threshold, thermal=thermal)
    half = 0.5 * (current / threshold - 1.0)
    root = torch.sqrt(half**2 + thermal)
    # Below threshold by the product of both roots, which does not cancel.
    power = torch.where(half >= 0, half + root, thermal / (half.abs() + root))
    return torch.sqrt(power)


def oscillator_deviation(amplitude: Tensor, thermal: float) -> Tensor:
    """Return the standard deviation of a spin-torque oscillator's amplitude.

    Args:
        amplitude: Mean amplitude, that of `thermal_oscillator_amplitude`.
        thermal: Strength of the thermal noise, as there.

    Returns:
        `sqrt(eta) / (2 a)` well above threshold, where power fluctuates with variance eta; at most
        `a / 2`, about that of the Rayleigh distribution, which holds below.

    Reference: linearized power fluctuations; Slavin and Tiberkevich, IEEE Trans. Magn. 45, 2009.
    """
    return torch.minimum(math.sqrt(thermal) / (2.0 * amplitude), amplitude / 2.0)


def p_bit_probability(current: Tensor, scale: float) -> Tensor:
    """Return the chance to find a low-barrier junction in state 1.

    Args:
        current: Input current [A], any shape.
        scale: Current that biases the junction noticeably, I_0 [A].

    Returns:
        `(1 + tanh(I / I_0)) / 2`, as `current`.

    Reference: Camsari, Faria, Sutton and Datta, Phys. Rev. X 7, 031014, 2017.
    """
    require_positive("p_bit_probability", scale=scale)
    return torch.sigmoid(2.0 * current / scale)


def p_bit_average_variance(
    probability: Tensor, integration_time: Tensor, correlation_time: float
) -> Tensor:
    """Return the variance of a low-barrier junction's state, averaged over some time.

    Args:
        probability: Chance to find it in state 1.
        integration_time: Time of averaging [s], above 0.
        correlation_time: Correlation time of its flips [s].

    Returns:
        `p (1-p) (2 tau / T) (1 - (tau / T) (1 - exp(-T / tau)))`, as `probability`: that of one
        look for short times, falling with 1/T for long ones.

    Reference: average of a process with exponential autocorrelation.
    """
    ratio = correlation_time / integration_time
    spread = 2.0 * ratio * (1.0 + ratio * torch.expm1(-1.0 / ratio))
    return probability * (1.0 - probability) * spread
