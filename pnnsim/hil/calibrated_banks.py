"""What was measured of a machine, and banks that are modelled with it.

How it is measured is described in `pnnsim.hil.calibration`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import final

import torch
from torch import Tensor

from pnnsim.devices.base import ProgrammedWeights, State
from pnnsim.hil.cost_report import CostReport
from pnnsim.hil.device_errors import Devices
from pnnsim.inference.bank_models import BankModel, unwritten_like
from pnnsim.inference.surrogate import Surrogate


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What was measured of a machine: `gain * (W h) + error h + offset` in place of `W h`.

    Args:
        gain: Gain of each output, shape `(n_layer, n_out)`.
        offset: Offset of each output, logical, shape `(n_layer, n_out)`.
        error: Error of each weight, shape `(n_layer, n_out, n_in)`.
        cost: What the measurement took.
        devices: Errors of each bank's devices, which the model itself turns into weights; empty
            where its kind of bank has none that can be fitted.
    """

    gain: Tensor
    offset: Tensor
    error: Tensor
    cost: CostReport
    devices: dict[int, State] = field(default_factory=dict)

    @staticmethod
    def none(surrogate: Surrogate) -> Calibration:
        """Return the calibration that leaves a model as it is."""
        zero = torch.zeros_like(surrogate.weight, dtype=torch.float64)
        return Calibration(torch.ones_like(zero[..., 0]), zero[..., 0].clone(), zero, CostReport())


@final
class CalibratedBanks(BankModel):
    """Nominal banks, corrected by what was measured of a machine.

    Args:
        surrogate: Model of the machine; each weight set has a bank of its own.
        weight: Weight sets in [-1, 1], shape `(n_layer, n_out, n_in)`; gradients flow to them.
        calibration: What was measured.
    """

    def __init__(self, surrogate: Surrogate, weight: Tensor, calibration: Calibration) -> None:
        self._weight = weight
        self._calibration = calibration
        self._known = frozenset(surrogate.known)
        fitted = Devices.of(surrogate) if any(calibration.devices.values()) else None
        self._fitted = fitted.non_idealities if fitted is not None else frozenset()
        super().__init__(surrogate.chip, unwritten_like(weight[0], surrogate.chip))

    def _program(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        errors = self._calibration.devices.get(content, {})
        active = self._known | self._fitted if errors else self._known
        weight = self._weight[content]
        nominal = self.chip.weight_banks.program(weight, errors, active, math.inf)
        measured = self._calibration
        gain, error = (t[content].to(weight) for t in (measured.gain, measured.error))
        return replace(nominal, weights=gain.unsqueeze(1) * nominal.weights + error)
