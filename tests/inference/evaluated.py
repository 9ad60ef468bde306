"""What a chip makes of a network under some non-idealities, for tests that need no more words."""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.devices.base import Active
from pnnsim.inference.accesses import AccessTable
from pnnsim.inference.bank_models import FabricatedBanks
from pnnsim.inference.chip import Chip
from pnnsim.inference.evaluator import evaluate
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.networks.parameters import ParameterSet


def switched(
    chip: Chip, weight: Tensor, active: Active, generator: torch.Generator | None = None
) -> SwitchedBanks:
    """Return the banks of a chip, in which nothing has drifted."""
    return SwitchedBanks(FabricatedBanks(chip, weight, active), NoiseContext(active, generator))


def evaluated(
    chip: Chip,
    parameters: ParameterSet,
    x: Tensor,
    accesses: AccessTable,
    active: Active = frozenset(),
) -> Tensor:
    """Return the outputs of a chip in which nothing has drifted and reading is not noisy."""
    banks = FabricatedBanks(chip, parameters.weight, active)
    return evaluate(banks, parameters, x, accesses, NoiseContext(active))
