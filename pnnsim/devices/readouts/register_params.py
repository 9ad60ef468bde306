"""Description of registers from which the host reads a digital state."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import ReadoutParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import Energy, Power, Time
from pnnsim.devices.readouts.link_law import LINK


class RegisterParams(ReadoutParams):
    """Registers from which the host reads a state that is digital already."""

    digital: ClassVar[bool] = True

    kind: Literal["register"]
    transfer_time: Annotated[Time, Field(ge=0)]
    """Time until the host has a whole result."""
    energy: Annotated[Energy, Field(ge=0), by_law(LINK, bits="nonlinearity.bits")]
    """Energy to hand over one value."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the interface."""
