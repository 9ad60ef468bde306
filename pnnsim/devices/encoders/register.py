"""Encoder of a row of registers, which feed a digital array."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Encoder
from pnnsim.devices.encoders.register_params import RegisterRowParams
from pnnsim.physics import quantize


@final
class RegisterRow(Encoder[RegisterRowParams]):
    """Encoder of registers whose numbers an array reads; nothing is converted."""

    kind = "register"
    Params = RegisterRowParams
    deterministic = non_idealities = ("quantization",)

    def delay_fs(self, action: str) -> int:
        """Return nothing for a conversion, as there is none, or the cycle that loads the row."""
        return {"convert": 0, "encode": to_fs(self.params.load_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy to load the register of every line in use."""
        return {"convert": 0.0, "encode": self.size.lines * self.params.load_energy}[action]

    def static_power(self) -> float:
        """Return the power of the registers of all lines in use."""
        return self.params.sets * self.size.lines * self.params.static_power

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the state in the steps of a register, clipped at the ends of its range."""
        if self.on(active, "quantization"):
            return quantize.quantize(state, self.params.bits, -1.0, 1.0)
        return state.clamp(-1.0, 1.0)

    @property
    def full_scale(self) -> float:
        """Return 1: a line carries the number itself."""
        return 1.0
