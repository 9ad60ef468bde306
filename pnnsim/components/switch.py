"""Choose the weight bank: trees of 1x2 switches."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.components.base import Active, Switch, wait_fs
from pnnsim.params.switch import ElectroOpticSwitchParams
from pnnsim.physics import dynamics, photonic_switch
from pnnsim.units import power_ratio


@final
class ElectroOpticSwitch(Switch[ElectroOpticSwitchParams]):
    """Route power through a 1xL tree of Mach-Zehnder switches; leaks add in power."""

    kind = "electro_optic"
    Params = ElectroOpticSwitchParams
    deterministic = ("leakage",)
    imperfections = (*deterministic, "settling")

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        if action != "route":
            raise KeyError(action)
        return wait_fs(self.params.settling_time, self._time_constant, self.params.bits)

    def cost(self, action: str) -> float:
        """Return the energy of moving one switch of each level, in every tree."""
        if action != "route":
            raise KeyError(action)
        depth = photonic_switch.tree_depth(self.size.banks)
        return self.params.count * depth * self.params.toggle_energy

    def static_power(self) -> float:
        """Return the bias of all switches of all trees; one bank needs none."""
        return (
            self.params.count
            * photonic_switch.tree_cells(self.size.banks)
            * self.params.static_power
        )

    @property
    def transmission(self) -> float:
        """Return the transmission of one switch to the power of the tree's depth."""
        return photonic_switch.tree_transmission(
            self.size.banks, power_ratio(-self.params.insertion_loss)
        )

    def leakage(self, active: Active) -> float:
        """Return depth times the extinction of one switch (first order, devices add)."""
        if not self.on(active, "leakage"):
            return 0.0
        return photonic_switch.tree_leak(self.size.banks, power_ratio(-self.params.crosstalk))

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an exponential approach has left after the dwell."""
        if not self.on(active, "settling"):
            return torch.zeros_like(dwell)
        return dynamics.residue(dwell, self._time_constant)

    @property
    def _time_constant(self) -> float:
        return dynamics.time_constant_from_rise_time(self.params.rise_time)
