"""Weight bank of a systolic array: exact products, priced by arithmetic and by memory traffic.

Nothing here is analog: weights and values are whole numbers, and sums are exact. What a digital
machine pays instead is the fetching of weights.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, State, WeightBank
from pnnsim.devices.weight_banks.digital_params import DigitalBankParams
from pnnsim.physics import quantize

_BITS_OF_A_BYTE = 8


@final
class DigitalBank(WeightBank[DigitalBankParams]):
    """Weight bank of cells that multiply a passing value by the weight in their register.

        value ──▶ [w]──▶ [w]──▶       values move along one side of the array,
                   │      │           sums along the other
                   ▼      ▼
        value ──▶ [w]──▶ [w]──▶
                   ▼      ▼
                  sum    sum

    Registers stand between the cells, so that vectors follow each other as fast as they are loaded
    while the sums of others are still on their way: all of the response is propagation.
    """

    kind = "digital"
    Params = DigitalBankParams
    deterministic = non_idealities = ("quantization",)

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the cycles of a vector's way, or the time of fetching all weights."""
        p = self.params
        if action == "propagate":
            cycles = p.rows + p.cols - 1 if p.dataflow == "systolic" else 1
            return to_fs(cycles / p.clock)
        if action == "mvm":
            return 0
        if action == "write":
            return to_fs(math.ceil(self._bytes / p.port_bytes) / p.clock)
        raise KeyError(action)

    @property
    def _written(self) -> int:
        """Return the weights of one programming: whole arrays, as unused cells must hold 0."""
        return self.size.tiles_out * self.size.tiles_in * self._cells

    @property
    def _bytes(self) -> float:
        """Return the bytes of the weights of one programming, packed."""
        return self._written * self.params.bits / _BITS_OF_A_BYTE

    @property
    def _cells(self) -> int:
        return self.params.rows * self.params.cols

    def setup_wait(self) -> float:
        """Return nothing: a register holds what it has latched."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of all products of one vector, or of fetching and latching weights."""
        p = self.params
        products = self.size.lines * self.size.detectors
        return {
            "propagate": 0.0,
            "mvm": products * (p.mac_energy + p.register_energy),
            "write": self._bytes * p.weight_energy + self._written * p.write_energy,
        }[action]

    def static_power(self) -> float:
        """Return the leakage of all cells of all banks."""
        return self.params.count * self._cells * self.params.static_power

    def area(self) -> float | None:
        """Return the area of all cells, where it is described."""
        if self.params.cell_area is None:
            return None
        return self.params.count * self._cells * self.params.cell_area

    # values

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the weights as their registers hold them."""
        if self.on(active, "quantization"):
            return ProgrammedWeights(quantize.quantize(target, self.params.bits, -1.0, 1.0))
        return ProgrammedWeights(target.clamp(-1.0, 1.0))

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: a register holds one weight or the other."""
        return torch.zeros_like(elapsed)

    @property
    def rest_weight(self) -> float:
        """Return the weight of a register that was reset."""
        return 0.0

    @property
    def transmission(self) -> float:
        """Return 1: a number loses nothing."""
        return 1.0
