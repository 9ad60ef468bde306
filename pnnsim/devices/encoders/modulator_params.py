"""Descriptions of modulators, micro-ring or Mach-Zehnder, and of the lasers behind them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

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
    extinction: Annotated[RatioDb, Field(gt=0, le=100)] | None = None
    """Light at full transmission over light at the darkest; none for a
    modulator that becomes quite dark."""
    predistortion: Literal["driver", "digital", "none"] = "driver"
    """What straightens the curve of the modulator: its driver; a table before the converter, whose
    steps are then even in voltage, and which no analog state passes; or nothing."""
    swing: Annotated[float, Field(gt=0, le=100)] | None = None
    """Largest shift of the ring's resonance, in half linewidths, which bends its curve; needed
    unless the driver straightens it."""
    laser_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power of the laser of one line."""
    laser_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of a laser."""
    laser_rin: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of one laser, one-sided."""
    laser_common: Annotated[Fraction, Field(ge=0, le=1)] | None = None
    """Part of the variance of a line's intensity noise that is that of all lines, as where one pump
    or one amplifier stands behind the lines of a comb; none for lasers of their own."""

    @property
    def package_heat(self) -> float:
        """Return the heat of all modulators, which share the chip of the banks, and their light."""
        return self.sets * self.lines * (self.static_power + self.laser_power)

    @model_validator(mode="after")
    def _curve_is_known(self) -> Self:
        """Refuse a curve that nothing straightens and whose shape is not stated."""
        if self.predistortion != "driver" and self.swing is None:
            raise PydanticCustomError(
                "predistortion",
                "a ring's curve that its driver does not straighten, without a swing; expected one",
            )
        return self


class MzmParams(DacParams):
    """Mach-Zehnder modulators, one per line, on light of one laser or of one for each line."""

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
    extinction: Annotated[RatioDb, Field(gt=0, le=100)] | None = None
    """Light at full transmission over light at the darkest, of a power; of a field, what is left is
    in quadrature, which receivers do not see. None for a modulator that becomes quite dark."""
    predistortion: Literal["driver", "digital", "none"] = "driver"
    """What straightens the curve of the modulator: its driver; a table before the converter, whose
    steps are then even in voltage, and which no analog state passes; or nothing."""
    laser_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power that one modulator receives."""
    laser: Literal["shared", "separate"] | None = None
    """Whether one laser feeds all modulators, so that its intensity noise is common to them, or
    each has a laser, or a line of a comb, of its own; by default shared for fields, which have to
    interfere, and separate for powers."""
    laser_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of the laser."""
    laser_rin: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of the laser, one-sided."""
    laser_common: Annotated[Fraction, Field(ge=0, le=1)] | None = None
    """Part of the variance of a line's intensity noise that is that of all lines, as where one pump
    or one amplifier stands behind the lines of a comb; none for lasers of their own."""
    laser_linewidth: Annotated[Frequency, Field(ge=0, le=1e12)] | None = None
    """Full width at half maximum of the laser's Lorentzian line, which matters to fields alone;
    none for a laser whose phase does not wander."""

    @model_validator(mode="after")
    def _fields_share_a_laser(self) -> Self:
        """Refuse fields that could not interfere."""
        if self.carrier == "field" and self.laser == "separate":
            raise PydanticCustomError(
                "laser",
                "fields of separate lasers, which do not interfere; expected a shared laser",
            )
        if self.one_laser and self.laser_common is not None:
            raise PydanticCustomError(
                "laser", "a laser_common of one shared laser, all of whose noise is; expected none"
            )
        return self

    @property
    def one_laser(self) -> bool:
        """Return whether one laser feeds all modulators."""
        return self.carrier == "field" or self.laser == "shared"

    @property
    def sends(self) -> Carrier:
        """Return the carrier that was chosen."""
        return self.carrier

    @property
    def package_heat(self) -> float:
        """Return the light that reaches the chip of the banks and ends there."""
        return self.sets * self.lines * self.laser_power * power_ratio(-self.insertion_loss)
