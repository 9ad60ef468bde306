"""Encoder of drivers that choose the path through each cell of a row."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Encoder
from pnnsim.devices.encoders.gate_driver_params import GateDriverParams
from pnnsim.physics import quantize


@final
class GateDriver(Encoder[GateDriverParams]):
    """Encoder of states by one bit: gates are open or closed, whatever the state came as."""

    kind = "gate_driver"
    Params = GateDriverParams
    deterministic = non_idealities = ("quantization",)

    def delay_fs(self, action: str) -> int:
        """Return the time of a decision, or the wait for the gates."""
        p = self.params
        return {"convert": to_fs(p.decision_time), "encode": to_fs(p.settling_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one decision, or of driving the gates, of every row in use."""
        each = {"convert": self.params.decision_energy, "encode": self.params.symbol_energy}
        return self.size.lines * each[action]

    def static_power(self) -> float:
        """Return the power of the drivers of all rows in use."""
        return self.size.lines * self.params.static_power

    def area(self) -> float | None:
        """Return the area of the drivers, where it is described."""
        each = self.params.driver_area
        return None if each is None else self.size.lines * each

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the nearer end of the range; the gradient passes straight through."""
        if self.on(active, "quantization"):
            return quantize.quantize_levels(state, 2, self._lowest, 1.0)
        return state.clamp(self._lowest, 1.0)

    @property
    def _lowest(self) -> float:
        return -1.0 if self.params.polarity == "bipolar" else 0.0

    @property
    def full_scale(self) -> float:
        """Return the signs by which a gate moves from 0 to 1: from -1 to 1, two."""
        return 1.0 if self.params.polarity == "bipolar" else 2.0
