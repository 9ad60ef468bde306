"""Memory of numbers."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Memory
from pnnsim.devices.memories.sram_params import SramParams


@final
class Sram(Memory[SramParams]):
    """Memory of words, which do not fade."""

    kind = "sram"
    Params = SramParams
    analog = False

    def delay_fs(self, action: str) -> int:
        """Return the time to write and read a state."""
        return {"hold": to_fs(self.params.hold_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one write and one read of every line's word."""
        moved = 2.0 * self.size.hidden * self.params.word_bytes
        return {"hold": moved * self.params.energy_per_byte}[action]

    def static_power(self) -> float:
        """Return the leakage of all bytes."""
        stored = self.size.hidden * self.params.capacity * self.params.word_bytes
        return stored * self.params.static_power

    @property
    def capacity(self) -> int:
        """Return the number of samples for which there are words."""
        return self.params.capacity

    def hold(self, state: Tensor, held: Tensor, active: Active) -> Tensor:
        """Return the state as it was stored."""
        return state
