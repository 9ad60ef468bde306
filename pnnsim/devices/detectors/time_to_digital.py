"""Detector that reads the resistance of a column as the time of a discharge."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Detector, Received
from pnnsim.devices.detectors.time_to_digital_params import TimeToDigitalParams
from pnnsim.physics import electronic, photonic_detection, resistance_sum


@final
class TimeToDigital(Detector[TimeToDigitalParams]):
    """Detector that counts until a column has discharged its node to a threshold.

        supply ─╲─ node ──▶ comparator ──▶ counter
                    ╪ C
                    ┴ column of resistances

    Time is in proportion to resistance. The voltage of the node is as noisy as heat makes any
    capacitor (kT/C), and the flatter its fall, the later or earlier it crosses the threshold: noise
    grows with the resistance of the whole column, of which the signal is a small part.

    Reference: Jung et al., Nature 601, 211, 2022.
    """

    kind = "time_to_digital"
    Params = TimeToDigitalParams
    deterministic = ("saturation", "quantization")
    non_idealities = (*deterministic, "thermal_noise", "comparator_noise", "jitter")

    def delay_fs(self, action: str) -> int:
        """Return the window, and the time to charge the node again."""
        return {"detect": to_fs(self.params.window) + to_fs(self.params.charge_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of charging all nodes and of converting their times."""
        p = self.params
        charge = electronic.capacitor_energy(p.capacitance, p.supply)
        return self._columns * {"detect": charge + p.conversion_energy}[action]

    def static_power(self) -> float:
        """Return the power of one converter for each column."""
        return self._columns * self.params.static_power

    @property
    def _columns(self) -> int:
        return self.size.detectors * self.size.tiles_in

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the resistance itself [Ohm]; nothing is injected here."""
        return unit_input

    @property
    def _per_ohm(self) -> float:
        """Return the time of a discharge over the resistance [s/Ohm]."""
        p = self.params
        return resistance_sum.discharge_time(1.0, p.capacitance, p.supply, p.threshold)

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the resistance beyond the mean one, over that of logical 1."""
        signal = received.signal
        unit = torch.as_tensor(received.unit_input).to(signal)
        column = 1.0 / received.conductance
        if generator is not None:
            deviation = math.sqrt(self.size.tiles_in * self._variance(column, active)) / unit
            signal = signal + deviation * noise_like(signal, generator)
        if self.on(active, "saturation"):
            # Columns share what is read where there are several.
            most = self.size.tiles_in * (self.params.window / self._per_ohm - column) / unit
            signal = signal.clamp(max=most)
        if self.on(active, "quantization"):
            step = self.params.resolution / self._per_ohm / unit
            counted = (signal.detach() / step).round() * step
            signal = counted + (signal - signal.detach())
        return signal

    def _variance(self, column: float, active: Active) -> float:
        """Return the variance of one column's reading [Ohm^2].

        Args:
            column: Mean resistance of the column [Ohm].
            active: Non-idealities that are switched on.
        """
        p, variance, volts = self.params, 0.0, 0.0
        if self.on(active, "thermal_noise"):
            volts += photonic_detection.sampling_variance(p.capacitance, self.size.temperature)
        if self.on(active, "comparator_noise"):
            volts += p.comparator_noise**2
        deviation = resistance_sum.threshold_noise(column, math.sqrt(volts), p.supply, p.threshold)
        variance += deviation**2
        if self.on(active, "jitter"):
            variance += (p.jitter / self._per_ohm) ** 2
        return variance

    def overload(self, power: float) -> tuple[str, ...]:
        """Return a warning where one step of the converter is more than two signs that differ."""
        step = self.params.resolution / self._per_ohm
        if step <= 2.0 * power:
            return ()
        return (
            f"detector.resolution: one step is {step:.3g} ohm, and a cell that changes its sign "
            f"{2.0 * power:.3g} ohm; expected at most that. Hint: a larger capacitance or a finer "
            "converter",
        )
