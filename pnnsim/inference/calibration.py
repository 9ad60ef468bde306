"""Passes of a nominal machine that fix the ranges of its lines and converters on some inputs.

The first pass is in exact arithmetic and gives the proportions of the lines of each matrix, which
decide what banks hold; the second one, with these, gives all that depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from pnnsim.devices.base import Active
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.bank_models import NominalBanks
from pnnsim.inference.chip import Chip
from pnnsim.inference.ranges import QUANTILE, LineObserver, Observer, Ranges
from pnnsim.inference.switched_banks import NoiseContext
from pnnsim.inference.workload_evaluator import evaluate_workload
from pnnsim.inference.written_matrices import profiled_matrices, written_matrices

#: Inputs that each chip computes before its first sample, so that its sums are corrected by them.
CALIBRATED = 64


def calibrated_ranges(
    chip: Chip,
    numbers: Mapping[str, Tensor],
    x: Tensor,
    *,
    active: Active,
    quantile: float = QUANTILE,
) -> Ranges:
    """Return ranges that some inputs fill on the nominal chip.

    Args:
        chip: Any chip of the machine.
        numbers: Parameters by the names of the workload.
        x: Inputs, shape `(batch, *input)`.
        active: Non-idealities of the second pass.
        quantile: Share of the numbers that each range spans; what lies beyond is clipped.
    """
    lines = LineObserver(quantile)
    _pass(chip, numbers, x, frozenset(), lines, exact=True)
    scaled = profiled_matrices(chip)
    profiles = {name: each for name, each in lines.profiles().items() if int(name) in scaled}
    observer = Observer(profiles, quantile)
    _pass(chip, numbers, x, active, observer, exact=False)
    return observer.ranges(x[:CALIBRATED])


def _pass(
    chip: Chip,
    numbers: Mapping[str, Tensor],
    x: Tensor,
    active: Active,
    ranges: Ranges,
    *,
    exact: bool,
) -> None:
    written, scales = written_matrices(chip, numbers, ranges)
    banks = NominalBanks(chip, written, active)
    accesses = nominal_accesses(chip.order, chip.mapping, chip.policy)
    noise = NoiseContext(active)
    evaluate_workload(banks, numbers, scales, ranges, x, accesses, noise, exact=exact)
