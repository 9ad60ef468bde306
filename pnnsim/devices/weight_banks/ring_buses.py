"""Rings of a bank on its buses, each with as many wavelengths as one free spectral range holds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.devices.weight_banks.mrr_params import MrrParams
from pnnsim.physics import photonic_ring, photonic_ring_bus


def weights_on_buses(
    detuning: Tensor, ways: Tensor | None, params: MrrParams, ring: tuple[float, float]
) -> Tensor:
    """Return the weights of rings that meet every wavelength of their bus.

    Args:
        detuning: Shift of each ring away from its own channel [m], shape `(n_out, n_in)`.
        ways: Ways between the rings, as of `ways_on_buses`; None where the light of several rings
            adds as power.
        params: Description of the bank.
        ring: Free spectral range [m] and single-pass amplitude of its rings.

    Returns:
        Drop less through, as `detuning`.
    """
    channels, (fsr, amplitude) = params.channels_per_bus, ring
    n_out, n_in = detuning.shape
    rings = _on_buses(detuning, channels)
    plan = (fsr / channels, fsr, params.self_coupling, amplitude)
    if ways is None:
        weights = photonic_ring.bank_weights(rings, *plan)
    else:
        through, drop = photonic_ring_bus.coherent_bank_transmissions(rings, ways, *plan)
        weights = drop - through
    return weights.reshape(n_out, -1)[:, :n_in]


def ways_on_buses(bus_phase: Tensor | None, params: MrrParams, fsr: float) -> Tensor | None:
    """Return what the ways between the rings of a bank do to each wavelength.

    Args:
        bus_phase: Phase from the ring before to each ring and back [rad], shape `(n_out, n_in)`;
            None where light does not interfere.
        params: Description of the bank.
        fsr: Free spectral range of its rings [m].

    Returns:
        As of `photonic_ring_bus.ways_between`; None likewise.
    """
    if bus_phase is None:
        return None
    channels = params.channels_per_bus
    # Light goes the way between two rings twice, once on each bus.
    turns = 2.0 * params.ring_pitch / (2.0 * math.pi * params.ring_radius)
    phases = _on_buses(bus_phase, channels)
    return photonic_ring_bus.ways_between(phases, fsr / channels, fsr, turns=turns)


def _on_buses(rings: Tensor, channels: int) -> Tensor:
    """Return rings by bus, shape `(n_bus, n_channel)`.

    A line that is not in use still has its ring; on its own dark wavelength it does no harm.
    """
    n_out, n_in = rings.shape
    buses = math.ceil(n_in / channels)
    padded = torch.nn.functional.pad(rings, (0, buses * channels - n_in))
    return padded.reshape(n_out * buses, channels)
