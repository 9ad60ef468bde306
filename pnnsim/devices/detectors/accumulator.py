"""Detector of numbers: the accumulators of a digital array."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Detector, Received
from pnnsim.devices.detectors.accumulator_params import AccumulatorParams


@final
class Accumulator(Detector[AccumulatorParams]):
    """Detector that adds the sums of all banks of one output, exactly."""

    kind = "accumulator"
    Params = AccumulatorParams

    def delay_fs(self, action: str) -> int:
        """Return the time of an addition."""
        return {"detect": to_fs(self.params.capture_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of adding the sum of each bank on the way to an output."""
        sums = self.size.detectors * self.size.tiles_in
        return {"detect": sums * self.params.add_energy}[action]

    def static_power(self) -> float:
        """Return the power of one accumulator for each output."""
        return self.size.detectors * self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the number itself."""
        return unit_input

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the sum as it is: a number has no noise."""
        return received.signal
