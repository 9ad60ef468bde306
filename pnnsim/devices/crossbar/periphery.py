"""Drive, select and read the lines of a crossbar: drivers, transmission gates, amplifiers."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Detector, Encoder, Received, Switch, wait_fs
from pnnsim.devices.detectors.crossbar_tia_params import CrossbarTiaParams
from pnnsim.devices.encoders.line_driver_params import LineDriverParams
from pnnsim.devices.switches.current_params import CurrentSwitchParams
from pnnsim.physics import dynamics, photonic_detection, quantize


@final
class LineDriver(Encoder[LineDriverParams]):
    """Put a voltage on each driven line, of either sign or of one."""

    kind = "line_driver"
    Params = LineDriverParams
    deterministic = non_idealities = ("quantization",)

    def delay_fs(self, action: str) -> int:
        """Return the periods of a converter's lines, or the wait for the driver to settle."""
        if action == "convert":
            return self.params.turns(self.size.lines) * to_fs(1.0 / self.params.symbol_rate)
        if action == "encode":
            return to_fs(self.params.settling_time)
        raise KeyError(action)

    def cost(self, action: str) -> float:
        """Return the energy of one conversion, or one new voltage, on every line in use."""
        each = {"convert": self.params.dac_energy, "encode": self.params.symbol_energy}[action]
        return self.size.lines * each

    def static_power(self) -> float:
        """Return the power of all drivers in use and of their converters."""
        converters = self.params.standing_power(self.size.lines)
        return self.size.lines * self.params.static_power + converters

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        return self.params.converters_area(self.size.lines)

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the line's voltage over that of logical 1, between the rails."""
        low = -1.0 if self.params.polarity == "bipolar" else 0.0
        if converted and self.on(active, "quantization"):
            return quantize.quantize(state, self.params.bits, low, 1.0)
        return state.clamp(low, 1.0)

    @property
    def full_scale(self) -> float:
        """Return the voltage of logical 1."""
        return self.params.voltage


@final
class CurrentSwitch(Switch[CurrentSwitchParams]):
    """Connect the sense lines of one bank to the amplifiers, a transmission gate on each.

    The amplifier senses behind the gate, so that a closed gate takes nothing of the signal.
    """

    kind = "current"
    Params = CurrentSwitchParams
    deterministic = ("leakage",)
    non_idealities = (*deterministic, "settling", "charge_injection")

    def delay_fs(self, action: str) -> int:
        """Return the time of a whole move, from the address to settled sense lines."""
        p = self.params
        move = p.settling_time
        if move is None:
            move = p.decoder_time + dynamics.settling_time(p.time_constant, p.bits)
        return {"route": to_fs(move)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of opening the gates of one bank and closing those of another."""
        return {"route": 2 * self._gates * self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return the leakage of the gates of all banks."""
        return self.size.banks * self._gates * self.params.static_power

    @property
    def _gates(self) -> int:
        """Return the gates of one logical bank: every tile has sense lines of its own."""
        return self.size.detectors * self.size.tiles_in * self.params.gates_per_output

    @property
    def transmission(self) -> float:
        """Return 1: the amplifier holds the line itself at virtual ground, behind the gate."""
        return 1.0

    def leakage(self, active: Active) -> float:
        """Return the ratio of the resistances of a closed and an open gate."""
        if not self.on(active, "leakage"):
            return 0.0
        return self.params.on_resistance / self.params.off_resistance

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an exponential approach has left, which begins when the decoder is done."""
        moving = (dwell - self.params.decoder_time).clamp(min=0.0)
        return self.unsettled(moving, self.params.time_constant, active)

    def injection(self, dwell: Tensor, active: Active) -> Tensor | None:
        """Return the part of the gates' charge that both polarities do not cancel, as a current.

        The charge leaves with the amplifier's time constant: `Q / tau * exp(-t / tau)`.
        """
        if not self.on(active, "charge_injection"):
            return None
        p = self.params
        moving = (dwell - p.decoder_time).clamp(min=0.0)
        gates = p.gates_per_output * self.size.tiles_in
        charge = gates * p.injected_charge * p.injection_mismatch
        return charge / p.injection_time * dynamics.residue(moving, p.injection_time)


@final
class CrossbarTia(Detector[CrossbarTiaParams]):
    """Amplify the difference of the sense currents of both polarities; no shot noise in metal."""

    kind = "crossbar_tia"
    Params = CrossbarTiaParams
    deterministic = ("saturation", "settling")
    non_idealities = (*deterministic, "thermal_noise", "amplifier_noise")

    def delay_fs(self, action: str) -> int:
        """Return the wait before the capture."""
        wait = wait_fs(self.params.settling_time, self._time_constant, self.params.bits)
        return {"detect": wait}[action]

    @property
    def _time_constant(self) -> float:
        return dynamics.time_constant_from_bandwidth(self.params.bandwidth)

    def cost(self, action: str) -> float:
        """Return nothing: an amplifier draws standing power only."""
        return {"detect": 0.0}[action]

    def static_power(self) -> float:
        """Return the power of one amplifier per output; tiles sum on one amplifier."""
        return self.size.detectors * self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the current itself."""
        return unit_input

    def residue(self, active: Active) -> float:
        """Return what an exponential approach has left of the symbol before."""
        return self.unsettled_symbol(self._time_constant, active)

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
        band = photonic_detection.single_pole_noise_bandwidth(self.params.bandwidth)
        variance = 0.0
        if self.on(active, "thermal_noise"):
            variance += photonic_detection.johnson_variance(
                conductance, band, self.size.temperature
            )
        if self.on(active, "amplifier_noise"):
            variance += photonic_detection.amplifier_variance(self.params.amplifier_noise, band)
        return variance
