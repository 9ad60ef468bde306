"""Switch whose routes are those of measured or simulated tables."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import power_ratio
from pnnsim.devices.base import Active, Switch, wait_fs
from pnnsim.devices.switches.tabulated_params import TabulatedSwitchParams
from pnnsim.physics import dynamics

#: Difference of the losses of routes above which there is a warning [dB].
_UNEVEN = 1.0


@final
class TabulatedSwitch(Switch[TabulatedSwitchParams]):
    """Switch of 1xM devices by their tables, in a tree where there are more than M banks.

                    ┌─ bank 0
        line ──┤1xM├┤             loss of the worst route, leak of the leakiest one
                    └─ bank 1

    Every bank is reached as by the route with the most loss, and leaks as the route with the least
    extinction lets it: electronic gains even out the rest, so this bounds the signal from below.
    """

    kind = "tabulated"
    Params = TabulatedSwitchParams
    deterministic = ("leakage",)
    non_idealities = (*deterministic, "settling")

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        wait = wait_fs(self.params.settling_time, self._time_constant, self.params.bits)
        return {"route": wait}[action]

    def cost(self, action: str) -> float:
        """Return the energy of moving one switch of each level, in every tree."""
        return {"route": self.params.count * self._depth * self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return what all switches of all trees draw."""
        banks, devices, reached = self.size.banks, 0, 1
        for _ in range(self._depth):
            reached *= self._routes
            devices += -(-banks // reached)
        return self.params.count * devices * self.params.static_power

    def warnings(self) -> tuple[str, ...]:
        """Return by how much the routes differ, where that is much."""
        low, high = min(self.params.route_loss), max(self.params.route_loss)
        if high - low <= _UNEVEN:
            return ()
        return (
            f"switch.route_loss: routes lose {low:.3g} dB to {high:.3g} dB; every bank is taken to "
            "lie behind the worst of them",
        )

    @property
    def transmission(self) -> float:
        """Return the transmission of the worst route to the power of the tree's depth."""
        return power_ratio(-max(self.params.route_loss) * self._depth)

    def leakage(self, active: Active) -> float:
        """Return depth times the leak of the leakiest route; as a field its square root."""
        if not self.on(active, "leakage"):
            return 0.0
        power = min(1.0, self._depth * power_ratio(-min(self.params.route_extinction)))
        return float(power**0.5) if self.size.carrier == "field" else power

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an exponential approach has left after the dwell."""
        power = self.unsettled(dwell, self._time_constant, active)
        return power.sqrt() if self.size.carrier == "field" else power

    @property
    def _routes(self) -> int:
        return len(self.params.route_loss)

    @property
    def _depth(self) -> int:
        """Return how many devices a path passes; one bank lies behind a device, too."""
        depth = 1
        while self._routes**depth < self.size.banks:
            depth += 1
        return depth

    @property
    def _time_constant(self) -> float:
        return dynamics.time_constant_from_rise_time(self.params.rise_time)
