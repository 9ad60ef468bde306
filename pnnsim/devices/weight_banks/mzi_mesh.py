"""Weight bank of meshes of interferometers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.recent_results import Kept, content
from pnnsim.common.rng import normal
from pnnsim.common.units import amplitude_ratio, power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, Size, State, WeightBank, settling
from pnnsim.devices.weight_banks import coherent_paths as paths
from pnnsim.devices.weight_banks.mesh_tiles import cut_tiles, join_tiles
from pnnsim.devices.weight_banks.mzi_heaters import heater_influence
from pnnsim.devices.weight_banks.mzi_mesh_params import MziMeshParams
from pnnsim.physics import (
    dynamics,
    photonic_calibration,
    photonic_decomposition,
    photonic_mesh,
    photonic_paths,
    photonic_thermal,
)
from pnnsim.physics.photonic_decomposition import SvdPhases
from pnnsim.physics.photonic_mesh import Arrangement, MeshPhases

#: Heat that a package with an air-cooled sink carries away [W], and depth that leaves a hundredth.
_HEAT_LIMIT = 100.0
_DEPTH_LIMIT_DB = 20.0

#: Decomposed weight sets that are stored.
_KEPT = 64

#: Non-idealities that need the phases of a matrix, not just the matrix.
_OF_PHASES = (
    "quantization", "coupler_error", "phase_error", "crosstalk", "loss_imbalance", "drift"
)  # fmt: skip

#: Those of the paths to and from a bank.
_OF_PATHS = ("path_error", "path_drift")


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two meshes of a bank: its name, its modes, its shifters."""

    name: str
    modes: int

    @property
    def cells(self) -> int:
        """Return the number of interferometers, each with an inner and an outer phase."""
        return photonic_mesh.mzi_count(self.modes)


