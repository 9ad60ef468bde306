"""Weight bank of crossbars of magnetic tunnel junctions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from pnnsim.common.recent_results import Kept, content
from pnnsim.common.rng import normal, rare, uniform
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, Size, State, WeightBank
from pnnsim.devices.weight_banks.junctions import Junctions
from pnnsim.devices.weight_banks.mtj_crossbar_params import MtjCrossbarParams
from pnnsim.physics import crossbar, dynamics, spintronic

#: Mean loss of current in the wires beyond which there is a warning: first order fails there.
_WIRE_LOSS = 0.1

#: Thermal flips in a bank within a year below which it counts as ageless.
_FLIPS_A_YEAR = 1e-3
_YEAR = 365.25 * 86400.0

#: Draws of fabrication, and the non-ideality by which each acts.
_DRAWS = {
    "resistance": "resistance_spread",
    "tmr": "tmr_spread",
    "stuck": "stuck_junctions",
    "shorted": "shorted_junctions",
}

#: Written banks that are stored: the sets of some chips.
_KEPT = 48


@dataclass(frozen=True, slots=True)
class _Written:
    """Bank as it was written, before junctions flip or traps switch.

    Args:
        share: How parallel each junction is, shape `(n_out, n_in, 2, n_device)`.
        junctions: Conductance of each [S], as `share`.
        wire_factor: What the wires leave of each cell, or None for ideal wires.
        draws: What fabrication made of the junctions, as it entered.
    """

    share: Tensor
    junctions: Tensor
    wire_factor: Tensor | None
    draws: dict[str, Tensor | None]


@final
class MtjCrossbar(WeightBank[MtjCrossbarParams]):
    """Weight bank that multiplies voltages by the difference of two groups of conductances.

        V_i ──┬───────────┬────────     one sub-array for each junction of a weight and each
             ╱G+╲        ╱G-╲           polarity, `cols` driven lines by `rows` sense lines
              │           │
        I+ ───┴──▶  (+) ──┴──▶ (-)      amplifier: I = Σ V_i (G+ - G-)

    Logical weight 1 is one group all parallel and the other all anti-parallel, at small voltage and
    the temperature of the package. The driven lines of banks that are not selected are at rest.
    """

    kind = "mtj_crossbar"
    Params = MtjCrossbarParams
    deterministic = ("quantization", "voltage_dependence")
    non_idealities = (
        *deterministic,
        "resistance_spread",
        "tmr_spread",
        "stuck_junctions",
        "shorted_junctions",
        "wire_resistance",
        "write_errors",
        "telegraph_noise",
        "retention",
    )

    def __init__(self, params: MtjCrossbarParams, size: Size) -> None:
        super().__init__(params, size)
        self._junctions = Junctions(params, size.temperature)
        self._kept: Kept[_Written] = Kept(_KEPT)
        self.ages = self._junctions.flip_rate * _YEAR * self._devices > _FLIPS_A_YEAR

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the response of the wires, or the time of writing line after line."""
        p = self.params
        if action == "propagate":
            return 0  # signals on wires cross a sub-array within the response of its wires
        if action == "mvm":
            return to_fs(self._wire_settling if p.settling_time is None else p.settling_time)
        if action == "write":
            return to_fs(p.cols * p.write_cycle)
        raise KeyError(action)

    @property
    def _wire_settling(self) -> float:
        p = self.params
        driven = crossbar.wire_delay(p.row_resistance, p.cell_capacitance, p.rows)
        sense = crossbar.wire_delay(p.column_resistance, p.cell_capacitance, p.cols)
        return dynamics.settling_time(driven + sense, p.bits)

    def setup_wait(self) -> float:
        """Return nothing: a magnetization rests as soon as its pulse is over."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of writing every junction of a logical bank; reading is line power."""
        tiles = self.size.tiles_out * self.size.tiles_in
        energy = tiles * self._devices * self.params.write_energy
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return nothing: magnetization holds without power."""
        return 0.0

    def line_power(self, full_scale: float) -> float:
        """Return mean square voltage times the conductance of all cells on driven lines [W]."""
        mean_square = self.params.mean_square * full_scale**2
        outputs = self.size.tiles_out * self.params.rows
        return mean_square * self.size.lines * outputs * self._weight_conductance

    def area(self) -> float:
        """Return the area of all junctions with their transistors."""
        return self.params.count * self._devices * self.params.cell_area

    @property
    def _devices(self) -> int:
        """Return the junctions of one physical bank."""
        return self.params.rows * self.params.cols * 2 * self.params.devices

    @property
    def _weight_conductance(self) -> float:
        """Return the conductance of both groups of one weight [S]."""
        return 2.0 * self._junctions.group * self._junctions.mean

    # values

    @property
    def transmission(self) -> float:
        """Return the conductance of weight 1: of one group, parallel less anti-parallel [S]."""
        return self._junctions.swing

    @property
    def conductance(self) -> float:
        """Return the conductance of all cells that hang on one amplifier [S]."""
        return self.size.tiles_in * self.params.cols * self._weight_conductance

    @property
    def endurance(self) -> float:
        """Return how many writes a junction survives."""
        return self.params.endurance

    @property
    def rest_weight(self) -> float:
        """Return the weight of a cell whose junctions are all alike."""
        return 0.0

    def respond(self, line: Tensor, full_scale: float, active: Active) -> Tensor:
        """Return the lines as the junctions see them: their swing shrinks with the voltage.

        The difference of both groups at a voltage is that at small voltage times the ratio of the
        swings, whatever the weight. Junctions in series share the voltage evenly.
        """
        if not self.on(active, "voltage_dependence"):
            return line
        swing = spintronic.relative_swing(self._junctions.tmr_at(full_scale * line))
        small = spintronic.relative_swing(self._junctions.tmr_at(torch.zeros_like(line)))
        return line * (swing / small)

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw what each junction is like, shape `(n_out, n_in, 2, n_device)`.

        Resistance and ratio are over nominal ones, `stuck` is 1 parallel and -1 anti-parallel, and
        `luck`, in [0, 1], orders the junctions by how early they lose their state.
        """
        p, shape = self.params, self._shape
        resistance = spintronic.lognormal_spread(1.0, p.resistance_spread, normal(shape, generator))
        tmr = spintronic.lognormal_spread(1.0, p.tmr_spread, normal(shape, generator))
        chance = uniform(shape, generator)
        half = p.stuck_fraction / 2.0
        parallel, antiparallel = chance < half, (half <= chance) & (chance < 2.0 * half)
        return {
            "resistance": resistance,
            "tmr": tmr,
            "stuck": parallel.to(torch.float64) - antiparallel.to(torch.float64),
            "shorted": (uniform(shape, generator) < p.shorted_fraction).to(torch.float64),
            "luck": uniform(shape, generator),
        }

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        return self.size.detectors, self.size.lines, 2, self.params.devices

    def environment(
        self, previous: State | None, elapsed: float, generator: torch.Generator
    ) -> State:
        """Return the places of traps in the flattened bank, and which of them are full."""
        p = self.params
        if previous is None:
            traps = (uniform(self._shape, generator) < p.trap_fraction).flatten().nonzero()[:, 0]
            full = uniform(tuple(traps.shape), generator) < 0.5
            return {"traps": traps, "full": full.to(torch.float64)}
        full = dynamics.telegraph_step(
            previous["full"],
            torch.tensor(elapsed, dtype=torch.float64),
            p.trap_rate,
            p.trap_rate,
            uniform(tuple(previous["full"].shape), generator),
        )
        return {"traps": previous["traps"], "full": full}

    def correlation_time(self) -> float:
        """Return the time in which a trap loses its state."""
        return 1.0 / (2.0 * self.params.trap_rate)

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the weights that the junctions' conductances make.

        States are discrete, so the gradient passes straight through to the target.
        """
        level = target.clamp(-1.0, 1.0)
        if self.on(active, "quantization"):
            level = self._junctions.levels(target)
        names = (*_DRAWS.values(), "telegraph_noise", "retention")
        differs = bool(state) and any(self.on(active, name) for name in names)
        if not differs and not self.on(active, "wire_resistance"):
            return ProgrammedWeights(level)
        with torch.no_grad():
            written = self._as_written(level, state, active)
            cells = self._junctions.cells(self._as_now(written, state, active, age))
            if written.wire_factor is not None:
                # As written: a junction that moves later hardly changes what the wires take.
                cells = cells * written.wire_factor
            weights = self._junctions.weights(cells)
        return ProgrammedWeights(weights + (level - level.detach()))

    def _as_written(self, level: Tensor, state: State, active: Active) -> _Written:
        """Return the bank just after a write; solved once, as it is read again and again."""
        draws = {
            name: state.get(name) if self.on(active, non_ideality) else None
            for name, non_ideality in _DRAWS.items()
        }
        levelled, wired = self.on(active, "quantization"), self.on(active, "wire_resistance")

        def write() -> _Written:
            lay_out = self._junctions.states if levelled else self._junctions.turned_alike
            share = lay_out(level)
            junctions = self._junctions.conductances(share, **draws)
            cells = self._junctions.cells(junctions)
            factor = self._junctions.wire_factor(cells) if wired else None
            return _Written(share, junctions, factor, draws)

        # Draws differ by identity, which holds as long as they are stored with the result.
        key = (*content(level), levelled, wired, *map(id, draws.values()))
        return self._kept.get(key, write)

    def _as_now(self, written: _Written, state: State, active: Active, age: float) -> Tensor:
        """Return the conductance of each junction after forgetting and with its trap [S]."""
        junctions = written.junctions
        flipped = self._flipped(state, active, age)
        if flipped is not None:
            share = torch.where(flipped, 1.0 - written.share, written.share)
            junctions = self._junctions.conductances(share, **written.draws)
        if self.on(active, "telegraph_noise") and "traps" in state:
            side = self.params.trap_amplitude * (state["full"] - 0.5)
            junctions = junctions.flatten()  # a copy only where it must be
            junctions = junctions.index_add(
                0, state["traps"], junctions[state["traps"]] * side.to(junctions)
            ).reshape(written.junctions.shape)
        return junctions

    def _flipped(self, state: State, active: Active, age: float) -> Tensor | None:
        """Return which junctions have forgotten their state by an age; None for none."""
        if not self.on(active, "retention") or "luck" not in state or age == float("inf"):
            return None
        flipped = state["luck"] < self._junctions.flip_probability(age)
        return flipped if bool(flipped.any()) else None

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw which pulses fail; a junction keeps its last state, wrong every other time."""
        rate = self._junctions.write_error_rate
        if not self.on(active, "write_errors") or rate == 0.0:
            return None
        shape = (*held.shape, 2, self.params.devices)
        failed = rare(shape, rate / 2.0, generator)
        if failed is None:
            return torch.zeros_like(held)
        return self._junctions.missed(held.detach(), failed)

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: a magnetization is switched when its pulse is over."""
        return torch.zeros_like(elapsed)

    def warnings(self) -> tuple[str, ...]:
        """Return what the wires lose and what writing leaves wrong, where it is a lot."""
        p, found = self.params, []
        cell = self._junctions.largest * self._junctions.mean
        loss = crossbar.mean_wire_error(cell, p.rows, p.row_resistance, 0.0)
        loss += crossbar.mean_wire_error(cell, p.cols, 0.0, p.column_resistance)
        if loss > _WIRE_LOSS:
            found.append(
                f"weight_banks.resistance: {p.resistance:.3g} ohm is so low that the wires of a "
                f"{p.cols} x {p.rows} sub-array take {loss:.0%} of the current on the mean, by "
                f"first order; expected at most {_WIRE_LOSS:.0%}. Hint: thicker barriers, smaller "
                "sub-arrays or wider wires"
            )
        wrong = self._junctions.write_error_rate / 2.0 * self._devices
        if wrong >= 1.0:
            found.append(
                f"weight_banks: one programming leaves about {wrong:.0f} of the {self._devices} "
                "junctions of a bank wrong. Hint: a longer pulse, or write again what has failed"
            )
        return tuple(found)
