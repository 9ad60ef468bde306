"""Matrices as banks hold them: scaled row by row, with the proportions of their lines.

Nothing is programmed here: see `pnnsim.inference.bank_models`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pnnsim.inference.chip import Chip
from pnnsim.inference.ranges import Ranges, across
from pnnsim.networks.workload import Mvm
from pnnsim.physics import quantize


def written_matrices(
    chip: Chip, numbers: Mapping[str, Tensor], ranges: Ranges, *, exact: bool = False
) -> tuple[list[Tensor], list[Tensor]]:
    """Return matrices as banks hold them, in [-1, 1], and the scale of each of their rows.

    A matrix behind which only the machine's nonlinearity stands is written as it is, as the gain
    behind the detector gives it its scale. Others take over the proportions of their lines, and
    fill the range of their banks, row by row or as a whole. A layer with bits of its own is rounded
    to them.

    Args:
        chip: Any chip of the machine.
        numbers: Parameters by the names of the workload.
        ranges: Ranges of lines, whose proportions they are.
        exact: Whether nothing is rounded.
    """
    workload = chip.network.workload
    uses = [step.matrix for step in workload.steps if isinstance(step, Mvm)]
    activated = {product.step for product in chip.passage.products if product.activates}
    as_numbers = {matrix for use, matrix in enumerate(uses) if use not in activated}
    written, scales = [], []
    for number, matrix in enumerate(workload.matrices):
        weight = numbers[matrix.name]
        profile = ranges.profile(number)
        if profile is not None:
            weight = weight * across(profile.to(weight), matrix)
        if number in as_numbers:
            most = weight.detach().abs().amax(dim=1)
            if matrix.scaling == "matrix":
                most = most.amax().expand_as(most)
            scale = torch.where(most > 0, most, torch.ones_like(most))
        else:
            scale = weight.new_ones(matrix.outputs)
        scales.append(scale)
        target = (weight / scale[:, None]).clamp(-1.0, 1.0)
        if matrix.bits is not None and not exact:
            target = quantize.quantize(target, matrix.bits, -1.0, 1.0)
        written.append(target)
    return written, scales


def profiled_matrices(chip: Chip) -> frozenset[int]:
    """Return the matrices that can take over the proportions of their lines.

    They are those whose inputs and outputs are numbers in each use.
    """
    uses = [step.matrix for step in chip.network.workload.steps if isinstance(step, Mvm)]
    analog = {p.step for p in chip.passage.products if p.activates or not p.digital}
    return frozenset(uses) - {uses[use] for use in analog}
