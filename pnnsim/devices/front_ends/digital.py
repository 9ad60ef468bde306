"""Front end of a digital engine: the input map W_xh and the output map W_out."""

from __future__ import annotations

import math
from typing import final

from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import FrontEnd
from pnnsim.devices.front_ends.digital_params import DigitalParams


@final
class DigitalFrontEnd(FrontEnd[DigitalParams]):
    """Front end of multipliers and accumulators, priced per multiply-accumulate."""

    kind = "digital"
    Params = DigitalParams

    def delay_fs(self, action: str) -> int:
        """Return whole clock cycles: the array takes `macs_per_cycle` in each."""
        cycles = math.ceil(self._macs(action) / self.params.macs_per_cycle)
        return to_fs(cycles / self.params.clock)

    def cost(self, action: str) -> float:
        """Return the energy of all multiply-accumulates of one map, each with its weight."""
        return self._macs(action) * (self.params.mac_energy + self.weight_energy)

    @property
    def buffer_energy(self) -> float:
        """Return the energy to move one byte to or from the buffer."""
        return self.params.buffer_energy or 0.0

    @property
    def buffer_capacity(self) -> int | None:
        """Return the bytes of the buffer."""
        return self.params.buffer_capacity

    @property
    def weight_energy(self) -> float:
        """Return the energy to read one weight, a byte."""
        return self.params.weight_energy or 0.0

    def static_power(self) -> float:
        """Return the engine's standing power."""
        return self.params.static_power

    def map_input(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return the exact product: rounding of digital arithmetic is not modelled."""
        mapped = x @ weight.T
        return mapped if bias is None else mapped + bias

    def map_output(self, state: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the exact product."""
        return state @ weight.T + bias

    def _macs(self, action: str) -> int:
        return {
            "map_input": self.size.inputs * self.size.hidden,
            "map_output": self.size.hidden * self.size.outputs,
        }[action]
