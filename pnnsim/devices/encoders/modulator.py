"""Put the state onto lines: converters and modulators."""

from __future__ import annotations

from typing import TypeVar, final

from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, Encoder, wait_fs
from pnnsim.devices.encoders.modulator_params import MrmParams, MzmParams
from pnnsim.physics import dynamics, quantize

E = TypeVar("E", bound=MrmParams | MzmParams)


class LaserEncoder(Encoder[E]):
    """Modulate light of one laser for each value, behind one converter each."""

    def delay_fs(self, action: str) -> int:
        """Return the periods of a converter's lines, or the wait for the modulator to settle."""
        if action == "convert":
            return self.params.turns(self.size.lines) * to_fs(1.0 / self.params.symbol_rate)
        if action == "encode":
            time_constant = dynamics.time_constant_from_bandwidth(self.params.bandwidth)
            return wait_fs(self.params.settling_time, time_constant, self.params.bits)
        raise KeyError(action)

    def cost(self, action: str) -> float:
        """Return the energy of one conversion, or one symbol, on every line in use."""
        each = {"convert": self.params.dac_energy, "encode": self.params.symbol_energy}[action]
        return self.size.lines * each

    def static_power(self) -> float:
        """Return what lasers, converters and what keeps the modulators at work take."""
        laser = self.params.laser_power / self.params.laser_efficiency
        converters = self.params.standing_power(self.size.lines)
        return self.size.lines * (laser + self.params.static_power) + converters

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        return self.params.converters_area(self.size.lines)

    @property
    def full_scale(self) -> float:
        """Return the laser's power behind the modulator."""
        return self.params.laser_power * power_ratio(-self.params.insertion_loss)

    @property
    def intensity_noise(self) -> float:
        """Return the laser's relative intensity noise, from decibels."""
        return power_ratio(self.params.laser_rin)


@final
class ModulatorEncoder(LaserEncoder[MrmParams]):
    """Modulate one laser line per value; the power of a line carries a state in [0, 1]."""

    kind = "mrm"
    Params = MrmParams
    deterministic = non_idealities = ("quantization",)

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the line's power: never negative, at most the laser's."""
        if converted and self.on(active, "quantization"):
            return quantize.quantize(state, self.params.bits, 0.0, 1.0)
        return state.clamp(0.0, 1.0)


@final
class MachZehnderEncoder(LaserEncoder[MzmParams]):
    """Modulate light of one laser for each value, as a field in [-1, 1] or a power in [0, 1].

    A field changes its sign where the modulator is driven through dark; what a finite extinction
    leaves there is in quadrature, which a homodyne receiver does not see.
    """

    kind = "mzm"
    Params = MzmParams
    deterministic = non_idealities = ("quantization",)

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the line's field or power; drivers are taken to straighten the modulator."""
        low = -1.0 if self.params.carrier == "field" else 0.0
        if converted and self.on(active, "quantization"):
            return quantize.quantize(state, self.params.bits, low, 1.0)
        return state.clamp(low, 1.0)
