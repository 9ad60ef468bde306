"""Weight bank of chains of spin diodes, which rectify microwave power."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.recent_results import Kept, content
from pnnsim.common.rng import noise_like, normal
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, Size, State, WeightBank, settling
from pnnsim.devices.weight_banks.spin_diode_params import SpinDiodeParams
from pnnsim.physics import quantize, spin_diode

#: Calibrated weight sets that are stored: two for each of as many sets as networks have.
_KEPT = 64


@final
class SpinDiodeBank(WeightBank[SpinDiodeParams]):
    """Weight bank of diodes that rectify the frequency to which they are nearly tuned.

        f_1, f_2, …, f_n ──▶ diode 1 ── diode 2 ── … ── diode n ──▶ sum of all voltages
                             (one chain for each output)

    The voltage of a diode is an anti-symmetric Lorentzian of its detuning: its sign and size are
    the weight. Each diode also rectifies all other frequencies, far from its resonance but as
    slowly falling as 1 / distance; calibration measures the chain and corrects each weight by what
    it is off, once a round.

    Reference: Ross et al., Nat. Nanotechnol. 18, 1273, 2023; Leroux et al., Neuromorph. Comput.
    Eng. 1, 011001, 2021.
    """

    kind = "spin_diode"
    Params = SpinDiodeParams
    deterministic = ("quantization", "crosstalk")
    non_idealities = (*deterministic, "frequency_error", "write_repeatability")

    def __init__(self, params: SpinDiodeParams, size: Size) -> None:
        super().__init__(params, size)
        self._calibrated: Kept[Tensor] = Kept(_KEPT)

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the response of the resonances, or the time of all rounds of a programming."""
        p = self.params
        if action == "propagate":
            return 0  # wires are far shorter than a response
        if action == "mvm":
            # A resonance of full width df forgets its amplitude with 1 / (pi df).
            response = 1.0 / (math.pi * p.linewidth)
            return to_fs(settling(p.settling_time, response, p.bits))
        if action == "write":
            return to_fs(p.calibration_rounds * p.write_time)
        raise KeyError(action)

    def setup_wait(self) -> float:
        """Return nothing: a round ends when its tuning has settled."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of tuning all diodes; microwaves are the encoder's power."""
        p = self.params
        diodes = self.size.tiles_out * self.size.tiles_in * p.rows * p.cols
        energy = diodes * p.calibration_rounds * p.write_energy
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return what keeps all diodes of all banks tuned."""
        return self._diodes * self.params.hold_power

    def area(self) -> float:
        """Return the area of all diodes."""
        return self._diodes * self.params.cell_area

    @property
    def _diodes(self) -> int:
        return self.params.count * self.params.rows * self.params.cols

    @property
    def endurance(self) -> float:
        """Return how many programmings a diode survives, each of several rounds."""
        return self.params.endurance / self.params.calibration_rounds

    # values

    @property
    def transmission(self) -> float:
        """Return the voltage of weight 1 over the power of a line [V/W]; chains share the power."""
        p = self.params
        share = power_ratio(-p.insertion_loss) / (p.rows * self.size.tiles_out)
        return p.sensitivity * p.usable_range * share

    @property
    def conductance(self) -> float:
        """Return the conductance of one chain [S]."""
        diodes = -(-self.size.lines // self.size.tiles_in)
        return 1.0 / (diodes * self.params.diode_resistance)

    @property
    def rest_weight(self) -> float:
        """Return the weight of a diode on resonance."""
        return 0.0

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw by how much each resonance is off as calibration leaves it, in half widths."""
        noise = normal((self.size.detectors, self.size.lines), generator)
        return {"frequency": 2.0 * self.params.frequency_error / self.params.linewidth * noise}

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return what the chains make of each frequency, over the voltage of logical 1."""
        target = target.clamp(-1.0, 1.0)
        mixes = self.on(active, "crosstalk")
        command = self._calibrated.get(
            (*content(target), self.on(active, "quantization"), mixes),
            lambda: self._corrected(target.detach(), active, mixes=mixes),
        )
        shift = state.get("frequency") if self.on(active, "frequency_error") else None
        if shift is None and not mixes:
            weights = command
        else:
            weights = self._measure(command, shift, mixes=mixes)
        # Weights follow their targets, so gradients pass straight through.
        return ProgrammedWeights(weights + (target - target.detach()))

    def _corrected(self, target: Tensor, active: Active, *, mixes: bool) -> Tensor:
        """Return the weights to which diodes are tuned after all rounds."""
        command, wanted = self._tuned(target, active), target
        for _ in range(self.params.calibration_rounds - 1 if mixes else 0):
            wanted = wanted + (target - self._measure(command, None, mixes=True))
            command = self._tuned(wanted, active)
        return command

    def _tuned(self, wanted: Tensor, active: Active) -> Tensor:
        """Return the nearest weights that a diode can be tuned to."""
        reach = 1.0 / self.params.usable_range
        if self.on(active, "quantization"):
            return quantize.quantize(wanted, self.params.bits, -reach, reach)
        return wanted.clamp(-reach, reach)

    def _measure(self, command: Tensor, shift: Tensor | None, *, mixes: bool) -> Tensor:
        """Return the weights of diodes that are tuned to a command.

        Args:
            command: Weights that diodes have for their own frequencies.
            shift: By how much resonances are off, in half widths; None for nothing.
            mixes: Whether diodes rectify the frequencies of others, too.
        """
        p = self.params
        detuning = spin_diode.detuning_of(p.usable_range * command)
        if shift is not None:
            detuning = detuning - shift.to(detuning)
        if not mixes:
            return spin_diode.rectified(detuning) / p.usable_range
        spacing = 2.0 * p.spacing / p.linewidth
        chains = [
            spin_diode.chain_weights(d, spacing)
            for d in torch.tensor_split(detuning, self.size.tiles_in, dim=-1)
        ]
        return torch.cat(chains, dim=-1) / p.usable_range

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw the spread of repeated programmings, the same for every weight."""
        if not self.on(active, "write_repeatability"):
            return None
        return self.params.write_repeatability * noise_like(held, generator)

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: a round ends when its tuning has settled."""
        return torch.zeros_like(elapsed)
