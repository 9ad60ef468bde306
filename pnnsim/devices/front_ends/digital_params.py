"""Description of the digital front end.

It computes the input map ahead of the loop and the output map behind it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.quantities import Count, Energy, Frequency, Params, Power


class DigitalParams(Params):
    """Describe the digital engine that computes the input map W_xh and the output map W_out."""

    kind: Literal["digital"]
    clock: Annotated[Frequency, Field(gt=0)]
    """Clock of the multiply-accumulate array."""
    macs_per_cycle: Count
    """Multiply-accumulates done in one clock cycle."""
    mac_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one multiply-accumulate."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power drawn while the machine is on."""
