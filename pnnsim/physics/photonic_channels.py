"""Plan the wavelengths of a bus of micro-rings, in plain numbers.

A description must be refused at once when its channels do not fit, so torch is not imported here;
what rings do to light is in `photonic_ring`.
"""

from __future__ import annotations

import math

from pnnsim.common.units import amplitude_ratio


def single_pass_amplitude(loss: float, circumference: float) -> float:
    """Return the field amplitude after one round trip; loss [dB/m], circumference [m].

    Args:
        loss: Propagation loss [dB/m].
        circumference: Circumference of the ring [m].
    """
    return amplitude_ratio(-loss * circumference)


def free_spectral_range(wavelength: float, group_index: float, circumference: float) -> float:
    """Return the wavelength distance of two resonances of one ring [m].

    Args:
        wavelength: Vacuum wavelength [m].
        group_index: Group index of the waveguide.
        circumference: Length of one round trip [m].

    Reference: Bogaerts et al., Laser Photon. Rev., 2012.
    """
    return wavelength**2 / (group_index * circumference)


def linewidth(fsr: float, r1: float, r2: float, a: float) -> float:
    """Return the full width at half maximum of the drop resonance [m].

    Args:
        fsr: Free spectral range [m].
        r1: Self-coupling amplitude of the input coupler.
        r2: Self-coupling amplitude of the drop coupler.
        a: Single-pass amplitude.

    Returns:
        `fsr * (1 - m) / (pi * sqrt(m))` with m = r1 r2 a; valid for m near 1.

    Reference: Bogaerts et al., Laser Photon. Rev., 2012.
    """
    m = r1 * r2 * a
    return fsr * (1.0 - m) / (math.pi * math.sqrt(m))


def neighbor_leak(spacing: float, width: float) -> float:
    """Return the part of a neighboring channel that a ring drops, relative to its own.

    Args:
        spacing: Distance of neighboring channels [m].
        width: Full width at half maximum of the ring [m].

    Returns:
        `1 / (1 + (2 spacing / width)²)`, a power ratio: the flank of the Lorentzian resonance.
    """
    return 1.0 / (1.0 + (2.0 * spacing / width) ** 2)


def channels_that_fit(fsr: float, width: float, leak: float) -> int:
    """Return how many channels one free spectral range holds.

    Args:
        fsr: Free spectral range [m].
        width: Full width at half maximum of the rings [m].
        leak: Largest `neighbor_leak` allowed, a power ratio below 1.

    Returns:
        Count at equal spacing, at least 1: a lone channel has no neighbor.
    """
    # Half a part in 1e12 keeps a spacing that is exactly allowed.
    spacing = width / 2.0 * math.sqrt(1.0 / leak - 1.0)
    return max(1, math.floor(fsr / spacing * (1.0 + 5e-13))) if spacing > 0.0 else 1_000_000
