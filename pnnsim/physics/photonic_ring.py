"""Model add-drop micro-rings: one ring, its inverse, and a bus of rings as a weight bank.

Power transmissions only: light of different wavelengths adds as power. Light of one wavelength that
comes by several rings interferes, as `photonic_ring_bus` has it; here its powers add, an
approximation. What moves a resonance (heat, carriers, time) is not decided here; a detuning comes
in.

      in ──►──┬────── through ─►        phase = 2 pi (lambda - lambda_ring) / FSR
              ( r1 )                    weight = drop - through, in (-1, 1)
              ring, a
              ( r2 )
    drop ◄────┴──────
"""

from __future__ import annotations

import math

import torch
from scipy import constants
from torch import Tensor

from pnnsim.physics import photonic_channels
from pnnsim.physics._checks import require, require_positive
from pnnsim.physics.photonic_channels import linewidth as linewidth


def ring_amplitude(loss: float, circumference: float) -> float:
    """Return the single-pass field amplitude of a ring.

    Args:
        loss: Propagation loss [dB/m].
        circumference: Length of one round trip [m].

    Returns:
        Amplitude a, 1 without loss.
    """
    return photonic_channels.single_pass_amplitude(loss, circumference)


def free_spectral_range(wavelength: float, group_index: float, circumference: float) -> float:
    """Return the wavelength distance of two resonances of one ring [m].

    Args:
        wavelength: Vacuum wavelength [m].
        group_index: Group index of the waveguide.
        circumference: Length of one round trip [m].

    Reference: Bogaerts et al., Laser Photon. Rev., 2012.
    """
    require_positive("free_spectral_range", group_index=group_index, circumference=circumference)
    return photonic_channels.free_spectral_range(wavelength, group_index, circumference)


def optical_bandwidth(wavelength: float, width: float) -> float:
    """Return the optical bandwidth [Hz] of a resonance of width `width` [m] at `wavelength` [m].

    Args:
        wavelength: Vacuum wavelength of the resonance [m].
        width: Width of the resonance [m].
    """
    return constants.c * width / wavelength**2


def ring_transmission(
    phase: Tensor, r1: float | Tensor, r2: float | Tensor, a: float
) -> tuple[Tensor, Tensor]:
    """Return the power transmissions of an add-drop ring.

    Args:
        phase: Round-trip phase from resonance [rad], any shape.
        r1: Self-coupling amplitude of the input coupler; one for each phase where it changes with
            wavelength.
        r2: Self-coupling amplitude of the drop coupler, as `r1`.
        a: Single-pass amplitude, 1 without loss.

    Returns:
        Through and drop transmission, each as `phase`. They add to 1 if `a` is 1, else to less.

    Reference: Bogaerts et al., Laser Photon. Rev., 2012; written with `sin(phase / 2)` so that a
    narrow resonance keeps its digits in single precision.
    """
    m = r1 * r2 * a
    swing = 4.0 * m * torch.sin(phase / 2.0) ** 2
    denominator = (1.0 - m) ** 2 + swing
    through = ((r1 - r2 * a) ** 2 + swing) / denominator
    drop = (1.0 - r1**2) * (1.0 - r2**2) * a / denominator
    return through, drop


def ring_weight(phase: Tensor, r: float, a: float) -> Tensor:
    """Return the balanced weight `drop - through` of a ring with two equal couplers.

    Args:
        phase: Round-trip phase from resonance [rad], any shape.
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude.

    Returns:
        Weight, as `phase`.
    """
    through, drop = ring_transmission(phase, r, r, a)
    return drop - through


def weight_interval(r: float, a: float) -> tuple[float, float]:
    """Return the lowest and the highest weight of a ring with two equal couplers.

    Args:
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude.

    Returns:
        Weight half a free spectral range off resonance, and weight on resonance. They are not
        symmetric about zero.
    """
    m = r * r * a
    dropped = (1.0 - r**2) ** 2 * a
    low = (dropped - (r + r * a) ** 2) / (1.0 + m) ** 2
    high = (dropped - (r - r * a) ** 2) / (1.0 - m) ** 2
    return low, high


