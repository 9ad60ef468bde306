"""Description of the one modulator that sends a vector symbol by symbol."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.common.units import power_ratio
from pnnsim.devices.encoders.dac_law import DAC
from pnnsim.devices.encoders.dac_params import DacParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Count,
    Energy,
    Fraction,
    Frequency,
    NoiseDbc,
    Power,
    RatioDb,
)


class StreamModulatorParams(DacParams):
    """One broadband modulator on the light of all wavelengths, one symbol for each input."""

    sends: ClassVar[Carrier] = "stream"

    kind: Literal["stream_modulator"]
    lines: Count
    """Symbols of one vector that can be sent."""
    bits: Bits
    """Resolution of the digital-to-analog converter."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Symbols per time, as many as the weights that meet them."""
    dac_energy: Annotated[Energy, Field(ge=0), by_law(DAC, bits="bits", rate="symbol_rate")]
    """Energy of one conversion."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of the modulator: a slow one mixes each symbol with the one before."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one symbol."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power that holds the bias of the modulator."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of the modulator at full transmission."""
    laser_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power of one wavelength at the modulator; each output has a wavelength."""
    laser_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of the light source."""
    laser_rin: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of the comb that lights all wavelengths, one-sided: that of one
    symbol is common to all outputs."""

    @property
    def symbol_time(self) -> float:
        """Return the length of one symbol [s]."""
        return 1.0 / self.symbol_rate

    @property
    def full_scale(self) -> float:
        """Return the power of one wavelength behind the modulator [W]."""
        return self.laser_power * power_ratio(-self.insertion_loss)
