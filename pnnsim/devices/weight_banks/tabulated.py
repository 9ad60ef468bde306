"""Weight bank of cells whose curve is a table."""

from __future__ import annotations

import math
from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.rng import noise_like, normal
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, Size, State, WeightBank, settling
from pnnsim.devices.weight_banks.tabulated_params import TabulatedBankParams


@final
class TabulatedBank(WeightBank[TabulatedBankParams]):
    """Weight bank of equal cells, of which one was measured or simulated elsewhere.

        line ──▶ cell ──┬──▶ (+)     a tuning shifts the spectrum of the cell, and so the power of
                        └──▶ (-)     its line at both outputs

    A weight is tuned by the inverse of the curve. Between its points the curve is linear. What a
    table of one cell does not say is left out: what cells of other wavelengths do to a line.
    """

    kind = "tabulated"
    Params = TabulatedBankParams
    deterministic = ("quantization",)
    non_idealities = (*deterministic, "tuning_error", "write_repeatability", "settling")

    def __init__(self, params: TabulatedBankParams, size: Size) -> None:
        super().__init__(params, size)
        self._weight = torch.tensor(params.weight_curve, dtype=torch.float64)
        self._light = torch.tensor(params.light_curve, dtype=torch.float64)
        reach = min(params.weight_curve[-1], -params.weight_curve[0])
        self._scale = params.usable_range * reach

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the flight time, the response of a cell, or the time of one programming."""
        p = self.params
        if action == "propagate":
            return to_fs(p.path_length * p.group_index / constants.c)
        if action == "mvm":
            return to_fs(p.response_time)
        if action == "write":
            each = settling(p.settling_time, p.time_constant, p.bits)
            return to_fs(p.calibration_rounds * each)
        raise KeyError(action)

    def setup_wait(self) -> float:
        """Return nothing: a round ends when its tuning has settled."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the converters' energy of one programming."""
        p = self.params
        cells = self.size.tiles_out * self.size.tiles_in * p.rows * p.cols
        energy = cells * p.calibration_rounds * p.round_energy
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return what keeps every cell of every bank tuned."""
        return self._cells * self.params.hold_power

    def area(self) -> float:
        """Return the area of all cells."""
        return self._cells * self.params.cell_area

    @property
    def _cells(self) -> int:
        return self.params.count * self.params.rows * self.params.cols

    # values

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw by how much each cell's tuning is off, over the span of the curve."""
        noise = normal((self.size.detectors, self.size.lines), generator)
        return {"tuning": self.params.tuning_error / abs(self.params.tuning_span) * noise}

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the weights of cells that are tuned as near as their steps allow.

        The gradient passes straight through to the target.
        """
        target = target.clamp(-1.0, 1.0)
        with torch.no_grad():
            place = self._place(self._scale * target.double())
            if self.on(active, "quantization"):
                steps = 2**self.params.bits - 1
                place = (place * steps).round() / steps
            drawn = state.get("tuning") if self.on(active, "tuning_error") else None
            if drawn is not None:
                place = place + drawn
            weights = self._read(self._weight, place) / self._scale
            light = self._read(self._light, place) / self._scale
        exact = drawn is None and not self.on(active, "quantization")
        held = target if exact else weights.to(target) + (target - target.detach())
        return ProgrammedWeights(held, light=light.to(target))

    def _place(self, weight: Tensor) -> Tensor:
        """Return how far along the curve, 0 to 1, a cell has some weight."""
        after = torch.searchsorted(self._weight, weight.contiguous()).clamp(
            1, len(self._weight) - 1
        )
        low, high = self._weight[after - 1], self._weight[after]
        share = (weight - low) / (high - low).clamp(min=1e-30)
        return (after - 1 + share.clamp(0.0, 1.0)) / (len(self._weight) - 1)

    @staticmethod
    def _read(curve: Tensor, place: Tensor) -> Tensor:
        """Return a curve at places along it; beyond its ends a tuning does not go."""
        at = place.clamp(0.0, 1.0) * (len(curve) - 1)
        before = at.floor().long().clamp(max=len(curve) - 2)
        return torch.lerp(curve[before], curve[before + 1], at - before)

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw the spread of repeated programmings, the same for every weight."""
        if not self.on(active, "write_repeatability"):
            return None
        return self.params.write_repeatability * noise_like(held, generator)

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return what the tuning has left of the last change."""
        return self.unsettled(elapsed, self.params.time_constant, active)

    @property
    def rest_weight(self) -> float:
        """Return the weight of a cell that is not tuned, an end of the curve."""
        end = self.params.weight_curve[0 if self.params.tuning_span > 0.0 else -1]
        return math.copysign(min(1.0, abs(end) / self._scale), end)

    @property
    def transmission(self) -> float:
        """Return losses times the split over all rows that share a line, at weight 1."""
        p = self.params
        losses = power_ratio(-(p.insertion_loss + p.excess_loss))
        return self._scale * losses / (p.rows * self.size.tiles_out)
