"""What the banks of a machine make of the weight sets that are written to them.

`BankModel` is the interface; the surrogate, the simulator, training, calibration and machines in
the loop differ in its class alone:

- `NominalBanks`: as described, the same on every chip (the surrogate);
- `FabricatedBanks`: of one fabricated chip, with what has drifted (the simulator);
- `SampledBanks`: nominal, plus what a chip drawn for training misses (`chip_sampler`);
- `CalibratedBanks`: nominal, corrected by a measurement (`pnnsim.hil.calibrated_banks`);
- `BenchBanks`: of a simulated machine on a bench, as its clock runs (`pnnsim.hil.bench_banks`).

Which sample meets which bank, and when, is not decided here: see `pnnsim.inference.mvm`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, ProgrammedWeights, State
from pnnsim.inference.accesses import UNWRITTEN, Floats, Ints
from pnnsim.inference.chip import Chip
from pnnsim.inference.partial_sums import bank_targets

#: Ages within this ratio count as one, for banks whose weights change with age.
AGE_RATIO = 1.05

#: Bin of an infinite age; it comes last, so that it stays apart from any finite one.
SETTLED = 10**6


def age_bins(since_write_s: Floats) -> Ints:
    """Return ages [s] as powers of `AGE_RATIO`, rounded down; `SETTLED` for infinite ones."""
    finite = np.where(np.isfinite(since_write_s) & (since_write_s > 0.0), since_write_s, 1.0)
    bins = np.floor(np.log(finite) / math.log(AGE_RATIO)).astype(np.int64)
    return np.where(np.isfinite(since_write_s), bins, SETTLED)


def age_of(age_bin: int) -> float:
    """Return the age in the middle of a bin [s]."""
    return math.inf if age_bin == SETTLED else AGE_RATIO ** (age_bin + 0.5)


class BankModel(ABC):
    """What the banks of one machine make of weight sets, computed once and read many times.

    Args:
        chip: Chip whose banks they are.
        unwritten: Weights of a bank that was never written, shape `(n_out, n_in)`.
    """

    #: Whether each programming has an error of its own (`write_error`).
    errs: bool = False

    def __init__(self, chip: Chip, unwritten: Tensor) -> None:
        self.chip = chip
        self._unwritten = ProgrammedWeights(unwritten)
        self._made: dict[tuple[int, int, float], ProgrammedWeights] = {}

    def effective(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        """Return what a bank makes of a weight set, once settled.

        Args:
            bank: Logical bank.
            content: Number of the weight set, or of the fold of one; `UNWRITTEN` for none.
            age: Time since the write began [s], in the middle of its bin; infinite when settled.
        """
        if content == UNWRITTEN:
            return self._unwritten
        key = (bank, content, age)
        if key not in self._made:
            self._made[key] = self._program(*key)
        return self._made[key]

    @abstractmethod
    def _program(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        """Compute `effective` for a bank that was written."""

    def write_error(self, number: int, held: ProgrammedWeights) -> Tensor | None:
        """Return by how much one programming misses the settled weights; None for nothing.

        Args:
            number: Number of the programming; the same number has the same error.
            held: Settled weights of the bank.
        """
        return None


@final
class NominalBanks(BankModel):
    """Banks as the description states them, the same on every chip.

    Args:
        chip: Any chip of the machine; its fabrication is left out.
        weight: Matrices in [-1, 1], shape `(n_layer, n_hidden, n_hidden)`, or each of its own
            shape.
        active: Non-idealities that are switched on.
    """

    def __init__(self, chip: Chip, weight: Tensor | Sequence[Tensor], active: Active) -> None:
        self._targets = bank_targets(weight, chip.mapping)
        self._active = active
        super().__init__(chip, unwritten_like(self._targets[0], chip))

    def _program(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        return self.chip.weight_banks.program(self._targets[content], {}, self._active, age)


class ChipBanks(BankModel):
    """Banks of one fabricated chip, each programming of which has an error of its own.

    Args:
        chip: Fabricated or nominal.
        unwritten: As for `BankModel`.
        active: Non-idealities that are switched on.
    """

    errs = True

    def __init__(self, chip: Chip, unwritten: Tensor, active: Active) -> None:
        super().__init__(chip, unwritten)
        self._active = active
        self._errors: dict[int, Tensor | None] = {}

    def write_error(self, number: int, held: ProgrammedWeights) -> Tensor | None:
        """Return by how much one programming misses the settled weights; None for nothing."""
        if number in self._errors:
            return self._errors[number]
        chip = self.chip
        generator = stream(chip.seed, f"{chip.name}.weight_banks.write{number}", "write")
        error = chip.weight_banks.write_error(held.weights, generator, self._active)
        # The set-up's few programmings serve every sample; those of the run are met once or twice.
        if number < chip.mapping.used:
            self._errors[number] = error
        return error

    def _programmed(
        self, bank: int, target: Tensor, environment: State, age: float
    ) -> ProgrammedWeights:
        """Return what a bank of this chip makes of a matrix while something has drifted."""
        state = {**self.chip.states[bank], **environment}
        return self.chip.weight_banks.program(target, state, self._active, age)


@final
class FabricatedBanks(ChipBanks):
    """Banks of one fabricated chip while nothing drifts any further.

    Args:
        chip: Fabricated or nominal.
        weight: Matrices in [-1, 1], shape `(n_layer, n_hidden, n_hidden)`, or each of its own
            shape.
        active: Non-idealities that are switched on.
        environment: What has drifted in each logical bank; empty where nothing has.
    """

    def __init__(
        self,
        chip: Chip,
        weight: Tensor | Sequence[Tensor],
        active: Active,
        environment: Sequence[State] = (),
    ) -> None:
        self._targets = bank_targets(weight, chip.mapping)
        self._environment = environment
        super().__init__(chip, unwritten_like(self._targets[0], chip), active)

    def _program(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        environment = self._environment[bank] if self._environment else {}
        return self._programmed(bank, self._targets[content], environment, age)


def unwritten_like(matrix: Tensor, chip: Chip) -> Tensor:
    """Return the weights of a bank that was never written.

    Args:
        matrix: Tensor of their shape and type.
        chip: Chip whose bank it is.
    """
    return torch.full_like(matrix, chip.weight_banks.rest_weight)
