"""Description of the digital front end.

It computes the input map ahead of the loop and the output map behind it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.family_params import FrontEndParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.memories.sram_law import SRAM_ENERGY
from pnnsim.devices.quantities import Count, Energy, Power


class DigitalParams(FrontEndParams):
    """Digital engine that computes the input map W_xh and the output map W_out."""

    kind: Literal["digital"]
    static_power: Annotated[Power, Field(ge=0)]
    """Power drawn while the machine is on."""
    weight_memory: Count | None = None
    """Bytes of the memory that holds the weights of the maps; none where reading them is free."""
    weight_energy: Annotated[
        Annotated[Energy, Field(ge=0)] | None, by_law(SRAM_ENERGY, capacity="weight_memory")
    ] = None
    """Energy to read one weight of a map, a byte; goes with the memory."""

    buffer_capacity: Annotated[int, Field(ge=1, le=2**40)] | None = None
    """Bytes of the buffer that holds values between digital steps, a byte a number; none where it
    is as large as needed and free."""
    buffer_energy: Annotated[
        Annotated[Energy, Field(ge=0)] | None, by_law(SRAM_ENERGY, capacity="buffer_capacity")
    ] = None
    """Energy to read or write one byte of the buffer; goes with its capacity."""

    @model_validator(mode="after")
    def _memory_is_whole(self) -> Self:
        if (self.buffer_capacity is None) != (self.buffer_energy is None):
            raise ValueError(
                "got one of buffer_capacity and buffer_energy; expected both where values between "
                "digital steps have a price, or none"
            )
        if (self.weight_memory is None) != (self.weight_energy is None):
            raise ValueError(
                "got one of weight_memory and weight_energy; expected both where reading weights "
                "has a price, or none"
            )
        return self
