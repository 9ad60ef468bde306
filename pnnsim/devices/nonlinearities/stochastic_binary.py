"""Nonlinearity of junctions that are read as 0 or 1, with a chance that is f."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Nonlinearity
from pnnsim.devices.nonlinearities.stochastic_binary_params import StochasticBinaryParams
from pnnsim.physics import counting, spintronic


@final
class StochasticBinary(Nonlinearity[StochasticBinaryParams]):
    """Nonlinearity of low-barrier junctions whose state is sampled: binary stochastic neurons.

        current ──▶ junction that flips by heat ──▶ latch: 0 or 1, R times, averaged

    Without sampling it is its own chance, a sigmoid. `mtj_sigmoid` averages an analog signal over
    many flips instead. Readings that follow faster than a junction flips are those of a two-state
    system with an exponential correlation, drawn one after the other.

    The gradient of a reading is that of its chance (Bengio, Leonard and Courville,
    arXiv:1308.3432, 2013), so that networks of such neurons are trained as they run.

    Reference: Camsari, Faria, Sutton and Datta, Phys. Rev. X 7, 031014, 2017 (p-bits).
    """

    kind = "stochastic_binary"
    Params = StochasticBinaryParams
    non_idealities = ("sampling",)

    def delay_fs(self, action: str) -> int:
        """Return the time of all readings."""
        return {"activate": self.params.reads * to_fs(self.params.read_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of all readings of every neuron."""
        each = self.params.reads * self.params.read_energy
        return self.size.hidden * {"activate": each}[action]

    def static_power(self) -> float:
        """Return the power of all neurons."""
        return self.size.hidden * self.params.static_power

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the share of readings that found a 1, or the chance of one."""
        p = self.params
        chance = spintronic.p_bit_probability(p.drive_current * value, p.scale_current)
        if generator is None or not self.on(active, "sampling"):
            return chance
        with torch.no_grad():
            found = self._read(chance, generator)
        return counting.straight_through(found, chance)

    def _read(self, chance: Tensor, generator: torch.Generator) -> Tensor:
        """Return the mean of readings of each neuron, drawn one after the other, as `chance`."""
        p = self.params
        kept = self.persistence
        # The first reading comes long after the neuron's last one.
        state = torch.bernoulli(chance, generator=generator)
        total = state
        for _ in range(p.reads - 1):
            state = torch.bernoulli(chance + kept * (state - chance), generator=generator)
            total = total + state
        return total / p.reads

    @property
    def persistence(self) -> float:
        """Return the correlation of a reading with the one before."""
        p = self.params
        return math.exp(-p.read_time / p.correlation_time) if p.correlation_time > 0.0 else 0.0

    @property
    def range(self) -> tuple[float, float]:
        """Return never and always."""
        return 0.0, 1.0
