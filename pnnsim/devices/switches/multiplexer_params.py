"""Description of multiplexers behind digital arrays."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import SwitchParams
from pnnsim.devices.quantities import Carrier, Energy, Power, Time


class MultiplexerParams(SwitchParams):
    """Multiplexers that select whose sums reach the accumulators, one for each output."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("number",)

    kind: Literal["multiplexer"]
    select_time: Annotated[Time, Field(ge=0)]
    """Time from a new address to its sums; 0 where the address comes with the values."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one output's new address."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one output of one bank while the machine is on."""
