"""Rings of a bank on its buses, each with as many wavelengths as one free spectral range holds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.devices.weight_banks.mrr_params import MrrParams
from pnnsim.physics import photonic_ring, photonic_ring_bus


def weights_on_buses(
    detuning: Tensor, bus_phase: Tensor | None, params: MrrParams, ring: tuple[float, float]
) -> Tensor:
    """Return the weights of rings that meet every wavelength of their bus.

    Args:
        detuning: Shift of each ring away from its own channel [m], shape `(n_out, n_in)`.
        bus_phase: Phase from the ring before to each ring and back [rad], as `detuning`; None where
            the light of several rings adds as power.
        params: Description of the bank.
        ring: Free spectral range [m] and single-pass amplitude of its rings.

    Returns:
        Drop less through, as `detuning`.
    """
    channels, (fsr, amplitude) = params.channels_per_bus, ring
    n_out, n_in = detuning.shape
    buses = math.ceil(n_in / channels)
    # A line that is not in use still has its ring; on its own dark wavelength it does no harm.
    missing = buses * channels - n_in

    def on_buses(rings: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(rings, (0, missing))
        return padded.reshape(n_out * buses, channels)

    plan = (fsr / channels, fsr, params.self_coupling, amplitude)
    if bus_phase is None:
        weights = photonic_ring.bank_weights(on_buses(detuning), *plan)
    else:
        # Light goes the way between two rings twice, once on each bus.
        turns = 2.0 * params.ring_pitch / (2.0 * math.pi * params.ring_radius)
        through, drop = photonic_ring_bus.coherent_bank_transmissions(
            on_buses(detuning), on_buses(bus_phase), *plan, turns=turns
        )
        weights = drop - through
    return weights.reshape(n_out, buses * channels)[:, :n_in]
