"""Description of arrays of directly modulated light sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_law import DAC
from pnnsim.devices.encoders.dac_params import DacParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Bits,
    Energy,
    Fraction,
    Frequency,
    NoiseDbc,
    Power,
    Time,
)


class SourceArrayParams(DacParams):
    """Array of directly modulated light sources, one for each line."""

    kind: Literal["source_array"]
    bits: Bits
    """Resolution of the digital-to-analog converters, and depth to which a symbol settles."""
    conversion_time: Annotated[Time, Field(ge=0)]
    """Time of one conversion."""
    dac_energy: Annotated[Energy, Field(ge=0), by_law(DAC, bits="bits", rate="conversion_rate")]
    """Energy of one conversion of one line."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of a source."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for a symbol to settle; from bandwidth and bits where it is not given."""
    electrical_power: Annotated[Power, Field(gt=0)]
    """Electrical power of one source at full scale, drawn all the time."""
    efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power at full scale over electrical power."""
    intensity_noise: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of one source, one-sided."""

    @property
    def conversion_rate(self) -> float:
        """Return the conversions per time of one converter [Hz]."""
        return 1.0 / self.conversion_time
