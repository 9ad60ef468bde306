"""Description of a machine without a switch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pnnsim.devices.family_params import SwitchParams
from pnnsim.devices.quantities import Carrier


class NoSwitchParams(SwitchParams):
    """No switch: the lines lead to the only bank."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("power", "field", "voltage", "number")

    kind: Literal["none"]

    @property
    def selects(self) -> bool:
        """Return False: nothing is there that could reach a second bank."""
        return False