def weight_to_phase(weight: Tensor, r: float, a: float) -> Tensor:
    """Return the phase at which a ring gives a weight: the exact inverse of `ring_weight`.

    The weight is a linear-fractional function of `cos(phase)`; its inverse is
    `cos = (w (1 + m²) - K) / (2 m (1 + w))` with m = r² a and K = (1 - r²)² a - r² a² - r². The
    half-angle form used here, `tan²(phase/2) = ((1-m)/(1+m))² (w_max - w) / (w - w_min)`, is the
    same and keeps its digits near resonance.

    Args:
        weight: Wanted weight, any shape. Beyond `weight_interval` the nearest end is taken and the
            gradient is zero.
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude.

    Returns:
        Phase between 0 and pi [rad], as `weight`. Its slope is infinite at both ends of the
        interval.
    """
    low, high = weight_interval(r, a)
    m = r * r * a
    inside = (weight > low) & (weight < high)
    # Ends are filled in afterwards: their infinite slope would poison the gradient of all others.
    safe = torch.where(inside, weight, torch.full_like(weight, 0.5 * (low + high)))
    tangent = (1.0 - m) / (1.0 + m) * torch.sqrt((high - safe) / (safe - low))
    edge = torch.where(weight < high, math.pi, 0.0).to(weight.dtype)
    return torch.where(inside, 2.0 * torch.atan(tangent), edge)


def phase_to_detuning(phase: Tensor, fsr: float) -> Tensor:
    """Return the wavelength shift [m] that makes a phase [rad]: `phase * fsr / (2 pi)`.

    Args:
        phase: Phase of a round trip, less a whole number of turns [rad], any shape.
        fsr: Free spectral range [m].
    """
    return phase * (fsr / (2.0 * math.pi))


def bank_transmissions(
    detuning: Tensor, channel_spacing: float, fsr: float, r: float, a: float
) -> tuple[Tensor, Tensor]:
    """Return what each wavelength sends to the two photodiodes behind a bus of rings.

    Every wavelength passes all rings of its bus in order and leaves a part in each of them. What
    several rings drop of one wavelength adds as power, and light that has been dropped goes to the
    photodiode: an approximation, for light whose coherence does not last from ring to ring and
    whose second passage through rings, by way of the drop bus, is small. Light of a laser
    interferes: `photonic_ring_bus.coherent_bank_transmissions`.

    Args:
        detuning: Shift of each ring to longer wavelength, away from its own channel [m], shape
            `(…, n_out, n_in)`: one bus for each output, one ring for each input.
        channel_spacing: Distance of neighboring wavelengths [m]; ring j belongs to channel j.
        fsr: Free spectral range of the rings [m].
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude.

    Returns:
        Through and drop transmission of each channel, as `detuning`; they add to 1 if `a` is 1.

    Reference: cascade of rings as in Tait et al., JLT, 2014; ring as in `ring_transmission`.
    """
    require(
        detuning.ndim >= 2,
        "bank_transmissions",
        "shape of detuning",
        tuple(detuning.shape),
        "`(…, n_out, n_in)`",
    )
    require_positive("bank_transmissions", fsr=fsr)
    channels = torch.arange(detuning.shape[-1], dtype=detuning.dtype, device=detuning.device)
    offset = (channels[None, :] - channels[:, None]) * channel_spacing  # [ring, channel]
    phase = (2.0 * math.pi / fsr) * (offset - detuning[..., :, None])
    through, drop = ring_transmission(phase, r, r, a)  # (…, n_out, ring, channel)
    passed = torch.cumprod(through, dim=-2)
    arriving = torch.cat([torch.ones_like(passed[..., :1, :]), passed[..., :-1, :]], dim=-2)
    return passed[..., -1, :], (drop * arriving).sum(dim=-2)


def bank_weights(
    detuning: Tensor, channel_spacing: float, fsr: float, r: float, a: float
) -> Tensor:
    """Return the balanced weights `drop - through` of a bus of rings.

    Args:
        detuning: Shift of each ring away from its own channel [m], shape `(…, n_out, n_in)`.
        channel_spacing: Distance of neighboring wavelengths [m].
        fsr: Free spectral range of the rings [m].
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude.

    Returns:
        Weight of each input on each output, as `detuning`.
    """
    through, drop = bank_transmissions(detuning, channel_spacing, fsr, r, a)
    return drop - through
