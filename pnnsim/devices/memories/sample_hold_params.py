"""Description of analog sample-and-hold cells."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.family_params import MemoryParams
from pnnsim.devices.quantities import Count, Energy, Power, Rate, Time


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
