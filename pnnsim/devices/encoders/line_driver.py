"""Encoder of voltage drivers for the lines of a crossbar."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Encoder
from pnnsim.devices.encoders.line_driver_params import LineDriverParams
from pnnsim.physics import quantize


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
