"""Curve of a ring that meets its own wavelength only: weight against detuning, and back."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.devices.weight_banks.mrr_params import MrrParams
from pnnsim.physics import dynamics, photonic_ring


@final
class RingCurve:
    """Curve of the weight of one ring, drop less through, against its detuning.

    Args:
        params: Description of the bank.

    Attributes:
        spectral_range: Free spectral range [m].
        amplitude: What one round leaves of the amplitude.
        low: Lowest weight of a ring.
        scale: Weight of a ring that is logical 1: the achievable interval is not symmetric.
    """

    def __init__(self, params: MrrParams) -> None:
        self._params = params
        circumference = 2.0 * math.pi * params.ring_radius
        self.spectral_range = photonic_ring.free_spectral_range(
            params.wavelength, params.group_index, circumference
        )
        self.amplitude = photonic_ring.ring_amplitude(params.ring_loss, circumference)
        self.low, high = photonic_ring.weight_interval(params.self_coupling, self.amplitude)
        if params.voltage_shift is not None and params.voltage_limit is not None:
            # A junction moves a resonance only so far, so that little weight is left off resonance.
            reach = torch.tensor(params.voltage_shift * params.voltage_limit, dtype=torch.float64)
            self.low = max(self.low, float(self.weight(reach)))
        self.scale = params.usable_range * min(high, -self.low)

    @property
    def response(self) -> float:
        """Return the time constant of a ring's light [s]."""
        p = self._params
        width = photonic_ring.linewidth(
            self.spectral_range, p.self_coupling, p.self_coupling, self.amplitude
        )
        bandwidth = photonic_ring.optical_bandwidth(p.wavelength, width)
        return dynamics.time_constant_from_bandwidth(bandwidth)

    def weight(self, detuning: Tensor) -> Tensor:
        """Return the weight of a ring, drop less through, as `detuning` [m]."""
        phase = detuning * (2.0 * math.pi / self.spectral_range)
        return photonic_ring.ring_weight(phase, self._params.self_coupling, self.amplitude)

    def detuning(self, logical: Tensor) -> Tensor:
        """Return how far from its wavelength a ring of some logical weight is [m], likewise."""
        phase = photonic_ring.weight_to_phase(
            self.scale * logical, self._params.self_coupling, self.amplitude
        )
        return photonic_ring.phase_to_detuning(phase, self.spectral_range)
