"""Encoder of voltage drivers for the lines of a crossbar."""

from __future__ import annotations

from typing import final

from pnnsim.common.units import to_fs
from pnnsim.devices.encoders.base import ConverterEncoder
from pnnsim.devices.encoders.line_driver_params import LineDriverParams


@final
class LineDriver(ConverterEncoder[LineDriverParams]):
    """Encoder of drivers whose voltage, of one sign or of both, carries the state."""

    kind = "line_driver"
    Params = LineDriverParams

    @property
    def _conversion_fs(self) -> int:
        return to_fs(1.0 / self.params.symbol_rate)

    @property
    def _settling_fs(self) -> int:
        return to_fs(self.params.settling_time)

    @property
    def _symbol_energy(self) -> float:
        return self.params.symbol_energy

    @property
    def _line_power(self) -> float:
        return self.params.static_power

    @property
    def _lowest(self) -> float:
        return -1.0 if self.params.polarity == "bipolar" else 0.0

    @property
    def full_scale(self) -> float:
        """Return the voltage of logical 1 [V]."""
        return self.params.voltage
