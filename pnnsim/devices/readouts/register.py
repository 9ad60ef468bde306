"""Readout of a state that is digital already."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Readout
from pnnsim.devices.readouts.register_params import RegisterParams


@final
class Register(Readout[RegisterParams]):
    """Readout of a state that needs no further conversion."""

    kind = "register"
    Params = RegisterParams

    def delay_fs(self, action: str) -> int:
        """Return the time of the transfer."""
        return {"convert": to_fs(self.params.transfer_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of the transfer of every line."""
        return self.size.hidden * {"convert": self.params.energy}[action]

    def static_power(self) -> float:
        """Return the power of the interface."""
        return self.params.static_power

    def read(self, state: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return the numbers as they are."""
        return state
