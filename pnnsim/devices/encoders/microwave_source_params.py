"""Description of microwave sources, one frequency for each line."""

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
    Fraction,
    Frequency,
    NoiseDbc,
    Power,
    Time,
)


class MicrowaveSourceParams(DacParams):
    """Microwave sources whose power carries the state, each at a frequency of its own."""

    sends: ClassVar[Carrier] = "microwave"

    kind: Literal["microwave_source"]
    bits: Bits
    """Resolution of the digital-to-analog converters that set the power."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Conversion rate of each converter; one conversion takes its inverse."""
    dac_energy: Annotated[Energy, Field(ge=0), by_law(DAC, bits="bits", rate="symbol_rate")]
    """Energy of one conversion of one line."""
    settling_time: Annotated[Time, Field(ge=0)]
    """Wait for a source to settle on a new power."""
    power: Annotated[Power, Field(gt=0, le=10)]
    """Microwave power of one line at logical 1."""
    efficiency: Annotated[Fraction, Field(gt=0, le=1)]
    """Microwave power over the electrical power that is drawn all the time."""
    amplitude_noise: Annotated[NoiseDbc, Field(ge=-200, le=-60)]
    """Relative noise of the power of one line, one-sided."""
