"""Weight bank of columns of magnetic junctions in series, whose resistances add."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import normal, rare, uniform
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, State, WeightBank
from pnnsim.devices.weight_banks.mram_column_params import MramColumnParams
from pnnsim.physics import quantize, resistance_sum, spintronic

#: Non-idealities that the draws of a chip act by.
_DRAWS = ("resistance_spread", "tmr_spread", "transistor_spread", "stuck_junctions")


@final
class MramColumn(WeightBank[MramColumnParams]):
    """Weight bank whose cells put one of two resistances into their column, by input and weight.

        node ──┬─ x=+1 ─╱ junction w ╲──┬── next cell ── … ── ground
               └─ x=-1 ─╱ junction -w╲──┘

    A cell is of high resistance where sign of input and weight agree (XNOR), and the column is the
    sum of its cells: low resistances of junctions, which would draw large currents side by side,
    add up. What is read is a resistance [Ohm]. Weights are signs.

    Both paths of a cell together fix a weight, R(+1) less R(-1), and an offset of the column, their
    mean. Write errors are counted in weights alone; offsets are measured after a write.

    Reference: Jung et al., Nature 601, 211, 2022.
    """

    kind = "mram_column"
    Params = MramColumnParams
    deterministic = ("quantization",)
    non_idealities = (*deterministic, *_DRAWS, "column_offset", "write_errors")

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the wait before the discharge, or the time of writing row after row of cells."""
        p = self.params
        delays = {
            "propagate": 0.0,
            "mvm": p.settling_time,
            "write": p.cols * p.write_cycle + p.offset_calibration * p.calibration_time,
        }
        return to_fs(delays[action])

    def setup_wait(self) -> float:
        """Return nothing: a magnetization rests as soon as its pulse is over."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of writing every junction, and of measuring the offsets of columns."""
        p, tiles = self.params, self.size.tiles_out * self.size.tiles_in
        measured = p.offset_calibration * p.calibration_energy
        energy = tiles * p.rows * (2 * p.cols * p.write_energy + measured)
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return nothing: magnetization holds without power."""
        return 0.0

    def area(self) -> float:
        """Return the area of all cells."""
        p = self.params
        return p.count * p.rows * p.cols * p.cell_area

    @property
    def endurance(self) -> float:
        """Return how many writes a junction survives."""
        return self.params.endurance

    # values

    @property
    def transmission(self) -> float:
        """Return the resistance of logical 1 [Ohm]."""
        return self.params.swing

    @property
    def conductance(self) -> float:
        """Return the mean conductance of one column of cells [S]."""
        cells = -(-self.size.lines // self.size.tiles_in)
        return 1.0 / (cells * self.params.mean_resistance)

    @property
    def rest_weight(self) -> float:
        """Return the weight of a cell whose junctions are as after a reset."""
        return -1.0

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw what both junctions and transistors of each cell are like, `(n_out, n_in, 2)`.

        Values are over nominal ones; `stuck` is 1 anti-parallel, -1 parallel and 0 free.
        """
        p, shape = self.params, (self.size.detectors, self.size.lines, 2)
        spreads = {
            "resistance": p.resistance_spread,
            "tmr": p.tmr_spread,
            "transistor": p.transistor_spread,
        }
        state = {
            name: spintronic.lognormal_spread(1.0, spread, normal(shape, generator))
            for name, spread in spreads.items()
        }
        chance, half = uniform(shape, generator), p.stuck_fraction / 2.0
        high, low = chance < half, (half <= chance) & (chance < 2.0 * half)
        state["stuck"] = high.to(torch.float64) - low.to(torch.float64)
        return state

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the weights and offsets that both paths of each cell make.

        States are discrete, so the gradient passes straight through to the target.
        """
        level = target.clamp(-1.0, 1.0)
        if self.on(active, "quantization"):
            level = quantize.quantize_levels(target, 2, -1.0, 1.0)
        if not state or not any(self.on(active, name) for name in _DRAWS):
            return ProgrammedWeights(level)
        with torch.no_grad():
            paths = self._paths(level, state, active)
            weights = (paths[..., 0] - paths[..., 1]) / (2.0 * self.params.swing)
            offset = None
            if self.on(active, "column_offset") and not self.params.offset_calibration:
                means = paths.mean(dim=-1) - self.params.mean_resistance
                offset = means.sum(dim=-1) / self.params.swing
        return ProgrammedWeights(weights + (level - level.detach()), offset=offset)

    def _paths(self, level: Tensor, state: State, active: Active) -> Tensor:
        """Return the resistance of both paths of each cell [Ohm], shape `(n_out, n_in, 2)`."""
        p = self.params

        def drawn(name: str, non_ideality: str) -> Tensor | float:
            return state[name].to(level) if self.on(active, non_ideality) else 1.0

        share = torch.stack([(1.0 + level) / 2.0, (1.0 - level) / 2.0], dim=-1)
        if self.on(active, "stuck_junctions"):
            stuck = state["stuck"].to(level)
            share = torch.where(stuck == 0.0, share, (stuck + 1.0) / 2.0)
        return resistance_sum.path_resistances(
            share,
            p.resistance * drawn("resistance", "resistance_spread"),
            p.tmr * drawn("tmr", "tmr_spread"),
            p.transistor_resistance * drawn("transistor", "transistor_spread"),
        )

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw which pulses fail; a junction keeps its last state, wrong every other time."""
        rate = self.params.write_error_rate
        if not self.on(active, "write_errors") or rate == 0.0:
            return None
        failed = rare((*held.shape, 2), rate / 2.0, generator)
        if failed is None:
            return torch.zeros_like(held)
        return -held.detach().sign() * failed.sum(dim=-1).to(held)

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: a magnetization is switched when its pulse is over."""
        return torch.zeros_like(elapsed)
