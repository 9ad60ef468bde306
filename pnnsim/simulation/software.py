"""What a network reaches in software: in exact arithmetic, and on an 8-bit accelerator.

These are the figures beside which those of a machine stand: no noise, no time, no spread. The
activation is the machine's own without non-idealities, where the network has it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import Parameters
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.reference import run_int8, run_reference
from pnnsim.networks.relaxnet_parameters import by_name

#: Samples that fix the scales of 8-bit products.
_SCALED = 256
#: Numbers that values of one batch have at most, and samples.
_NUMBERS, _SAMPLES = 2**24, 4096


@torch.no_grad()
def software_outputs(chip: Chip, parameters: Parameters, x: Tensor) -> dict[str, Tensor]:
    """Return the outputs of software by name, `float` and `int8`; none for a stateful network.

    Args:
        chip: Nominal chip of the machine, for its activation and the range of its lines.
        parameters: Trained numbers.
        x: Inputs, shape `(batch, *input)`; the first of them fix the scales of 8 bits.
    """
    workload = chip.network.workload
    if workload.carried:
        return {}
    numbers = (
        by_name(parameters.network, parameters.tensors())
        if isinstance(parameters, ParameterSet)
        else parameters.numbers
    )

    def activation(y: Tensor) -> Tensor:
        return chip.nonlinearity.activate(y, None, None, frozenset())

    def carried(value: Tensor) -> Tensor:
        return chip.encoder.encode(value, converted=False, active=frozenset())

    # Numbers are scaled to the lines; a state that stays on the machine is clipped there.
    lines = None if chip.converts else carried
    x = x.reshape(len(x), *workload.values[0].shape)
    scaled = x[:_SCALED]
    largest = max(value.size for value in workload.values)
    each = max(1, min(_SAMPLES, _NUMBERS // largest))
    found: dict[str, list[Tensor]] = {"float": [], "int8": []}
    for batch in torch.split(x, each):
        found["float"].append(
            run_reference(workload, numbers, batch, activation=activation, lines=lines)
        )
        found["int8"].append(
            run_int8(
                workload, numbers, batch,
                calibration=scaled[:each], activation=activation, lines=lines,
            )
        )  # fmt: skip
    return {name: torch.cat(outputs).flatten(1) for name, outputs in found.items()}
