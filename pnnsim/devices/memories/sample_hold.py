"""Memory of analog sample-and-hold cells."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Memory
from pnnsim.devices.memories.sample_hold_params import SampleHoldParams
from pnnsim.physics import dynamics


@final
class SampleHold(Memory[SampleHoldParams]):
    """Memory of voltages on capacitors, one cell per line and sample."""

    kind = "sample_hold"
    Params = SampleHoldParams
    non_idealities = ("droop",)
    analog = True

    def delay_fs(self, action: str) -> int:
        """Return the time to acquire a sample."""
        return {"hold": to_fs(self.params.hold_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one sample of every line."""
        return self.size.hidden * {"hold": self.params.energy}[action]

    def static_power(self) -> float:
        """Return the power of all cells."""
        return self.size.hidden * self.params.capacity * self.params.static_power

    @property
    def capacity(self) -> int:
        """Return the number of samples for which there are cells."""
        return self.params.capacity

    def hold(self, state: Tensor, held: Tensor, active: Active) -> Tensor:
        """Return the held value after exponential discharge."""
        if not self.on(active, "droop"):
            return state
        return dynamics.droop(state, held, self.params.droop)
