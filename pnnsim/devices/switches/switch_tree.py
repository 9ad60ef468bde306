"""Switches that are trees of 1x2 interferometers.

                   ┌─ bank 0     every path passes as many switches as the tree is deep,
    line ──┤1x2├───┤             and each leaks a little into the branch it keeps dark
                   └─ bank 1

Trees differ in how they are driven, and so in how long a move takes and how it dies away.
"""

from __future__ import annotations

import math
from typing import TypeVar, final

from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, Switch, wait_fs
from pnnsim.devices.switches.switch_tree_params import (
    ElectroOpticSwitchParams,
    PlztSwitchParams,
    SwitchTreeParams,
    ThermoOpticSwitchParams,
)
from pnnsim.physics import dynamics, photonic_switch

T = TypeVar("T", bound=SwitchTreeParams)

#: Share of another bank's field above which there is a warning.
_FIELD_LEAK = 0.05


class SwitchTree(Switch[T]):
    """Switch of 1xL trees: losses multiply, leaks and energies add.

    Leaks add in power, or as fields where the lines carry fields: the square root. The phase with
    which a field leaks is the weight bank's to say.
    """

    deterministic = ("leakage",)
    non_idealities = (*deterministic, "settling")

    def cost(self, action: str) -> float:
        """Return the energy of moving one switch of each level, in every tree."""
        depth = photonic_switch.tree_depth(self.size.banks)
        return {"route": self.params.count * depth * self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return what all switches of all trees draw; one bank needs none."""
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
        return self._leak if self.on(active, "leakage") else 0.0

    def warnings(self) -> tuple[str, ...]:
        """Return how much of other banks' fields is added, where that is much."""
        if self.size.carrier != "field" or self._leak <= _FIELD_LEAK:
            return ()
        return (
            f"switch.crosstalk: {self.params.crosstalk:g} dB add {self._leak:.1%} of the field of "
            "each unselected bank; 40 dB would add 1 % for each level of the tree",
        )

    @property
    def _leak(self) -> float:
        return photonic_switch.tree_leak(
            self.size.banks,
            power_ratio(-self.params.crosstalk),
            coherent=self.size.carrier == "field",
        )

    def _residue_of_phase(self, dwell: Tensor, time_constant: float, active: Active) -> Tensor:
        """Return what is left where the phase of an interferometer approaches exponentially.

        An upper estimate for fields, whose new share is then above one less the old.
        """
        phase = math.pi * self.unsettled(dwell, time_constant, active)
        power, _ = photonic_switch.mzi_switch(phase)
        return power.sqrt() if self.size.carrier == "field" else power


@final
class ElectroOpticSwitch(SwitchTree[ElectroOpticSwitchParams]):
    """Switch tree driven by carriers or by a field; the power settles exponentially."""

    kind = "electro_optic"
    Params = ElectroOpticSwitchParams

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        wait = wait_fs(self.params.settling_time, self._time_constant, self.params.bits)
        return {"route": wait}[action]

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an exponential approach has left after the dwell."""
        power = self.unsettled(dwell, self._time_constant, active)
        return power.sqrt() if self.size.carrier == "field" else power

    @property
    def _time_constant(self) -> float:
        return dynamics.time_constant_from_rise_time(self.params.rise_time)


@final
class ThermoOpticSwitch(SwitchTree[ThermoOpticSwitchParams]):
    """Switch tree driven by heat; the phase settles exponentially, the light faster at the end."""

    kind = "thermo_optic"
    Params = ThermoOpticSwitchParams

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        wait = wait_fs(self.params.settling_time, self.params.time_constant, self.params.bits)
        return {"route": wait}[action]

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an interferometer passes whose arm is still cooling or warming."""
        return self._residue_of_phase(dwell, self.params.time_constant, active)


@final
class PlztSwitch(SwitchTree[PlztSwitchParams]):
    """Switch tree of PLZT waveguides, coupled to fibers, for fields and powers."""

    kind = "plzt"
    Params = PlztSwitchParams

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        return {"route": to_fs(self.params.settling_time)}[action]

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an interferometer passes whose electrodes are still being charged."""
        # The stated wait leaves half a bit, which is how other switches' waits come about.
        time_constant = self.params.settling_time / dynamics.settling_time(1.0, self.params.bits)
        return self._residue_of_phase(dwell, time_constant, active)
