"""Description of drivers that put voltages onto the lines of a crossbar."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_law import DAC
from pnnsim.devices.encoders.dac_params import DacParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Energy,
    Frequency,
    Power,
    Time,
    Voltage,
)


class LineDriverParams(DacParams):
    """Drivers that put the state as voltages onto the lines of a crossbar."""

    sends: ClassVar[Carrier] = "voltage"

    kind: Literal["line_driver"]
    polarity: Literal["bipolar", "unipolar"]
    """Whether a line carries [-1, 1] or [0, 1]; anything beyond is clipped."""
    voltage: Annotated[Voltage, Field(gt=0, le=10)]
    """Voltage of a line at logical 1."""
    bits: Bits
    """Resolution of the digital-to-analog converters over the range of a line."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Conversion rate of each converter; one conversion takes its inverse."""
    dac_energy: Annotated[Energy, Field(ge=0), by_law(DAC, bits="bits", rate="symbol_rate")]
    """Energy of one conversion of one line."""
    settling_time: Annotated[Time, Field(ge=0)]
    """Wait for a driver to settle on a new voltage."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one new voltage on one line, without what the crossbar then takes."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one driver."""
