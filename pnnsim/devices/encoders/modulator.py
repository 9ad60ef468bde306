"""Encoders of lasers behind modulators: micro-rings and Mach-Zehnder interferometers.

    state ──▶ (table) ──▶ converter ──▶ driver ──▶ modulator ──▶ line

The curve of the modulator is straightened by its driver, by the table, or not at all.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar, final

from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, band_wait_fs
from pnnsim.devices.encoders.base import ConverterEncoder
from pnnsim.devices.encoders.modulator_params import MrmParams, MzmParams
from pnnsim.physics import photonic_modulation

L = TypeVar("L", bound=MrmParams | MzmParams)


class LaserEncoder(ConverterEncoder[L]):
    """Encoder with a laser and a modulator for each line."""

    deterministic = (*ConverterEncoder.deterministic, "curvature", "extinction")
    non_idealities = deterministic

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return what the modulators make of a state, clipped at the ends of their range."""
        line = self._modulated(state, converted=converted, active=active)
        extinction = self.params.extinction
        if extinction is None or self._lowest < 0.0 or not self.on(active, "extinction"):
            return line
        return photonic_modulation.modulated_power(line, power_ratio(-extinction))

    def _modulated(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return what modulators that become quite dark make of a state."""
        correction = self.params.predistortion
        if correction == "driver" or not self.on(active, "curvature"):
            return super().encode(state, converted=converted, active=active)
        if correction == "none" or not converted:
            return self._light(super().encode(state, converted=converted, active=active))
        # The table and the curve cancel but for the steps of the converter between them. Each alone
        # has a slope without end, so that gradients pass straight through both.
        wanted = state.clamp(self._lowest, 1.0)
        drive = super().encode(self._drive(wanted.detach()), converted=True, active=active)
        return wanted + (self._light(drive) - wanted.detach())

    @abstractmethod
    def _light(self, drive: Tensor) -> Tensor:
        """Return the light at a drive, each relative to full scale."""

    @abstractmethod
    def _drive(self, light: Tensor) -> Tensor:
        """Return the drive that gives a light: the inverse of `_light`."""

    @property
    def _conversion_fs(self) -> int:
        return to_fs(1.0 / self.params.symbol_rate)

    @property
    def _settling_fs(self) -> int:
        return band_wait_fs(self.params)

    @property
    def _symbol_energy(self) -> float:
        return self.params.symbol_energy

    @property
    def _line_power(self) -> float:
        return self.params.laser_power / self.params.laser_efficiency + self.params.static_power

    @property
    def full_scale(self) -> float:
        """Return the laser's power behind the modulator [W]."""
        return self.params.laser_power * power_ratio(-self.params.insertion_loss)

    @property
    def intensity_noise(self) -> float:
        """Return the laser's relative intensity noise [1/Hz], from decibels."""
        return power_ratio(self.params.laser_rin)

    @property
    def common_intensity(self) -> float:
        """Return the part of that noise which is that of all lines, as of a comb."""
        return self.params.laser_common or 0.0


@final
class ModulatorEncoder(LaserEncoder[MrmParams]):
    """Encoder of micro-ring modulators; the power of a line carries a state in [0, 1]."""

    kind = "mrm"
    Params = MrmParams

    def _light(self, drive: Tensor) -> Tensor:
        assert self.params.swing is not None  # or it would have been refused
        return photonic_modulation.ring_power(drive, self.params.swing)

    def _drive(self, light: Tensor) -> Tensor:
        assert self.params.swing is not None
        return photonic_modulation.ring_power_drive(light, self.params.swing)


@final
class MachZehnderEncoder(LaserEncoder[MzmParams]):
    """Encoder of Mach-Zehnder modulators: fields in [-1, 1], or powers in [0, 1].

    A field changes its sign where the modulator is driven through dark; what a finite extinction
    leaves there is in quadrature, which a homodyne receiver does not see.
    """

    kind = "mzm"
    Params = MzmParams
    non_idealities = (*LaserEncoder.deterministic, "phase_noise")

    def _light(self, drive: Tensor) -> Tensor:
        if self.params.carrier == "field":
            return photonic_modulation.interferometer_field(drive)
        return photonic_modulation.interferometer_power(drive)

    def _drive(self, light: Tensor) -> Tensor:
        if self.params.carrier == "field":
            return photonic_modulation.interferometer_drive(light)
        return photonic_modulation.interferometer_power_drive(light)

    @property
    def _lowest(self) -> float:
        return -1.0 if self.params.carrier == "field" else 0.0

    @property
    def linewidth(self) -> float:
        """Return the linewidth of the laser [Hz]."""
        return self.params.laser_linewidth or 0.0

    @property
    def one_source(self) -> bool:
        """Return whether all modulators share one laser."""
        return self.params.one_laser
