"""Detector that collects charge over a whole stream of symbols, and is read once."""

from __future__ import annotations

from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Detector, Received
from pnnsim.devices.detectors.time_integrating_params import TimeIntegratingParams
from pnnsim.physics import photonic_detection


@final
class TimeIntegrating(Detector[TimeIntegratingParams]):
    """Detector of the charge that the difference of two photocurrents leaves on a capacitor.

        (+) ──▶ photodiode ─┬─ photodiode ◀── (-)
                            ╪ C ──▶ read, then reset

    Its noise is paid once for all symbols: that of reading and of the reset does not grow with the
    number of inputs, and that of counting electrons grows as its root (Hamerly et al., Phys. Rev. X
    9, 021032, 2019). The charge is an average over time, so that no bandwidth of an amplifier is in
    the way; intensity noise of a symbol is averaged over its length.
    """

    kind = "time_integrating"
    Params = TimeIntegratingParams
    deterministic = ("saturation",)
    non_idealities = (*deterministic, "shot_noise", "reset_noise", "read_noise", "laser_noise")

    def delay_fs(self, action: str) -> int:
        """Return the reading, after the integration where no stream sets its length."""
        alone = 0.0 if self._streams else self._symbol_time
        return {"detect": to_fs(alone) + to_fs(self.params.readout_time)}[action]

    @property
    def _streams(self) -> bool:
        return self.size.symbol_time > 0.0

    @property
    def _symbol_time(self) -> float:
        """Return for how long the light of one line is collected [s]."""
        if self._streams or self.params.integration_time is None:
            return self.size.symbol_time
        return self.params.integration_time

    @property
    def _whole_time(self) -> float:
        """Return for how long charge is collected in all [s]."""
        symbols = -(-self.size.lines // self.size.tiles_in) if self._streams else 1
        return symbols * self._symbol_time

    def cost(self, action: str) -> float:
        """Return the energy of reading and of resetting all outputs."""
        return self.size.detectors * {"detect": self.params.read_energy}[action]

    def static_power(self) -> float:
        """Return the power of all outputs."""
        return self.size.detectors * self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the photocurrent of a power."""
        return self.params.responsivity * unit_input

    def intensity_band(self, active: Active) -> float:
        """Return the band of an average over one symbol; none with that noise off."""
        if not self.on(active, "laser_noise"):
            return 0.0
        return float(photonic_detection.integrator_noise_bandwidth(self._symbol_time))

    def overload(self, power: float) -> tuple[str, ...]:
        """Return a warning where half of all lines, at full scale and weight, fill the node."""
        volts = self._electrons(power) * self.size.lines / 2 * constants.e / self.params.capacitance
        if volts <= self.params.voltage_limit:
            return ()
        return (
            f"detector.capacitance: half of all lines at full scale bring the node to {volts:.3g} "
            f"V; expected at most {self.params.voltage_limit:.3g} V. Hint: a larger capacitance, "
            "shorter symbols, or less light",
        )

    def _electrons(self, unit_input: float) -> float:
        """Return the electrons of logical 1."""
        current = self.params.responsivity * unit_input
        return photonic_detection.carriers(current, self._symbol_time)

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the charge over that of logical 1, with its noise."""
        signal = received.signal
        unit = torch.as_tensor(received.unit_input, dtype=torch.float64)
        electrons = self._electrons(1.0) * unit
        if generator is not None:
            with torch.no_grad():
                deviation = self._variance(received, electrons, active).sqrt() / electrons
            signal = torch.addcmul(signal, deviation.to(signal), noise_like(signal, generator))
        if self.on(active, "saturation"):
            full = self.params.capacitance * self.params.voltage_limit / constants.e / electrons
            limit = full.to(signal)
            signal = signal.clamp(-limit, limit)
        return signal

    def _variance(self, received: Received, electrons: Tensor, active: Active) -> Tensor:
        """Return the variance of the electrons that are read, shape `(batch, n_out)` or less."""
        p = self.params
        variance = torch.zeros_like(received.signal, dtype=torch.float64)
        if self.on(active, "shot_noise"):
            dark = photonic_detection.carriers(2.0 * p.dark_current, self._whole_time)
            variance = variance + electrons * received.total.double() + dark
        if self.on(active, "reset_noise") and not p.double_sampling:
            volts = photonic_detection.sampling_variance(p.capacitance, self.size.temperature)
            variance = variance + volts * (p.capacitance / constants.e) ** 2
        if self.on(active, "read_noise"):
            readings = 2.0 if p.double_sampling else 1.0
            variance = variance + readings * p.read_noise**2
        return variance.clamp(min=0.0)
