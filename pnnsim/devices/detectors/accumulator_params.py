"""Description of the accumulators at the outputs of a digital array."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.quantities import Carrier, Energy, Power, Time


class AccumulatorParams(DetectorParams):
    """Accumulators at the outputs of a digital array, wide enough that no sum overflows."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("number",)

    kind: Literal["accumulator"]
    capture_time: Annotated[Time, Field(ge=0)]
    """Time to add a sum to its accumulator, in which no other follows; 0 where it is added in the
    cycle in which it leaves the array."""
    add_energy: Annotated[Energy, Field(ge=0)]
    """Energy to add one sum of one bank, the register of the accumulator included."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one accumulator while the machine is on."""
