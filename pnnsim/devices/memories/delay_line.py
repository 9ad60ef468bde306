"""Memory of signals on their way: fiber, waveguide or cable."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import amplitude_ratio, power_ratio, to_fs
from pnnsim.devices.base import Active, Memory
from pnnsim.devices.memories.delay_line_params import DelayLineParams
from pnnsim.physics import dynamics


@final
class DelayLine(Memory[DelayLineParams]):
    """Memory of a loop, from which light, or a voltage, comes back after one round.

    A state cannot wait in it: a machine whose bank is not ready by then is refused. What the loop
    loses is missing at the detector, like any other loss on the way.
    """

    kind = "delay_line"
    Params = DelayLineParams
    analog = True
    patient = False

    def delay_fs(self, action: str) -> int:
        """Return the time of one round."""
        around = dynamics.flight_time(self.params.length, self.params.group_index)
        return {"hold": to_fs(around)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one round of every line."""
        return self.size.hidden * {"hold": self.params.energy}[action]

    def static_power(self) -> float:
        """Return the power of the loops of all lines."""
        return self.size.hidden * self.params.static_power

    @property
    def capacity(self) -> int:
        """Return the number of samples that may follow each other in the loop."""
        return self.params.capacity

    @property
    def transmission(self) -> float:
        """Return what one round leaves of a power, or of a voltage."""
        ratio = amplitude_ratio if self.size.carrier == "voltage" else power_ratio
        return ratio(-self.params.loss * self.params.length - self.params.excess_loss)

    def hold(self, state: Tensor, held: Tensor, active: Active) -> Tensor:
        """Return the state as it entered: full scale is that behind the loop."""
        return state
