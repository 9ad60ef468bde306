"""Description of drivers that put the sign of the state onto gates."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import EncoderParams
from pnnsim.devices.quantities import Area, Carrier, Count, Energy, Power, Time


class GateDriverParams(EncoderParams):
    """Drivers of the gates of one row of cells each: the sign of a state, and its inverse."""

    sends: ClassVar[Carrier] = "gate"

    kind: Literal["gate_driver"]
    lines: Count
    """Rows that can be driven at once."""
    polarity: Literal["bipolar", "unipolar"]
    """Whether a state in [-1, 1] is cut at 0, to -1 or 1, or one in [0, 1] at half, to 0 or 1;
    gates send a 0 as a -1, and the sum of the weights, which is known, is subtracted."""
    decision_time: Annotated[Time, Field(ge=0)]
    """Time in which a comparator finds the sign of a state."""
    decision_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one decision."""
    settling_time: Annotated[Time, Field(ge=0)]
    """Wait for the gates of a row to settle."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of driving the gates of one row, both levels."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one driver."""
    driver_area: Annotated[Area, Field(ge=0)] | None = None
    """Area of one driver; where it is not given, the cost of areas leaves the drivers out."""
