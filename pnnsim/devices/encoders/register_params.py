"""Description of the registers at the inputs of a digital array."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import EncoderParams
from pnnsim.devices.quantities import Bits, Carrier, Energy, Power, Time


class RegisterRowParams(EncoderParams):
    """Registers at the inputs of a digital array, one for each line."""

    sends: ClassVar[Carrier] = "number"

    kind: Literal["register"]
    bits: Bits
    """Width of a register; values of either sign in [-1, 1], 0 among them."""
    load_time: Annotated[Time, Field(gt=0)]
    """Time to load all registers: a cycle of the array."""
    load_energy: Annotated[Energy, Field(ge=0)]
    """Energy to load one register."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one register while the machine is on."""
