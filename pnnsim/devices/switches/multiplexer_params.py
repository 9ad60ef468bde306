"""Description of multiplexers behind arrays."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import SwitchParams
from pnnsim.devices.quantities import Carrier, Energy, Power, RatioDb, Time


class MultiplexerParams(SwitchParams):
    """Multiplexers that select whose sums are read, one for each output.

    Banks are digital arrays, columns or chains of devices, or, by an address, matrices in a memory.
    """

    accepts: ClassVar[tuple[Carrier, ...]] = ("number", "stream", "gate", "microwave")

    kind: Literal["multiplexer"]
    select_time: Annotated[Time, Field(ge=0)]
    """Time from a new address to its sums; 0 where the address comes with the values."""
    isolation: Annotated[RatioDb, Field(gt=0, le=200)] | None = None
    """Voltage of a selected bank over that which another one leaves, as a power ratio; None for
    logic gates, which let nothing through."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one output's new address."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one output of one bank while the machine is on."""
