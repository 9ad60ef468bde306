"""Model a bus of rings for light that interferes with itself, as that of a laser does.

Every ring sends a part of each wavelength to the drop bus, so that light of one laser line comes to
the photodiode by several ways whose fields add. `photonic_ring.bank_transmissions` adds their
powers instead: right for light of a coherence length shorter than the bus.

    in ──►──┬──── p1 ───┬──── p2 ───┬──► through      a ring hands light to the other bus,
          ring 0      ring 1      ring 2              where it runs back towards the input:
    drop ◄──┴───────────┴───────────┴───              a stack of partial mirrors
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_positive


def ring_fields(phase: Tensor, r: float, a: float) -> tuple[Tensor, Tensor]:
    """Return the field transmissions of an add-drop ring with two equal couplers.

    Args:
        phase: Round-trip phase from resonance [rad], any shape.
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude, 1 without loss.

    Returns:
        Through and drop, complex, each as `phase`; their squares are those of
        `photonic_ring.ring_transmission`.

    Reference: Bogaerts et al., Laser Photon. Rev., 2012.
    """
    turn = torch.polar(torch.ones_like(phase), phase)
    half = torch.polar(torch.ones_like(phase), phase / 2.0)
    denominator = 1.0 - r * r * a * turn
    through = r * (1.0 - a * turn) / denominator
    drop = -(1.0 - r * r) * math.sqrt(a) * half / denominator
    return through, drop


def coherent_bank_transmissions(
    detuning: Tensor,
    bus_phase: Tensor,
    channel_spacing: float,
    fsr: float,
    r: float,
    a: float,
    *,
    turns: float,
) -> tuple[Tensor, Tensor]:
    """Return what each wavelength sends to both photodiodes, all of its ways interfering.

    Args:
        detuning: Shift of each ring to longer wavelength, away from its own channel [m], shape
            `(…, n_out, n_in)`: one bus for each output, one ring for each input.
        bus_phase: Phase of the way from the ring before to this one and back on the other bus, at
            the wavelength of this ring's own channel [rad], as `detuning`; that of the first ring
            has no effect.
        channel_spacing: Distance of neighboring wavelengths [m]; ring j belongs to channel j.
        fsr: Free spectral range of the rings [m].
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude.
        turns: That way over the circumference of a ring: how much faster its phase falls with
            wavelength.

    Returns:
        Through and drop transmission of each channel, as `detuning`; they add to 1 if `a` is 1.

    Reference: recursion of a stack of partial mirrors (Born and Wolf, Principles of Optics, section
    1.6), whose mirrors are rings: two-channel side-coupled resonators, Heebner, Boyd and Park,
    J. Opt. Soc. Am. B 19, 722, 2002.
    """
    require(
        detuning.ndim >= 2,
        "coherent_bank_transmissions",
        "shape of detuning",
        tuple(detuning.shape),
        "`(…, n_out, n_in)`",
    )
    require_positive("coherent_bank_transmissions", fsr=fsr)
    channels = torch.arange(detuning.shape[-1], dtype=detuning.dtype, device=detuning.device)
    offset = (channels[None, :] - channels[:, None]) * channel_spacing  # [ring, channel]
    per_length = 2.0 * math.pi / fsr
    # Phases fall with wavelength, so that a ring tuned to the red is ahead.
    through, drop = ring_fields(-per_length * (offset - detuning[..., :, None]), r, a)
    way = bus_phase[..., :, None] - per_length * turns * offset
    back = torch.polar(torch.ones_like(way), way)
    reflected = torch.zeros_like(drop[..., 0, :])
    passed = torch.ones_like(reflected)
    for ring in reversed(range(detuning.shape[-1])):
        mirror, clear = drop[..., ring, :], through[..., ring, :]
        # Light between this ring and those behind it goes to and fro.
        between = clear / (1.0 - mirror * reflected)
        passed = passed * between
        reflected = mirror + clear * reflected * between
        reflected = reflected * back[..., ring, :]
    return _power(passed), _power(reflected)


def _power(field: Tensor) -> Tensor:
    """Return the squared amplitude of a field."""
    return field.real**2 + field.imag**2
