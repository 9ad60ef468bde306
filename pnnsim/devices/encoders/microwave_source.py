"""Encoder of microwave sources, one frequency for each line."""

from __future__ import annotations

from typing import final

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.encoders.base import ConverterEncoder
from pnnsim.devices.encoders.microwave_source_params import MicrowaveSourceParams


@final
class MicrowaveSource(ConverterEncoder[MicrowaveSourceParams]):
    """Encoder of states in [0, 1] as microwave powers, which one wire brings to all chains."""

    kind = "microwave_source"
    Params = MicrowaveSourceParams

    @property
    def _conversion_fs(self) -> int:
        return to_fs(1.0 / self.params.symbol_rate)

    @property
    def _settling_fs(self) -> int:
        return to_fs(self.params.settling_time)

    @property
    def _symbol_energy(self) -> float:
        return 0.0  # a source draws its power all the time

    @property
    def _line_power(self) -> float:
        return self.params.power / self.params.efficiency

    @property
    def full_scale(self) -> float:
        """Return the microwave power of logical 1 [W]."""
        return self.params.power

    @property
    def intensity_noise(self) -> float:
        """Return the relative noise of the power of a line [1/Hz], from decibels."""
        return power_ratio(self.params.amplitude_noise)
