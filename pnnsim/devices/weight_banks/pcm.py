"""Weight bank of optical phase-change cells, which keep their weights without power."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like, normal
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, State, WeightBank
from pnnsim.devices.weight_banks.pcm_params import PcmParams
from pnnsim.physics import dynamics, phase_change, photonic_modulation, quantize


@final
class PhaseChangeBank(WeightBank[PcmParams]):
    """Weight bank of pairs of phase-change cells (Feldmann et al., Nature 589, 2021).

        line in ──┬── cell (+) ──▶ photodiode (+)     weight = level of (+) - level of (-)
                  └── cell (-) ──▶ photodiode (-)     one of both is at its lowest level

    A level is the transmission between crystalline, 0, and amorphous, 1. It is written once and
    stays without power, but it relaxes as a power of time, and it flickers.
    """

    kind = "pcm"
    Params = PcmParams
    ages = True
    deterministic = ("quantization",)
    non_idealities = (*deterministic, "programming_error", "drift", "read_noise")

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the flight time, nothing for cells that only absorb, or the time of a write."""
        if action == "propagate":
            return to_fs(dynamics.flight_time(self.params.path_length, self.params.group_index))
        if action == "mvm":
            return 0
        if action == "write":
            return to_fs(self._write_time)
        raise KeyError(action)

    @property
    def _write_time(self) -> float:
        groups = math.ceil(self._cells_of_a_bank / self.params.parallel_cells)
        return groups * self.params.pulses * self.params.write_time

    @property
    def _cells_of_a_bank(self) -> int:
        return 2 * self.params.rows * self.params.cols

    def setup_wait(self) -> float:
        """Return the time that the machine rests after programming."""
        return self.params.rest_time

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of all pulses of one programming; reading costs light alone."""
        cells = self.size.tiles_out * self.size.tiles_in * self._cells_of_a_bank
        energy = cells * self.params.pulses * self.params.write_energy
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return nothing: a cell keeps its level without power."""
        return 0.0

    def area(self) -> float:
        """Return the area of all cells at their pitch."""
        return self.params.count * self._cells_of_a_bank * self.params.cell_pitch**2

    @property
    def endurance(self) -> float:
        """Return how many programmings a cell survives, each of several pulses."""
        return self.params.endurance / self.params.pulses

    def overload(self, power: float) -> tuple[str, ...]:
        """Return a warning where reading light is strong enough to anneal a cell."""
        at_cell = power * self._split
        if at_cell <= self.params.read_power_limit:
            return ()
        return (
            f"weight_banks.read_power_limit: up to {at_cell:.3g} W of one line meets a cell; "
            f"expected at most {self.params.read_power_limit:.3g} W, beyond which reading rewrites",
        )

    # values

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw how fast each cell relaxes, in deviations, shape `(2, n_out, n_in)`.

        Exponents are drawn anew at each programming in truth; here a cell keeps its own.
        """
        return {"relaxation": normal((2, self.size.detectors, self.size.lines), generator)}

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the difference of both cells' levels as they are at an age."""
        levels = torch.stack(photonic_modulation.signed_masks(target))
        if self.on(active, "quantization"):
            levels = quantize.quantize_levels(levels, self.params.levels, 0.0, 1.0)
        if self.on(active, "drift"):
            levels = self._relaxed(levels, state, age)
        span = self._clear - self._opaque
        both = phase_change.cell_transmission(levels, self._opaque, self._clear)
        return ProgrammedWeights(levels[0] - levels[1], light=both.sum(dim=0) / span)

    def _relaxed(self, levels: Tensor, state: State, age: float) -> Tensor:
        exponent = torch.full_like(levels, self.params.drift_exponent)
        if "relaxation" in state:
            spread = self.params.drift_spread * state["relaxation"].to(levels)
            exponent = (exponent + spread).clamp(min=0.0)
        elapsed = torch.tensor(self._since_write(age), dtype=levels.dtype, device=levels.device)
        return dynamics.power_law_drift(levels, elapsed, self.params.drift_reference_time, exponent)

    def _since_write(self, age: float) -> float:
        """Return the time since a write ended [s]; that at the start for an age of infinity."""
        return self.params.rest_time if math.isinf(age) else max(0.0, age - self._write_time)

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw by how much the last pulse misses, the same for every weight."""
        if not self.on(active, "programming_error"):
            return None
        return self.params.programming_error * noise_like(held, generator)

    def read_variance(self, held: Tensor, age: float, active: Active) -> Tensor | None:
        """Return the variance by 1/f noise: only the cell that is not at its lowest level has it.

        Readings of one bank are taken as independent; in truth those close in time agree.
        """
        if not self.on(active, "read_noise"):
            return None
        elapsed = torch.tensor(self._since_write(age), dtype=held.dtype, device=held.device)
        relative = phase_change.flicker_deviation(
            self.params.read_noise, elapsed, self.params.read_time
        )
        return (relative * held) ** 2

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: a programming ends when its last pulse is verified."""
        return torch.zeros_like(elapsed)

    @property
    def rest_weight(self) -> float:
        """Return the weight of two cells in the same state."""
        return 0.0

    @property
    def transmission(self) -> float:
        """Return the usable contrast of a cell, losses, and the split over rows and cells."""
        return (self._clear - self._opaque) * power_ratio(-self.params.excess_loss) * self._split

    @property
    def _split(self) -> float:
        return 1.0 / (2 * self.params.rows * self.size.tiles_out)

    @property
    def _clear(self) -> float:
        return power_ratio(-self.params.insertion_loss)

    @property
    def _opaque(self) -> float:
        return power_ratio(-self.params.insertion_loss - self.params.extinction)
