"""Banks of a simulated machine on a bench, which stay as they are from call to call.

When banks are written, and when what drifts is advanced, is up to `pnnsim.hil.simulated`.
"""

from __future__ import annotations

import math
from typing import final

import numpy as np
import torch

from pnnsim.common.units import from_fs
from pnnsim.devices.base import Active, ProgrammedWeights
from pnnsim.hil.chip_state import Condition
from pnnsim.inference.accesses import UNWRITTEN, Ints
from pnnsim.inference.bank_models import ChipBanks, age_bins, age_of, unwritten_like
from pnnsim.inference.chip import Chip


@final
class BenchBanks(ChipBanks):
    """Banks of one fabricated chip in its present condition, one for each weight set.

    Content k stands for the weights that bank k was last commanded to hold, content `n_layer + k`
    for those before.

    Args:
        chip: Fabricated chip.
        condition: What changes while the machine is on; `rewritten` and `forget` must follow.
        active: Non-idealities that are switched on.
    """

    def __init__(self, chip: Chip, condition: Condition, active: Active) -> None:
        matrix = torch.empty((chip.relaxnet.hidden, chip.relaxnet.hidden), dtype=torch.float64)
        super().__init__(chip, unwritten_like(matrix, chip), active)
        self._condition = condition
        self._sets = chip.relaxnet.weight_sets
        self._ages: dict[int, float] = {}

    @property
    def contents(self) -> Ints:
        """Return the content of each bank, shape `(n_layer,)`."""
        return self._numbers(0, [bank.weight is not None for bank in self._condition.banks])

    @property
    def replaced(self) -> Ints:
        """Return the content that each bank had before, shape `(n_layer,)`."""
        before = [bank.before is not None for bank in self._condition.banks]
        return self._numbers(self._sets, before)

    def _numbers(self, first: int, there: list[bool]) -> Ints:
        numbers = [first + bank if held else UNWRITTEN for bank, held in enumerate(there)]
        return np.array(numbers, np.int64)

    def effective(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        """Return what a bank makes of its present weights, or of those before.

        Args:
            bank: Its number.
            content: As of `contents` and `replaced`.
            age: Left out: a call is short, so that a bank has one age for all samples of it.
        """
        age = self._age(bank)
        if self._ages.get(bank, age) != age:
            self._drop(bank)
        self._ages[bank] = age
        return super().effective(bank, content, age)

    def _age(self, bank: int) -> float:
        """Return the time since a bank's last write began [s], in the middle of its bin."""
        if not self.chip.weight_banks.ages:
            return math.inf
        since_fs = max(1, self._condition.clock_fs - self._condition.banks[bank].began_fs)
        return age_of(int(age_bins(np.array(from_fs(since_fs)))))

    def _program(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        commanded = self._condition.banks[bank]
        target = commanded.weight if content < self._sets else commanded.before
        assert target is not None, "an unwritten bank is not programmed"
        banks = self.chip.weight_banks
        drifted = banks.drifted(commanded.environment, commanded.corrected)
        return self._programmed(bank, target, drifted, age)

    def rewritten(self, bank: int) -> None:
        """Take the weights that a bank held for those before, as others are written to it."""
        before = {age: made for (b, c, age), made in self._made.items() if (b, c) == (bank, bank)}
        self._drop(bank)
        for age, made in before.items():
            self._made[bank, self._sets + bank, age] = made

    def forget(self) -> None:
        """Compute all weights anew, as something has drifted."""
        self._made.clear()
        self._errors.clear()

    def _drop(self, bank: int) -> None:
        """Compute the weights of one bank anew."""
        for key in [key for key in self._made if key[0] == bank]:
            del self._made[key]
        self._errors.clear()
