"""Encoders of lasers behind modulators: micro-rings and Mach-Zehnder interferometers."""

from __future__ import annotations

from typing import TypeVar, final

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import band_wait_fs
from pnnsim.devices.encoders.base import ConverterEncoder
from pnnsim.devices.encoders.modulator_params import MrmParams, MzmParams

L = TypeVar("L", bound=MrmParams | MzmParams)


class LaserEncoder(ConverterEncoder[L]):
    """Encoder with a laser and a modulator for each line."""

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


@final
class ModulatorEncoder(LaserEncoder[MrmParams]):
    """Encoder of micro-ring modulators; the power of a line carries a state in [0, 1]."""

    kind = "mrm"
    Params = MrmParams


@final
class MachZehnderEncoder(LaserEncoder[MzmParams]):
    """Encoder of Mach-Zehnder modulators: fields in [-1, 1], or powers in [0, 1].

    A field changes its sign where the modulator is driven through dark; what a finite extinction
    leaves there is in quadrature, which a homodyne receiver does not see. Drivers are taken to
    correct the curve of the modulator.
    """

    kind = "mzm"
    Params = MzmParams
    non_idealities = (*LaserEncoder.deterministic, "phase_noise")

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
