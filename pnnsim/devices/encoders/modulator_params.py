"""Descriptions of modulators, micro-ring or Mach-Zehnder, and of the lasers behind them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.common.units import power_ratio
from pnnsim.devices.encoders.dac_law import DAC
from pnnsim.devices.encoders.dac_params import DacParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Energy,
    Fraction,
    Frequency,
    NoiseDbc,
    Power,
    RatioDb,
    Time,
)


class MrmParams(DacParams):
    """Micro-ring modulators, one per line, each on a laser line of its own."""

    kind: Literal["mrm"]
    bits: Bits
    """Resolution of the digital-to-analog converters, and depth to which a symbol settles."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Conversion rate of each converter; one conversion takes its inverse."""
    dac_energy: Annotated[Energy, Field(ge=0), by_law(DAC, bits="bits", rate="symbol_rate")]
    """Energy of one conversion of one line."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of the modulator."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for a symbol to settle; from bandwidth and bits where it is not given."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one symbol on one line."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power that keeps one modulator on its wavelength."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of one modulator at full transmission."""
    laser_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power of the laser of one line."""
    laser_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of a laser."""
    laser_rin: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of one laser, one-sided."""

    @property
    def package_heat(self) -> float:
        """Return the heat of all modulators, which share the chip of the banks, and their light."""
        return self.lines * (self.static_power + self.laser_power)


class MzmParams(DacParams):
    """Mach-Zehnder modulators, one per line, all on light of one laser."""

    kind: Literal["mzm"]
    carrier: Literal["field", "power"]
    """What carries the state: a field with its sign, driven through dark, or a power."""
    bits: Bits
    """Resolution of the digital-to-analog converters, and depth to which a symbol settles."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Conversion rate of each converter; one conversion takes its inverse."""
    dac_energy: Annotated[Energy, Field(ge=0), by_law(DAC, bits="bits", rate="symbol_rate")]
    """Energy of one conversion of one line."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of the modulator."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for a symbol to settle; from bandwidth and bits where it is not given."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one symbol on one line."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power that holds the bias of one modulator."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of one modulator at full transmission."""
    laser_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power that one modulator receives."""
    laser_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of the laser."""
    laser_rin: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of the laser, one-sided."""

    @property
    def sends(self) -> Carrier:
        """Return the carrier that was chosen."""
        return self.carrier

    @property
    def package_heat(self) -> float:
        """Return the light that reaches the chip of the banks and ends there."""
        return self.lines * self.laser_power * power_ratio(-self.insertion_loss)
