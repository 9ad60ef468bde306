"""Absent switch of a machine with one weight bank."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.devices.base import Active, Switch
from pnnsim.devices.switches.none_params import NoSwitchParams


@final
class NoSwitch(Switch[NoSwitchParams]):
    """Absent switch: no time, no loss, no energy, and no other bank that could leak."""

    kind = "none"
    Params = NoSwitchParams

    def delay_fs(self, action: str) -> int:
        """Return 0: there is nowhere else to go."""
        return {"route": 0}[action]

    def cost(self, action: str) -> float:
        """Return 0."""
        return {"route": 0.0}[action]

    def static_power(self) -> float:
        """Return 0."""
        return 0.0

    @property
    def transmission(self) -> float:
        """Return 1."""
        return 1.0

    def leakage(self, active: Active) -> float:
        """Return 0: there is no other bank."""
        return 0.0

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return nothing."""
        return torch.zeros_like(dwell)
