"""Readout of analog-to-digital converters."""

from __future__ import annotations

import math
from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Readout
from pnnsim.devices.readouts.adc_params import AdcParams
from pnnsim.physics import quantize


@final
class Adc(Readout[AdcParams]):
    """Readout that converts the last state; the energy is that of Walden's figure of merit."""

    kind = "adc"
    Params = AdcParams
    deterministic = non_idealities = ("quantization",)

    def delay_fs(self, action: str) -> int:
        """Return the time of the conversions of one converter's lines."""
        turns = self.params.turns(self.size.hidden)
        return {"convert": turns * to_fs(self.params.conversion_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one conversion of every line: figure of merit times 2^ENOB."""
        steps = math.pow(2.0, self.params.enob)
        return {"convert": self.size.hidden * self.params.figure_of_merit * steps}[action]

    def static_power(self) -> float:
        """Return the standing power of all converters."""
        return self.params.converters(self.size.hidden) * self.params.static_power

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        return self.params.converters_area(self.size.hidden)

    def read(self, state: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return the state in steps of the converter, whose range is that of f."""
        if not self.on(active, "quantization"):
            return state
        return quantize.quantize(state, self.params.bits, *span)
