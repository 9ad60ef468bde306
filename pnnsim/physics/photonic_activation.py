"""Model optical activations: an interferometer driven by a detected signal, and an absorber.

`interferometer_transmission` is the one intensity curve behind both forms of the electro-optic
activation: it modulates a pump of constant power, or what is left of the signal itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.physics._checks import require_fraction, require_positive


def interferometer_transmission(phase: Tensor) -> Tensor:
    """Return the power transmission `cos²(phase / 2)` of a balanced interferometer.

    Args:
        phase: Phase between the arms [rad], any shape; 0 is bright, pi is dark.

    Returns:
        Transmission in [0, 1], as `phase`; computed as `(1 + cos(phase)) / 2`.
    """
    return torch.cos(phase).mul_(0.5).add_(0.5)


def modulator_phase(
    drive: Tensor, v_pi: float, bias_voltage: float = 0.0, full_scale: float = 1.0
) -> Tensor:
    """Return the phase [rad] of an electro-optic modulator: `pi (V + V_bias) / V_pi`.

    Args:
        drive: Driving voltage over `full_scale`, any shape.
        v_pi: Voltage for a phase of pi [V].
        bias_voltage: Voltage at rest [V].
        full_scale: Driving voltage of `hold_symbol` 1 [V].
    """
    require_positive("modulator_phase", v_pi=v_pi)
    return (drive * (math.pi * full_scale / v_pi)).add_(math.pi * bias_voltage / v_pi)


def electro_optic_gain(
    tap_fraction: float, transimpedance: float, responsivity: float, v_pi: float
) -> float:
    """Return the phase per optical power of an electro-optic activation.

    Args:
        tap_fraction: Part of the power that is detected, alpha.
        transimpedance: Voltage per photocurrent [V/A].
        responsivity: Photocurrent per power [A/W].
        v_pi: Voltage for a phase of pi [V].

    Returns:
        `pi * alpha * G * R / V_pi` [rad/W].

    Reference: Williamson et al., IEEE JSTQE 26, 2020.
    """
    require_fraction("electro_optic_gain", tap_fraction=tap_fraction)
    require_positive("electro_optic_gain", v_pi=v_pi)
    return math.pi * tap_fraction * transimpedance * responsivity / v_pi


def electro_optic_field(
    field: Tensor, gain: float, bias_phase: float, tap_fraction: float
) -> Tensor:
    """Return the field behind an electro-optic activation that modulates its own signal.

    Args:
        field: Complex field z, any shape; `|z|²` is the power [W].
        gain: Phase per power, `electro_optic_gain` [rad/W].
        bias_phase: Phase at rest [rad]; pi is dark at low power (rectifier), 0 bright (clamp).
        tap_fraction: Part of the power that is detected, alpha.

    Returns:
        `j sqrt(1-alpha) exp(-j u) cos(u) z` with `u = gain |z|² / 2 + bias_phase / 2`, as `field`.

    Reference: Williamson et al., IEEE JSTQE 26, 2020.
    """
    half = (gain * (field.real**2 + field.imag**2) + bias_phase) / 2.0
    turn = torch.complex(torch.cos(half) ** 2, -torch.sin(half) * torch.cos(half))  # e^-ju cos u
    return 1j * math.sqrt(1.0 - tap_fraction) * turn * field


def electro_optic_power(
    power: Tensor, gain: float, bias_phase: float, tap_fraction: float
) -> Tensor:
    """Return the power behind an electro-optic activation that modulates its own signal.

    Args:
        power: Optical power [W], any shape.
        gain: Phase per power, `electro_optic_gain` [rad/W].
        bias_phase: Phase at rest [rad].
        tap_fraction: Part of the power that is detected, alpha.

    Returns:
        `(1 - alpha) cos²((gain P + bias) / 2) P` [W], as `power`: `|electro_optic_field|²`.

    Reference: Williamson et al., IEEE JSTQE 26, 2020.
    """
    transmission = interferometer_transmission(gain * power + bias_phase)
    return (1.0 - tap_fraction) * transmission * power


def square_law(field: Tensor) -> Tensor:
    """Return the power of a field, both relative to full scale: its square, at most 1.

    Args:
        field: Field amplitude, any shape; clipped to [-1, 1].
    """
    return field.clamp(-1.0, 1.0) ** 2


def absorber_transmission(
    power: Tensor, saturable: float, saturation_power: float, unsaturable: float = 0.0
) -> Tensor:
    """Return the transmission of a saturable absorber.

    Args:
        power: Optical power [W], any shape.
        saturable: Absorption at low power that light can bleach.
        saturation_power: Power at which half of it is bleached [W].
        unsaturable: Absorption that always remains.

    Returns:
        `1 - saturable / (1 + P / P_sat) - unsaturable`, as `power`.
    """
    require_fraction("absorber_transmission", total_absorption=saturable + unsaturable)
    require_positive("absorber_transmission", saturation_power=saturation_power)
    return 1.0 - saturable / (1.0 + power / saturation_power) - unsaturable
