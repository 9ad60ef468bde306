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

#: Rings between two divisions: what as many in one channel leave of fields is still a number.
_TOGETHER = 8


def ways_between(bus_phase: Tensor, channel_spacing: float, fsr: float, *, turns: float) -> Tensor:
    """Return the phase factor of each wavelength on the way between rings and back.

    Args:
        bus_phase: Phase of the way from the ring before to this one and back on the other bus, at
            the wavelength of this ring's own channel [rad], shape `(…, n_out, n_in)`; that of the
            first ring has no effect.
        channel_spacing: Distance of neighboring wavelengths [m]; ring j belongs to channel j.
        fsr: Free spectral range of the rings [m].
        turns: That way over the circumference of a ring: how much faster its phase falls with
            wavelength.

    Returns:
        Complex factors of length 1, shape `(n_in, n_bus, n_channel)`: a ring, a bus, a wavelength.
    """
    require_positive("ways_between", fsr=fsr)
    rings = bus_phase.shape[-1]
    offset = _offsets(bus_phase) * channel_spacing
    way = bus_phase.reshape(-1, rings).T[:, :, None] - (2.0 * math.pi / fsr * turns) * offset
    return torch.complex(torch.cos(way), torch.sin(way))


def coherent_bank_transmissions(
    detuning: Tensor,
    ways: Tensor,
    channel_spacing: float,
    fsr: float,
    r: float,
    a: float,
) -> tuple[Tensor, Tensor]:
    """Return what each wavelength sends to both photodiodes, all of its ways interfering.

    Args:
        detuning: Shift of each ring to longer wavelength, away from its own channel [m], shape
            `(…, n_out, n_in)`: one bus for each output, one ring for each input.
        ways: Phase factors of the ways between rings, as of `ways_between`.
        channel_spacing: Distance of neighboring wavelengths [m]; ring j belongs to channel j.
        fsr: Free spectral range of the rings [m].
        r: Self-coupling amplitude of both couplers.
        a: Single-pass amplitude.

    Returns:
        Through and drop transmission of each channel, as `detuning`; they add to 1 if `a` is 1.

    Reference: recursion of a stack of partial mirrors (Born and Wolf, Principles of Optics, section
    1.6), whose mirrors are rings: two-channel side-coupled resonators, Heebner, Boyd and Park,
    J. Opt. Soc. Am. B 19, 722, 2002. With z the phase of a round trip, a ring lets through
    `t = r (1 - a z) / D` and drops `d = -(1 - r²) sqrt(a z) / D`, `D = 1 - r² a z` (Bogaerts et
    al., Laser Photon. Rev., 2012), so that `(t² - d²) D = r² - a z`. The recursion
    `R' = d + t² R / (1 - d R)` of a quotient R = A / B is therefore linear in both:
    `A' = d D B + (r² - a z) A` and `B' = D B - d D A`, each over sqrt(z) here.
    """
    require(
        detuning.ndim >= 2,
        "coherent_bank_transmissions",
        "shape of detuning",
        tuple(detuning.shape),
        "`(…, n_out, n_in)`",
    )
    require_positive("coherent_bank_transmissions", fsr=fsr)
    rings = detuning.shape[-1]
    offset = _offsets(detuning) * channel_spacing
    # All of [ring, bus, channel], so that a ring of every bus is one piece of memory.
    detuned = detuning.reshape(-1, rings).T[:, :, None]
    per_length = 2.0 * math.pi / fsr
    mirror = -(1.0 - r * r) * math.sqrt(a)
    m = r * r * a
    # What the rings so far reflect is `field / common`, which is not divided at each of them.
    shape = (*detuned.shape[1:2], rings)
    passed = detuning.new_ones(shape)
    field = torch.complex(torch.zeros_like(passed), torch.zeros_like(passed))
    for last in range(rings, 0, -_TOGETHER):
        some = slice(max(last - _TOGETHER, 0), last)
        # Phases fall with wavelength, so that a ring tuned to the red is ahead.
        half = (detuned[some] - offset[some]) * (0.5 * per_length)
        cosine, sine = torch.cos(half), torch.sin(half)
        behind = ways[some]
        denominator = torch.complex((1.0 - m) * cosine, -(1.0 + m) * sine)
        straight = torch.complex((r * r - a) * cosine, -(r * r + a) * sine)
        common = torch.complex(torch.ones_like(passed), torch.zeros_like(passed))
        for ring in reversed(range(len(half))):
            ahead = torch.sub(denominator[ring] * common, field, alpha=mirror)
            field = torch.add(straight[ring] * field, common, alpha=mirror) * behind[ring]
            common = ahead
        clear = (r * (1.0 - a)) ** 2 + 4.0 * m * sine**2
        passed = passed * clear.prod(dim=0) / _power(common)
        field = field / common
    return passed.reshape(detuning.shape), _power(field).reshape(detuning.shape)


def _offsets(rings: Tensor) -> Tensor:
    """Return by how many channels each wavelength is off each ring's own, `[ring, 1, channel]`."""
    channels = torch.arange(rings.shape[-1], dtype=rings.dtype, device=rings.device)
    return (channels[None, :] - channels[:, None])[:, None, :]


def _power(field: Tensor) -> Tensor:
    """Return the squared amplitude of a field."""
    return field.real**2 + field.imag**2
