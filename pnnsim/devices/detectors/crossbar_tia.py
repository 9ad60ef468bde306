"""Detector of currents: the transimpedance amplifiers of a crossbar."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.devices.base import Active, Received
from pnnsim.devices.detectors.base import AmplifiedDetector
from pnnsim.devices.detectors.crossbar_tia_params import CrossbarTiaParams
from pnnsim.physics import photonic_detection


@final
class CrossbarTia(AmplifiedDetector[CrossbarTiaParams]):
    """Detector of the difference of both polarities' sense currents; metal has no shot noise.

    I+ ──▶┐
          ├─ amplifier at virtual ground ──▶ difference
    I- ──▶┘
    """

    kind = "crossbar_tia"
    Params = CrossbarTiaParams
    deterministic = ("saturation", "settling")
    non_idealities = (*deterministic, "thermal_noise", "amplifier_noise")

    def static_power(self) -> float:
        """Return the power of one amplifier per output; tiles sum on one amplifier."""
        return self.size.detectors * self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the current itself."""
        return unit_input

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the current with its noise, as far as the amplifier's rails."""
        signal = received.signal
        if generator is not None:
            deviation = math.sqrt(self._noise_variance(received.conductance, active))
            noise = noise_like(signal, generator)
            signal = signal + deviation / received.unit_input * noise
        if not self.on(active, "saturation"):
            return signal
        limit = torch.as_tensor(
            self.params.current_limit / received.unit_input,
            dtype=signal.dtype,
            device=signal.device,
        )
        return signal.clamp(-limit, limit)

    def _noise_variance(self, conductance: float, active: Active) -> float:
        """Return the variance of the current in the band of one pole [A^2]."""
        band = self._band
        variance = 0.0
        if self.on(active, "thermal_noise"):
            variance += photonic_detection.johnson_variance(
                conductance, band, self.size.temperature
            )
        if self.on(active, "amplifier_noise"):
            variance += photonic_detection.amplifier_variance(self.params.amplifier_noise, band)
        return variance
