"""Weight bank of integrated intensity weights, loaded word by word."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import normal
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, State, WeightBank
from pnnsim.devices.weight_banks.intensity_params import IntensityParams
from pnnsim.physics import dynamics, quantize


@final
class IntensityBank(WeightBank[IntensityParams]):
    """Weight bank whose cells share the power of a line between two rails.

        line in ──▶ split over rows ──▶ cell ──┬──▶ photocurrent of the rail (+)
                                               └──▶ photocurrent of the rail (-)

    All light of a line ends on one rail or the other, so that what the photodiodes absorb does not
    depend on the weight. Words arrive one after the other; a bank is written once its last word has
    arrived and its cells have settled.
    """

    kind = "intensity"
    Params = IntensityParams
    deterministic = ("quantization",)
    non_idealities = (*deterministic, "gain_spread", "settling")

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the flight time, nothing for cells that only share light, or a write."""
        if action == "propagate":
            return to_fs(dynamics.flight_time(self.params.path_length, self.params.group_index))
        if action == "mvm":
            return 0
        if action == "write":
            return to_fs(self._write_time)
        raise KeyError(action)

    @property
    def _write_time(self) -> float:
        words = math.ceil(self.params.rows * self.params.cols / self.params.cells_per_word)
        settling = dynamics.settling_time(self.params.time_constant, self.params.bits)
        return words * self.params.word_time + settling

    def setup_wait(self) -> float:
        """Return nothing: a write includes its settling."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of all words of one matrix; multiplying costs light alone."""
        tiles = self.size.tiles_out * self.size.tiles_in
        cells = tiles * self.params.rows * self.params.cols
        return {"propagate": 0.0, "mvm": 0.0, "write": cells * self.params.write_energy}[action]

    def static_power(self) -> float:
        """Return the power that holds all weights of all banks."""
        return self._cells * self.params.cell_power

    def area(self) -> float:
        """Return the area of all cells at their pitch."""
        return self._cells * self.params.cell_pitch**2

    @property
    def _cells(self) -> int:
        return self.params.count * self.params.rows * self.params.cols

    # values

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw the relative error of each cell's gain, shape `(n_out, n_in)`."""
        spread = normal((self.size.detectors, self.size.lines), generator)
        return {"gain": self.params.gain_spread * spread}

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the difference of what a cell gives to both rails."""
        weights = target.clamp(-1.0, 1.0)
        if self.on(active, "quantization"):
            weights = quantize.quantize_levels(weights, 2**self.params.bits - 1, -1.0, 1.0)
        if self.on(active, "gain_spread") and "gain" in state:
            weights = weights * (1.0 + state["gain"].to(weights))
        return ProgrammedWeights(weights)

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return what the cells have left of the matrix before, once the last word has come."""
        settling = dynamics.settling_time(self.params.time_constant, self.params.bits)
        since = (elapsed - (self._write_time - settling)).clamp(min=0.0)
        return self.unsettled(since, self.params.time_constant, active)

    @property
    def rest_weight(self) -> float:
        """Return the weight of a cell that shares its light evenly."""
        return 0.0

    @property
    def absorbed(self) -> float:
        """Return 1: whatever the weight, both rails together take all light."""
        return 1.0

    @property
    def transmission(self) -> float:
        """Return losses times the split over rows."""
        losses = power_ratio(-self.params.cell_loss - self.params.excess_loss)
        return losses / (self.params.rows * self.size.tiles_out)