@final
class MziMesh(WeightBank[MziMeshParams]):
    """Weight bank of two meshes and attenuators (Shen et al., Nat. Photon. 11, 441, 2017).

        lines ──▶ V† mesh ──▶ attenuators ──▶ U mesh ──▶ homodyne receivers, one per output

    A mesh is passive, so the matrix is scaled until the largest singular value of its banks is 1;
    what that costs in signal is the `scale` of `ProgrammedWeights`. Phases on the outputs of a mesh
    are not shifters of their own: those between the meshes are set by the two arms of each
    attenuator, the last ones by the local oscillators.

    Phases are found by decomposition, which has no gradient: non-idealities of phases shift the
    weights and pass gradients through (straight-through), and training leaves them out unless its
    settings name them.
    """

    kind = "mzi_mesh"
    Params = MziMeshParams
    corrects_drift = True
    non_idealities = (*_OF_PHASES, *_OF_PATHS, "settling")

    def __init__(self, params: MziMeshParams, size: Size) -> None:
        super().__init__(params, size)
        self._decomposed: Kept[SvdPhases] = Kept(_KEPT)

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the flight time or the time of one programming; a mesh has no response time."""
        if action == "propagate":
            path = self.params.path_length + self._depth * self.params.column_pitch
            on_chip = path * self.params.group_index
            in_fiber = self.params.fiber_length * self.params.fiber_index
            return to_fs((on_chip + in_fiber) / constants.c)
        if action == "mvm":
            return 0
        if action == "write":
            p = self.params
            settle = settling(p.settling_time, p.time_constant, p.bits)
            return to_fs(p.calibration_rounds * settle)
        raise KeyError(action)

    def setup_wait(self) -> float:
        """Return the time in which phase locks catch; a programming itself waits for its heat."""
        return self.params.lock_cost[1]

    @property
    def _depth(self) -> int:
        """Return the columns on the way of light: both meshes and the attenuators."""
        return sum(photonic_mesh.mesh_depth(s.modes, self._arrangement) for s in self._sides) + 1

    # cost

    def cost(self, action: str) -> float:
        """Return the converters' energy of one programming; light and heat are standing power."""
        shifters = self.size.tiles_out * self.size.tiles_in * self.params.shifters
        energy = shifters * self.params.calibration_rounds * self.params.round_energy
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return the power that holds every phase of every bank, and every lock."""
        return self._heat + self._locks * self.params.lock_cost[0]

    @property
    def _heat(self) -> float:
        """Return heat and drivers of every phase of every bank, selected or not [W]."""
        phase = torch.tensor(self.params.mean_phase, dtype=torch.float64)
        each = photonic_thermal.shifter_power(
            phase, self.params.switching_energy, self.params.time_constant
        )
        return (
            self.params.count
            * self.params.shifters
            * (float(each) + (self.params.driver_power or 0.0))
        )

    def area(self) -> float:
        """Return the area of all meshes at their pitches."""
        length = self._depth * self.params.column_pitch
        width = max(self.params.rows, self.params.cols) * self.params.mode_pitch
        return self.params.count * length * width

    @property
    def _locks(self) -> float:
        """Return the paths of all banks: lines, which banks share, and local oscillators."""
        return self.params.count * (self.params.cols / self.size.tiles_out + self.params.rows)

    def warnings(self) -> tuple[str, ...]:
        """Return what makes such meshes unrealistic: heat, and loss in deep meshes."""
        found = []
        heat, lost = self.params.package_heat, self._depth * self.params.column_loss
        if heat > _HEAT_LIMIT:
            phases = self.params.count * self.params.shifters
            found.append(
                f"weight_banks: {heat:.4g} W hold {phases} phases; "
                f"expected at most {_HEAT_LIMIT:g} W, what an air-cooled package carries away. "
                "Hint: slower shifters hold a phase with less power"
            )
        if lost > _DEPTH_LIMIT_DB:
            found.append(
                f"weight_banks: light loses {lost:.4g} dB in {self._depth} columns; expected at "
                f"most {_DEPTH_LIMIT_DB:g} dB. Hint: more banks of fewer rows and cols"
            )
        return tuple(found)

    # values

    @property
    def _arrangement(self) -> Arrangement:
        return self.params.arrangement

    @property
    def _sides(self) -> tuple[_Side, _Side]:
        return _Side("left", self.params.rows), _Side("right", self.params.cols)

    @property
    def _attenuators(self) -> int:
        return min(self.params.rows, self.params.cols)

    @property
    def _tiles(self) -> tuple[int, int]:
        return self.size.tiles_out, self.size.tiles_in

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw what each coupler, shifter and waveguide is off; shapes begin `(n_out, n_in)`."""
        state: State = {}
        for side in self._sides:
            depth = photonic_mesh.mesh_depth(side.modes, self._arrangement)
            couplers = normal((2, *self._tiles, side.cells), generator)
            phases = normal((*self._tiles, 2 * side.cells), generator)
            losses = normal((*self._tiles, depth, side.modes), generator)
            state[f"{side.name}_couplers"] = self.params.coupler_error * couplers
            state[f"{side.name}_phases"] = self.params.phase_error * phases
            state[f"{side.name}_losses"] = self.params.loss_imbalance * losses
        phases = normal((*self._tiles, self._attenuators), generator)
        state["attenuator_phases"] = self.params.phase_error * phases
        return state | paths.draw(self.params, self._tiles, generator)

    def environment(
        self, previous: State | None, elapsed: float, generator: torch.Generator
    ) -> State:
        """Return the drift of every phase [rad], an Ornstein-Uhlenbeck process.

        What a lock leaves is among them, so that a programming that measures its bank counts as
        having corrected it: it takes longer than the lock, and would find the mean.
        """
        state: State = {}
        sizes = {f"{side.name}_drift": 2 * side.cells for side in self._sides}
        for name, count in {**sizes, "attenuator_drift": self._attenuators}.items():
            noise = normal((*self._tiles, count), generator)
            if previous is None:
                state[name] = self.params.drift * noise
            else:
                state[name] = dynamics.ornstein_uhlenbeck_step(
                    previous[name],
                    torch.tensor(elapsed, dtype=torch.float64),
                    self.params.drift,
                    self.params.drift_time,
                    noise,
                )
        return state | paths.drift(self.params, self._tiles, previous, elapsed, generator)

    def correlation_time(self) -> float:
        """Return the correlation time of what drifts fastest."""
        return min(self.params.drift_time, self.params.moving_phase[1])

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the real part of the matrix that fields meet, in logical units."""
        target = target.clamp(-1.0, 1.0)
        phase = paths.path_phases(
            state, error=self.on(active, "path_error"), drift=self.on(active, "path_drift")
        )
        entering = paths.leak_phases(state)
        with torch.no_grad():
            tiles = cut_tiles(target.double(), self._tiles, (self.params.rows, self.params.cols))
            largest = torch.linalg.matrix_norm(tiles, ord=2).max()
            # An empty matrix needs no light, and none is wasted on it.
            largest = torch.where(largest > 0.0, largest, torch.ones_like(largest))
            scale = (largest**-2).to(target)
            made = tiles.to(torch.complex128)
            if any(self.on(active, name) for name in _OF_PHASES):
                made = largest * self._transfer(tiles / largest, state, active)
            seen = photonic_paths.seen_in_phase(made, phase)
            # On the mean over all chips nothing is seen of light of any phase.
            leaking = torch.zeros_like(seen)
            if entering is not None:
                leaking = photonic_paths.seen_in_phase(made, phase + entering)
            missed = join_tiles(seen, target.shape).to(target) - target
        leaking = join_tiles(leaking, target.shape).to(target)
        return ProgrammedWeights(target + missed, scale, leaking=leaking)

    def _transfer(self, tiles: Tensor, state: State, active: Active) -> Tensor:
        """Return what the meshes make of tiles with singular values of at most 1."""
        # Chips, drift and non-idealities do not enter: it is the same again and again.
        wanted = self._decomposed.get(
            content(tiles), lambda: photonic_decomposition.decompose_svd(tiles, self._arrangement)
        )
        # Banks share one scale, so attenuators are set for it and not for each bank's own.
        passed = wanted.scale[..., None] * photonic_mesh.phase_to_attenuation(wanted.attenuator)
        attenuator = self._converted(photonic_mesh.attenuation_to_phase(passed), active)
        attenuator = self._moved(attenuator, "attenuator", state, active)
        left, right = self._sides
        return photonic_mesh.svd_matrix(
            self._mesh(wanted.left, left, state, active),
            photonic_mesh.phase_to_attenuation(attenuator),
            self._mesh(wanted.right, right, state, active),
        )

    def _mesh(self, phases: MeshPhases, side: _Side, state: State, active: Active) -> Tensor:
        """Return the field matrix of one mesh as it was made, set and has drifted since."""
        first = second = torch.zeros_like(phases.theta)
        if self.on(active, "coupler_error") and f"{side.name}_couplers" in state:
            first, second = state[f"{side.name}_couplers"].unbind()
            if self.params.correction == "local":
                phases = photonic_calibration.correct_couplers(
                    phases, first, second, self._arrangement
                )
        set_to = torch.cat([phases.theta, phases.phi], dim=-1)
        if self.on(active, "crosstalk") and self.params.crosstalk > 0.0:
            influence, inverse = self._influence(side)
            if self.params.crosstalk_cancellation:
                set_to = photonic_calibration.heater_commands(set_to, inverse)
            set_to = self._converted(set_to, active)
            set_to = photonic_thermal.apply_crosstalk(set_to, influence)
        else:
            set_to = self._converted(set_to, active)
        theta, phi = self._moved(set_to, side.name, state, active).chunk(2, dim=-1)
        amplitude: Tensor | float = 1.0
        if self.on(active, "loss_imbalance") and f"{side.name}_losses" in state:
            amplitude = amplitude_ratio(-1.0) ** state[f"{side.name}_losses"]
        return photonic_mesh.mesh_matrix(
            MeshPhases(theta, phi, phases.output),
            self._arrangement,
            angle_in=first,
            angle_out=second,
            column_amplitude=amplitude,
        )

    def _converted(self, phase: Tensor, active: Active) -> Tensor:
        """Return the phases at the nearest voltages of the converters."""
        if not self.on(active, "quantization"):
            return phase
        return photonic_mesh.quantize_phase(phase, self.params.converter_bits)

    def _moved(self, phase: Tensor, name: str, state: State, active: Active) -> Tensor:
        """Return phases with what their calibration misses and what has drifted since."""
        if self.on(active, "phase_error") and f"{name}_phases" in state:
            phase = phase + state[f"{name}_phases"]
        if self.on(active, "drift") and f"{name}_drift" in state:
            phase = phase + state[f"{name}_drift"]
        return phase

    def _influence(self, side: _Side) -> tuple[Tensor, Tensor]:
        """Return how heaters warm each other, and its inverse."""
        return heater_influence(
            side.modes,
            self._arrangement,
            (self.params.column_pitch, self.params.mode_pitch),
            (
                self.params.crosstalk,
                self.params.crosstalk_distance,
                self.params.crosstalk_length,
            ),
        )

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return what an exponential approach has left of the last change, weight by weight."""
        return self.unsettled(elapsed, self.params.time_constant, active)

    @property
    def rest_weight(self) -> float:
        """Return the weight of a bank that was never written: its attenuators are dark."""
        return 0.0

    @property
    def path_delay(self) -> float:
        """Return the time that light takes through the fibre by which paths differ [s]."""
        return self.params.path_mismatch * self.params.fiber_index / constants.c

    @property
    def transmission(self) -> float:
        """Return losses times the split over the banks that share a line, at weight 1."""
        lost = self.params.excess_loss + self._depth * self.params.column_loss
        return power_ratio(-lost) / self.size.tiles_out
