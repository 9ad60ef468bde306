"""Weight bank of crossbars of electrical phase-change cells."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.recent_results import Kept, content
from pnnsim.common.rng import noise_like, normal
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, Size, State, WeightBank
from pnnsim.devices.weight_banks.pcm_crossbar_params import PcmCrossbarParams
from pnnsim.devices.weight_banks.phase_change_cells import PhaseChangeCells
from pnnsim.devices.weight_banks.sub_arrays import SubArrays
from pnnsim.physics import crossbar, dynamics, quantize

#: Mean loss of current in the wires beyond which there is a warning: first order fails there.
_WIRE_LOSS = 0.1

#: Written banks whose wires are solved and stored: the sets of some chips at some ages.
_KEPT = 48


@final
class PcmCrossbar(WeightBank[PcmCrossbarParams]):
    """Weight bank that multiplies voltages by conductances which drift from their write on.

        V_i ──┬───────────┬────────     cells of one group in parallel; each has its own programming
             ╱G+╲        ╱G-╲           error, exponent of drift and 1/f noise, all of which depend
              │           │             on its conductance
        I+ ───┴──▶  (+) ──┴──▶ (-)      amplifier: I = Σ V_i (G+ - G-)

    Drift takes the same share of all outputs on the mean, which compensation gives back: outputs
    are scaled by what the sum of all conductances has lost (Joshi et al., Nat. Commun. 11, 2473,
    2020). Noise of the amplifier grows with it.

    Reference: Nandakumar et al., ICECS 2019 (statistics); Le Gallo et al., Nat. Electronics 6, 680,
    2023 (a machine of such cells).
    """

    kind = "pcm_crossbar"
    Params = PcmCrossbarParams
    ages = True
    deterministic = ("quantization",)
    non_idealities = (
        *deterministic,
        "programming_error",
        "drift",
        "read_noise",
        "wire_resistance",
    )

    def __init__(self, params: PcmCrossbarParams, size: Size) -> None:
        super().__init__(params, size)
        p = params
        self._cells = PhaseChangeCells(p)
        self._arrays = SubArrays(p.rows, p.cols, p.row_resistance, p.column_resistance)
        self._kept: Kept[Tensor] = Kept(_KEPT)

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the response of the wires, or the time of writing group after group of cells."""
        p = self.params
        if action == "propagate":
            return 0  # signals on wires cross a sub-array within the response of its wires
        if action == "mvm":
            return to_fs(self._wire_settling if p.settling_time is None else p.settling_time)
        if action == "write":
            return to_fs(self._write_time)
        raise KeyError(action)

    @property
    def _wire_settling(self) -> float:
        p = self.params
        driven = crossbar.wire_delay(p.row_resistance, p.cell_capacitance, p.rows)
        sense = crossbar.wire_delay(p.column_resistance, p.cell_capacitance, p.cols)
        return dynamics.settling_time(driven + sense, p.bits)

    @property
    def _write_time(self) -> float:
        turns = math.ceil(self._cells_of_a_bank / self.params.parallel_cells)
        return turns * self.params.pulses * self.params.write_time

    @property
    def _cells_of_a_bank(self) -> int:
        p = self.params
        return round(p.rows * p.cols * p.devices * self._cells.groups)

    def setup_wait(self) -> float:
        """Return the time that the machine rests after programming."""
        return self.params.rest_time

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of all pulses of one programming; reading is line power."""
        cells = self.size.tiles_out * self.size.tiles_in * self._cells_of_a_bank
        energy = cells * self.params.pulses * self.params.write_energy
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return nothing: a cell keeps its level without power."""
        return 0.0

    def line_power(self, full_scale: float) -> float:
        """Return mean square voltage times the conductance of all cells on driven lines [W]."""
        mean_square = self.params.mean_square * full_scale**2
        outputs = self.size.tiles_out * self.params.rows
        return mean_square * self.size.lines * outputs * self._weight_conductance

    def area(self) -> float:
        """Return the area of all cells with their transistors."""
        return self.params.count * self._cells_of_a_bank * self.params.cell_area

    @property
    def _weight_conductance(self) -> float:
        """Return the conductance of all cells of one weight [S]."""
        return self._cells.groups * self.params.devices * self._cells.mean

    @property
    def endurance(self) -> float:
        """Return how many programmings a cell survives, each of several pulses."""
        return self.params.endurance / self.params.pulses

    # values

    @property
    def transmission(self) -> float:
        """Return the conductance of weight 1 [S]."""
        return self._cells.swing

    @property
    def conductance(self) -> float:
        """Return the conductance of all cells that hang on one amplifier [S].

        A column of offsets has an amplifier of its own, whose noise counts for every output.
        """
        each = 2.0 * self.params.devices * self._cells.mean
        return self.size.tiles_in * self.params.cols * each

    @property
    def rest_weight(self) -> float:
        """Return the weight of cells at their lowest level."""
        return 0.0 if self._cells.paired else -1.0

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw how fast each cell fades, in deviations, shape `(n_out, n_in, 2, n_device)`.

        Exponents are drawn anew at each programming in truth; here a cell keeps its own.
        """
        return {"fading": normal(self._shape, generator)}

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        return self.size.detectors, self.size.lines, 2, self.params.devices

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the weights that the cells' conductances make at an age.

        The gradient passes straight through to the target.
        """
        level = target.clamp(-1.0, 1.0)
        if self.on(active, "quantization"):
            level = quantize.quantize_levels(target, self._cells.step_count(), -1.0, 1.0)
        fades, wired = self.on(active, "drift"), self.on(active, "wire_resistance")
        if not fades and not wired:
            return ProgrammedWeights(level)
        scale = 1.0
        with torch.no_grad():
            levels = written = self._cells.levels(level)
            if fades:
                levels = self._cells.faded(written, self._since_write(age), state.get("fading"))
                if self.params.drift_compensation:
                    scale = self._left(levels, written)
            if wired:
                # As written: what fades later hardly changes the share that the wires take.
                levels = self._cells.seen(levels, self._wire_factor(written))
            weights = self._cells.weights(levels) / scale
        return ProgrammedWeights(weights + (level - level.detach()), scale)

    def _since_write(self, age: float) -> float:
        """Return the time since a write ended [s]; that at the start for an age of infinity."""
        return self.params.rest_time if math.isinf(age) else max(0.0, age - self._write_time)

    @staticmethod
    def _left(levels: Tensor, written: Tensor) -> float:
        """Return what is left of the sum of all levels."""
        total = float(written.sum())
        return float(levels.sum()) / total if total > 0.0 else 1.0

    def _wire_factor(self, written: Tensor) -> Tensor:
        """Return what the wires leave of each group; solved once, as it is read again and again."""
        return self._kept.get(
            content(written), lambda: self._cells.wire_factor(written, self._arrays)
        )

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw by how much each cell is off after its last pulse."""
        if not self.on(active, "programming_error"):
            return None
        shape = (*held.shape, 2, self.params.devices)
        noise = noise_like(held.new_empty(shape), generator)
        return self._cells.missed(held.detach(), noise)

    def read_variance(self, held: Tensor, age: float, active: Active) -> Tensor | None:
        """Return the variance by 1/f noise of the cells.

        Readings of one bank are taken as independent; in truth those close in time agree.
        """
        if not self.on(active, "read_noise"):
            return None
        return self._cells.read_variance(held, self._since_write(age))

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: a programming ends when its last pulse is verified."""
        return torch.zeros_like(elapsed)

    def warnings(self) -> tuple[str, ...]:
        """Return what the wires lose, where it is a lot."""
        p = self.params
        loss = self._arrays.mean_loss(self._cells.mean)
        if loss <= _WIRE_LOSS:
            return ()
        return (
            f"weight_banks.full_resistance: {p.full_resistance:.3g} ohm is so low that the wires "
            f"of a {p.cols} x {p.rows} sub-array take {loss:.0%} of the current on the mean, by "
            f"first order; expected at most {_WIRE_LOSS:.0%}. Hint: smaller sub-arrays or wider "
            "wires",
        )
