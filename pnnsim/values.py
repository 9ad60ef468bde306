"""Evaluate a network on a chip: the only evaluator, for simulator and surrogate alike.

Whole batches of waves are tensor operations; the simulator passes a fabricated chip, noise streams
and the visits of a trace, the surrogate a nominal chip, no noise and nominal visits. This file does
not know SimPy, prices, or how parameters were trained.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pnnsim.chip import Chip
from pnnsim.parameters import ParameterSet
from pnnsim.products import BankProducts, Read
from pnnsim.visits import NO_SYMBOL, Visits

__all__ = ["Read", "evaluate"]


def evaluate(chip: Chip, parameters: ParameterSet, x: Tensor, visits: Visits, read: Read) -> Tensor:
    """Return the network's outputs as a chip computes them.

    Args:
        chip: Nominal or fabricated.
        parameters: Trained numbers; gradients flow to them where they are asked for.
        x: Inputs, shape `(batch, n_inputs)`.
        visits: What each wave met, one row a wave or one row for all.
        read: Noise, drift, and which imperfections are on.

    Returns:
        Outputs, shape `(batch, n_outputs)`.
    """
    network, active, generator = chip.network, read.active, read.generator
    products = BankProducts(chip, parameters.weight, visits, read)
    first = network.injection == "first"
    drive = chip.front_end.map_input(
        x, parameters.input_weight, parameters.input_bias if first else None
    )
    state = torch.relu(drive) if first else torch.zeros_like(drive)
    captured: Tensor | None = None
    activated: Tensor | None = None
    for step, weight_set in enumerate(network.weight_set_order()):
        # An analog state meets a converter once, when the front end hands it over.
        converted = step == 0 or not chip.memory.analog
        line = chip.encoder.encode(state, converted=converted, active=active)
        fresh = chip.detector.detect(products.receive(line, step), generator, active)
        captured = _after_symbol(fresh, captured, visits, step, chip.detector.residue(active))
        value = parameters.gain[weight_set] * captured + parameters.bias[weight_set]
        if not first:
            value = value + drive
        activated = chip.nonlinearity.activate(value, activated, generator, active)
        state = activated + network.residual * line if network.residual else activated
        if step < network.steps - 1:
            held = torch.from_numpy(visits.held_s[:, step + 1 : step + 2]).to(state)
            state = chip.memory.hold(state, held, active)
    result = chip.readout.read(state, chip.nonlinearity.range, active)
    return chip.front_end.map_output(result, parameters.output_weight, parameters.output_bias)


def _after_symbol(
    fresh: Tensor, before: Tensor | None, visits: Visits, step: int, residue: float
) -> Tensor:
    """Mix in what a detector has left of the symbol before.

    That symbol is the wave's own last step, or the wave ahead of it in the block. The residue of a
    residue is left out where the wave ahead is in the same step.
    """
    if not residue:
        return fresh
    offset, back = visits.symbol_offset[:, step], visits.symbol_back[:, step]
    if len(offset) == 1:
        if before is None or back[0] == NO_SYMBOL:
            return fresh
        return fresh + residue * (before - fresh)
    place = np.arange(len(fresh)) + offset
    known = (back != NO_SYMBOL) & (place >= 0) & (place < len(fresh))
    index = torch.from_numpy(np.where(known, place, 0))
    last = fresh[index]
    if before is not None:
        same = torch.from_numpy(back == 0).unsqueeze(1)
        last = torch.where(same, last, before[index])
    left = residue * torch.from_numpy(known).unsqueeze(1).to(fresh)
    return fresh + left * (last - fresh)
