"""Description of the digital front end.

It computes the input map ahead of the loop and the output map behind it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.family_params import FrontEndParams
from pnnsim.devices.quantities import Power


class DigitalParams(FrontEndParams):
    """Digital engine that computes the input map W_xh and the output map W_out."""

    kind: Literal["digital"]
    static_power: Annotated[Power, Field(ge=0)]
    """Power drawn while the machine is on."""
