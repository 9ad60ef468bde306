"""Encoder of directly modulated light sources, one for each line."""

from __future__ import annotations

from typing import final

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import band_wait_fs
from pnnsim.devices.encoders.base import ConverterEncoder
from pnnsim.devices.encoders.source_array_params import SourceArrayParams


@final
class SourceArray(ConverterEncoder[SourceArrayParams]):
    """Encoder of light sources whose brightness carries a state in [0, 1]."""

    kind = "source_array"
    Params = SourceArrayParams

    @property
    def _conversion_fs(self) -> int:
        return to_fs(self.params.conversion_time)

    @property
    def _settling_fs(self) -> int:
        return band_wait_fs(self.params)

    @property
    def _symbol_energy(self) -> float:
        return 0.0  # a source draws its power all the time

    @property
    def _line_power(self) -> float:
        return self.params.electrical_power

    @property
    def full_scale(self) -> float:
        """Return the optical power of a source [W]."""
        return self.params.electrical_power * self.params.efficiency

    @property
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of a source [1/Hz], from decibels."""
        return power_ratio(self.params.intensity_noise)
