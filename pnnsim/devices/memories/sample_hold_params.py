"""Describe the analog memory of the state, and the converters that read the result out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_params import ConverterParams
from pnnsim.devices.family_params import MemoryParams, ReadoutParams
from pnnsim.devices.quantities import Bits, Count, Energy, Power, Rate, Time


class SampleHoldParams(MemoryParams):
    """Analog sample-and-hold cells, one per line and sample."""

    kind: Literal["sample_hold"]
    capacity: Count
    """Samples whose states fit."""
    hold_time: Annotated[Time, Field(ge=0)]
    """Time to acquire a sample."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one sample of one line."""
    droop: Annotated[Rate, Field(ge=0)]
    """Relative loss of the held value per time."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one cell."""


class AdcParams(ConverterParams, ReadoutParams):
    """Analog-to-digital converters that hand the result to the host."""

    kind: Literal["adc"]
    bits: Bits
    """Resolution over the range of the state."""
    conversion_time: Annotated[Time, Field(gt=0)]
    """Time of one conversion."""
    figure_of_merit: Annotated[Energy, Field(ge=0)]
    """Walden figure of merit: energy per conversion step."""
    enob: Annotated[float, Field(gt=0, le=24)]
    """Effective number of bits; a conversion costs figure_of_merit * 2^enob."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one converter between conversions."""
