"""Switch of micro-mirrors that light the masks of one bank."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import (
    Active,
    Switch,
)
from pnnsim.devices.switches.dmd_params import DmdSwitchParams
from pnnsim.physics import photonic_switch


@final
class MirrorSwitch(Switch[DmdSwitchParams]):
    """Switch of micro-mirrors that light the masks of one bank.

    Mirrors are dark while they move, so nothing of the bank before is left when they rest.
    """

    kind = "dmd"
    Params = DmdSwitchParams
    deterministic = non_idealities = ("leakage",)

    def delay_fs(self, action: str) -> int:
        """Return the time to load the rows, and that in which the mirrors come to rest."""
        load = photonic_switch.mirror_load_time(
            self.params.rows, self.params.clocks_per_row, self.params.clock
        )
        return {"route": to_fs(load + self.params.mirror_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of a move beyond what the controller draws anyway."""
        return {"route": self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return the power of the array and its controller."""
        return self.params.static_power

    @property
    def transmission(self) -> float:
        """Return the reflectivity of a mirror that is on."""
        return power_ratio(-self.params.insertion_loss)

    def leakage(self, active: Active) -> float:
        """Return the light from mirrors that are off."""
        return power_ratio(-self.params.contrast) if self.on(active, "leakage") else 0.0

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return nothing: mirrors on their way are dark."""
        return torch.zeros_like(dwell)
