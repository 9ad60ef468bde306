"""Two devices of your own: a bank of variable attenuators, and a rotary switch before it.

They are invented to show the pattern: a description (`Params`) and a component with its three
views, timing, cost and values. Use them from a script with `pnnsim.register`, as
`03_custom_device.py` does, or install this package, whose entry points name the same classes.
"""

from __future__ import annotations

from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import Tensor

from pnnsim.common.rng import normal
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, State, Switch, WeightBank
from pnnsim.devices.quantities import Bits, Count, Energy, Fraction, Params, Power, RatioDb, Time
from pnnsim.physics import dynamics, quantize


class AttenuatorParams(Params):
    """Description of a bank of two attenuators for each weight: one adds, one subtracts."""

    kind: Literal["attenuators"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank."""
    bits: Bits
    """Levels of a weight over [-1, 1]."""
    spread: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a weight from its setting, once per chip."""
    write_time: Annotated[Time, Field(gt=0)]
    """Time to set all attenuators."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy to set one attenuator."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of the brightest attenuator, the split over the rows not included."""


@final
class AttenuatorBank(WeightBank[AttenuatorParams]):
    """Weight bank of attenuators that stay where they are put."""

    kind = "attenuators"
    Params = AttenuatorParams
    deterministic = ("quantization",)
    non_idealities = (*deterministic, "spread")

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the time of a write; light passes at once."""
        return {"propagate": 0, "mvm": 0, "write": to_fs(self.params.write_time)}[action]

    def setup_wait(self) -> float:
        """Return nothing: a write ends when the attenuators stand still."""
        return 0.0

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: what was replaced is gone when the write ends."""
        return torch.zeros_like(elapsed)

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of setting two attenuators for each weight."""
        cells = 2 * self.params.rows * self.params.cols * self.size.tiles_out * self.size.tiles_in
        return {"propagate": 0.0, "mvm": 0.0, "write": cells * self.params.write_energy}[action]

    def static_power(self) -> float:
        """Return nothing: attenuators need no power to stay."""
        return 0.0

    # values

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw by how much each weight misses its setting."""
        shape = (self.size.detectors, self.size.lines)
        return {"spread": self.params.spread * normal(shape, generator)}

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the weights that light meets."""
        weights = target.clamp(-1.0, 1.0)
        if self.on(active, "quantization"):
            weights = quantize.quantize(weights, self.params.bits, -1.0, 1.0)
        if self.on(active, "spread") and "spread" in state:
            weights = (weights + state["spread"].to(weights)).clamp(-1.0, 1.0)
        return ProgrammedWeights(weights)

    @property
    def rest_weight(self) -> float:
        """Return the weight of attenuators that are both open."""
        return 0.0

    @property
    def transmission(self) -> float:
        """Return the brightest attenuator's transmission, behind the split over the rows."""
        split = 2 * self.params.rows * self.size.tiles_out
        return power_ratio(-self.params.insertion_loss) / split

    @property
    def absorbed(self) -> float:
        """Return the light that reaches the photodiodes: at most that of one weight of 1."""
        return 1.0


class RotaryParams(Params):
    """Description of a mirror that turns light towards one bank after the other."""

    kind: Literal["rotary"]
    turn_time: Annotated[Time, Field(gt=0)]
    """Wait after a move."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant with which the mirror comes to rest."""
    turn_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move."""
    hold_power: Annotated[Power, Field(ge=0)]
    """Power that keeps the mirror in place."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of the mirror."""


@final
class RotarySwitch(Switch[RotaryParams]):
    """Switch that turns all lines at once to a bank; the others are dark."""

    kind = "rotary"
    Params = RotaryParams
    non_idealities = ("settling",)

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        return {"route": to_fs(self.params.turn_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one move."""
        return {"route": self.params.turn_energy}[action]

    def static_power(self) -> float:
        """Return the power that keeps the mirror in place."""
        return self.params.hold_power

    @property
    def transmission(self) -> float:
        """Return the mirror's reflectivity."""
        return power_ratio(-self.params.insertion_loss)

    def leakage(self, active: Active) -> float:
        """Return nothing: no light goes to other banks."""
        return 0.0

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return the share of light that still falls on the previous bank."""
        if not self.on(active, "settling"):
            return torch.zeros_like(dwell)
        return dynamics.residue(dwell, self.params.time_constant)
