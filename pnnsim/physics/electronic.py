"""Price conversions and model analog electronics around the banks.

Energies are those of one event. What a converter does to a value is in `quantize`, how an amplifier
settles in `dynamics`, its noise in `photonic_detection`.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from scipy import constants
from torch import Tensor

from pnnsim.physics._checks import Number, require, require_positive

ActivationShape = Literal["linear", "relu", "clipped_relu", "tanh", "sigmoid"]
"""Curves that an analog stage or a table can follow."""


def converter_energy(figure_of_merit: float, effective_bits: float) -> float:
    """Return the energy of one conversion at a figure of merit per step.

    Args:
        figure_of_merit: Energy per step [J]: Walden's for analog-to-digital, energy per code for
            digital-to-analog.
        effective_bits: Effective number of bits (analog-to-digital), or bits.

    Returns:
        `figure_of_merit * 2**effective_bits` [J].

    Reference: Walden, IEEE JSAC 17, 539, 1999.
    """
    return float(figure_of_merit * 2.0**effective_bits)


def survey_converter_energy(sample_rate: float, effective_bits: float) -> float:
    """Return the energy that published analog-to-digital converters need for one conversion.

    Args:
        sample_rate: Sampling rate [Hz], 0.1 to 100 GHz.
        effective_bits: Effective number of bits, 4.5 to 10.5.

    Returns:
        `10**(-11.324 + 0.262 log10(f / 1 GHz) + 0.307 (ENOB - 7))` [J]; parts scatter by half a
        decade around it.

    Reference: regression on 113 parts of Murmann, ADC Performance Survey 1997-2025.
    """
    require_positive("survey_converter_energy", sample_rate=sample_rate)
    exponent = -11.324 + 0.262 * math.log10(sample_rate / 1e9) + 0.307 * (effective_bits - 7.0)
    return float(10.0**exponent)


def quantization_snr(bits: float) -> float:
    """Return the signal-to-noise ratio [dB] of a full-scale sine in so many bits.

    Reference: `10 log10(1.5 * 4**bits)`, that is 6.02 dB a bit and 1.76 dB (Bennett, Bell System
    Technical Journal, 1948).
    """
    return 10.0 * math.log10(1.5) + 20.0 * math.log10(2.0) * bits


def capacitor_energy(capacitance: float, voltage: float) -> float:
    """Return the energy [J] that a supply gives to charge a capacitor [F] to a voltage [V]: CV².

    Args:
        capacitance: Capacitance [F].
        voltage: Voltage after charging [V].
    """
    return capacitance * voltage**2


def offset_current(voltage: Number, conductance: float) -> Number:
    """Return the current that an amplifier's input voltage drives through what hangs on it.

    Args:
        voltage: Voltage between the input and virtual ground [V], or its density [V/√Hz].
        conductance: Conductance of all cells on the input, their other ends at virtual ground or
            at rest [S].

    Returns:
        `V G` [A], or [A/√Hz], as `voltage`: the noise gain of a transimpedance amplifier, below the
        frequency at which the input's capacitance takes over from the cells, G / (2 pi C).

    Reference: Graeme, Photodiode Amplifiers: Op Amp Solutions, McGraw-Hill, 1996, chapter 5.
    """
    return voltage * conductance


def johnson_voltage_variance(resistance: float, bandwidth: float, temperature: float) -> float:
    """Return the variance of the thermal noise voltage of a resistance.

    Args:
        resistance: Resistance, of a chain the sum [Ohm].
        bandwidth: Noise bandwidth [Hz].
        temperature: Absolute temperature [K].

    Returns:
        `4 k T R B` [V^2].

    Reference: Nyquist, Phys. Rev. 32, 110, 1928.
    """
    return 4.0 * constants.k * temperature * resistance * bandwidth


def charge_injection(
    overlap_capacitance: float, swing: float, feedback_capacitance: float
) -> float:
    """Return the voltage blip that a switching gate leaves at an amplifier's output.

    Args:
        overlap_capacitance: Capacitance between gate and signal [F].
        swing: Voltage swing of the gate [V].
        feedback_capacitance: Capacitance on which the charge ends [F].

    Returns:
        `C_ov V / C_F` [V]; it decays with the amplifier's time constant.
    """
    require_positive("charge_injection", feedback_capacitance=feedback_capacitance)
    return overlap_capacitance * swing / feedback_capacitance


def activation(x: Tensor, shape: ActivationShape) -> Tensor:
    """Apply an electronic activation to a logical pre-activation.

    Args:
        x: Pre-activation, any shape.
        shape: `linear` clips to [-1, 1], the rails of the supply; `relu` is not bounded (a digital
            table); `clipped_relu` is [0, 1]; `tanh` is (-1, 1); `sigmoid` is (0, 1).

    Returns:
        Activation, as `x`.
    """
    if shape == "linear":
        return x.clamp(-1.0, 1.0)
    if shape == "relu":
        return torch.relu(x)
    if shape == "clipped_relu":
        return x.clamp(0.0, 1.0)
    if shape == "tanh":
        return torch.tanh(x)
    require(
        shape == "sigmoid",
        "activation",
        "shape",
        shape,
        "linear, relu, clipped_relu, tanh or sigmoid",
    )
    return torch.sigmoid(x)
