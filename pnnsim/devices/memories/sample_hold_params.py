"""Description of analog sample-and-hold cells."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.quantities import Count, Energy, Params, Power, Rate, Time


class SampleHoldParams(Params):
    """Describe analog sample-and-hold cells, one per line and sample."""

    digital: ClassVar[bool] = False

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
