"""Detector of currents: the transimpedance amplifiers of a crossbar."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like, normal
from pnnsim.devices.base import Active, Received, State
from pnnsim.devices.detectors.base import AmplifiedDetector
from pnnsim.devices.detectors.crossbar_tia_params import CrossbarTiaParams
from pnnsim.physics import electronic, photonic_detection


@final
class CrossbarTia(AmplifiedDetector[CrossbarTiaParams]):
    """Detector of the difference of both polarities' sense currents; metal has no shot noise.

    I+ ──▶┐
          ├─ amplifier at virtual ground ──▶ difference
    I- ──▶┘

    The lines that the amplifier should hold at virtual ground follow its own noise voltage and its
    offset, and these drive a current through every cell that hangs on it: the larger the array, and
    the lower its resistances, the more.
    """

    kind = "crossbar_tia"
    Params = CrossbarTiaParams
    deterministic = ("saturation", "settling")
    non_idealities = (
        *deterministic,
        "thermal_noise",
        "amplifier_noise",
        "voltage_noise",
        "input_offset",
    )

    def static_power(self) -> float:
        """Return the power of one amplifier per output; tiles sum on one amplifier."""
        return self.size.detectors * self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the current itself."""
        return unit_input

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw the offset of each amplifier [V], shape `(n_out,)`."""
        return {"offset": self.params.input_offset * normal((self.size.detectors,), generator)}

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the current with its noise, as far as the amplifier's rails."""
        signal = received.signal
        if generator is not None:
            deviation = math.sqrt(self._noise_variance(received.conductance, active))
            noise = noise_like(signal, generator)
            signal = signal + deviation / received.unit_input * noise
        if self.on(active, "input_offset") and "offset" in self.state:
            current = electronic.offset_current(self.state["offset"], received.conductance)
            signal = signal + current.to(signal) / received.unit_input
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
        if self.on(active, "voltage_noise"):
            density = electronic.offset_current(self.params.voltage_noise, conductance)
            variance += photonic_detection.amplifier_variance(density, band)
        return variance
