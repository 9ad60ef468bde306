"""Encoder of directly modulated light sources, one for each line."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import (
    Active,
    Encoder,
    wait_fs,
)
from pnnsim.devices.encoders.source_array_params import SourceArrayParams
from pnnsim.physics import dynamics, quantize


@final
class SourceArray(Encoder[SourceArrayParams]):
    """Drive one light source per value; brightness carries a state in [0, 1]."""

    kind = "source_array"
    Params = SourceArrayParams
    deterministic = non_idealities = ("quantization",)

    def delay_fs(self, action: str) -> int:
        """Return the conversions of a converter's lines, or the wait for a source to settle."""
        if action == "convert":
            return self.params.turns(self.size.lines) * to_fs(self.params.conversion_time)
        if action == "encode":
            time_constant = dynamics.time_constant_from_bandwidth(self.params.bandwidth)
            return wait_fs(self.params.settling_time, time_constant, self.params.bits)
        raise KeyError(action)

    def cost(self, action: str) -> float:
        """Return the conversions of every line; light itself is static power."""
        return self.size.lines * {"convert": self.params.dac_energy, "encode": 0.0}[action]

    def static_power(self) -> float:
        """Return the power of all sources and converters."""
        converters = self.params.standing_power(self.size.lines)
        return self.size.lines * self.params.electrical_power + converters

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        return self.params.converters_area(self.size.lines)

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the brightness: never negative, at most full scale."""
        if converted and self.on(active, "quantization"):
            return quantize.quantize(state, self.params.bits, 0.0, 1.0)
        return state.clamp(0.0, 1.0)

    @property
    def full_scale(self) -> float:
        """Return the optical power of a source."""
        return self.params.electrical_power * self.params.efficiency

    @property
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of a source, from decibels."""
        return power_ratio(self.params.intensity_noise)
