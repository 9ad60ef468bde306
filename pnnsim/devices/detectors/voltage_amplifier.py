"""Detector of voltages: the amplifiers behind chains of diodes."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like, normal
from pnnsim.devices.base import Active, Received, State
from pnnsim.devices.detectors.base import AmplifiedDetector
from pnnsim.devices.detectors.voltage_amplifier_params import VoltageAmplifierParams
from pnnsim.physics import electronic


@final
class VoltageAmplifier(AmplifiedDetector[VoltageAmplifierParams]):
    """Detector of the voltage of a chain, in series with the thermal noise of all its diodes.

    chain of n diodes (n R) ──▶ amplifier ──▶
    """

    kind = "voltage_amplifier"
    Params = VoltageAmplifierParams
    deterministic = ("saturation", "settling")
    non_idealities = (
        *deterministic,
        "thermal_noise",
        "voltage_noise",
        "laser_noise",
        "input_offset",
    )

    def static_power(self) -> float:
        """Return the power of one amplifier for each chain."""
        return self._amplifiers * self.params.static_power

    @property
    def _amplifiers(self) -> int:
        """Return one amplifier for each chain, of each tile along the inputs."""
        return self.size.detectors * self.size.tiles_in

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the voltage itself [V]; nothing is injected here."""
        return unit_input

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw the offset of each output [V], shape `(n_out,)`."""
        return {"offset": self.params.input_offset * normal((self.size.detectors,), generator)}

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the voltage with its noise, as far as the amplifier's rails."""
        signal = received.signal
        if generator is not None:
            variance = self.size.tiles_in * self._noise_variance(received.conductance, active)
            signal = signal + math.sqrt(variance) / received.unit_input * noise_like(
                signal, generator
            )
        if self.on(active, "input_offset") and "offset" in self.state:
            signal = signal + self.state["offset"].to(signal) / received.unit_input
        if not self.on(active, "saturation"):
            return signal
        limit = torch.as_tensor(self.params.voltage_limit / received.unit_input).to(signal)
        return signal.clamp(-limit, limit)

    def _noise_variance(self, conductance: float, active: Active) -> float:
        """Return the variance of one chain's voltage in the band of one pole [V^2]."""
        variance = 0.0
        if self.on(active, "thermal_noise"):
            variance += electronic.johnson_voltage_variance(
                1.0 / conductance, self._band, self.size.temperature
            )
        if self.on(active, "voltage_noise"):
            variance += self.params.voltage_noise**2 * self._band
        return variance
