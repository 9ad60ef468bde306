"""Evaluate a network on a chip: the only evaluator, for simulator, surrogate and backends alike.

Whole batches of samples are tensor operations; the simulator passes fabricated banks, noise streams
and the accesses of a trace, the surrogate nominal banks, no noise and nominal accesses. Nothing
here depends on events, prices, or how parameters were trained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from pnnsim.errors import ParameterError
from pnnsim.inference.accesses import NO_SYMBOL, AccessTable
from pnnsim.inference.bank_models import BankModel
from pnnsim.inference.mvm import BankMvm, Observe
from pnnsim.inference.partial_sums import averaged, fold_lines, unfold_product
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.networks.parameters import ParameterSet

#: Samples of one batch: what 64 lines carry then takes a megabyte in float32.
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class LoopState:
    """What samples take from one step to the next.

    Args:
        state: State h, shape `(batch, n_hidden)`.
        captured: What the detector captured last; None ahead of the first step.
        activated: What the nonlinearity gave in the step before; None ahead of the first.
    """

    state: Tensor
    captured: Tensor | None = None
    activated: Tensor | None = None


class StepEvaluator:
    """Steps of a network on a chip, from the input map to the last state.

    Args:
        banks: What the banks of a chip hold, and the noise of reading it.
        gain: Electronic gain of each set, shape `(n_layer,)`, or of each of its rows, shape
            `(n_layer, n_out)`.
        bias: Bias of each set, shape `(n_layer, n_out)`.
        accesses: What each sample met, one row a sample or one row for all.
        probe: What looks at each product; None for nothing.
    """

    def __init__(
        self,
        banks: SwitchedBanks,
        gain: Tensor,
        bias: Tensor,
        accesses: AccessTable,
        *,
        probe: Observe | None = None,
    ) -> None:
        self._probe = probe
        self._chip = chip = banks.chip
        self._gain = gain.unbind()
        self._bias = bias.unbind()
        self._accesses = accesses
        self._noise = banks.noise
        self._order = chip.relaxnet.weight_set_order()
        self._residue = chip.detector.residue(banks.noise.active)
        self._mvm = BankMvm(banks, accesses)
        #: Whether the symbol before is each sample's own in a step, or is there for none.
        offset, back = accesses.symbol_offset, accesses.symbol_back
        own = (offset == 0) | (back == NO_SYMBOL)
        self._alone = (own & (back == back[:1])).all(axis=0).tolist()
        #: Time for which the state was held before a step, shape `(n_sample, 1)`, or `(1, 1)` where
        #: all samples have the same.
        held = torch.from_numpy(accesses.held_s).T.unsqueeze(-1)
        self._held = [times[:1] if (times == times[:1]).all() else times for times in held]

    def begin(self, drive: Tensor, before: Tensor | None = None) -> LoopState:
        """Return what the first step starts from.

        Args:
            drive: What the front end hands over, shape `(batch, n_hidden)`.
            before: Last states of the samples before, of the same shape, where the state is kept.
        """
        if before is not None:
            return LoopState(self._hold(before, 0))
        first = self._chip.relaxnet.injection == "first"
        return LoopState(torch.relu(drive) if first else torch.zeros_like(drive))

    def step(self, step: int, carry: LoopState, drive: Tensor) -> LoopState:
        """Return what one step makes of the state.

        Args:
            step: Step t of the network.
            carry: What the samples bring along.
            drive: As for `begin`; added here where the network injects it in every step.
        """
        chip = self._chip
        # An analog state meets a converter once, when the front end hands it over.
        handed_over = step == 0 and not chip.relaxnet.stateful
        made = self._advance(step, carry, drive, converted=handed_over or not chip.memory.analog)
        if step == chip.relaxnet.steps - 1:
            return made
        return replace(made, state=self._hold(made.state, (step + 1) * chip.mapping.folds))

    def single(self, step: int, state: Tensor, drive: Tensor) -> LoopState:
        """Return what one step makes of a state that is handed over, where no other step follows.

        Args:
            step: Step t of the network, which gives the weight set and the bank.
            state: What the encoder is given, shape `(batch, n_hidden)`.
            drive: As for `begin`.
        """
        return self._advance(step, LoopState(state), drive, converted=True)

    def _advance(self, step: int, carry: LoopState, drive: Tensor, *, converted: bool) -> LoopState:
        """Return the state behind the nonlinearity.

        Args:
            step: Step t of the network.
            carry: What the samples bring along.
            drive: As for `begin`.
            converted: Whether a converter hands the state to the encoder.
        """
        chip, network, noise = self._chip, self._chip.relaxnet, self._noise
        weight_set = self._order[step]
        line, product, captured = self._multiply(step, carry, converted=converted)
        value = torch.addcmul(self._bias[weight_set], product, self._gain[weight_set])
        if network.injection == "every":
            value = value + drive
        activated = chip.nonlinearity.activate(
            value, carry.activated, noise.generator, noise.active
        )
        state = activated + network.residual * line if network.residual else activated
        return LoopState(state, captured, activated)

    def _multiply(
        self, step: int, carry: LoopState, *, converted: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the lines, the whole product, and what was captured last, for one step."""
        chip, mapping = self._chip, self._chip.mapping
        state, captured, sums = carry.state, carry.captured, list[Tensor]()
        folds = mapping.folds_of(self._order[step])
        for place, fold in enumerate(folds):
            number = step * len(folds) + place
            if place:
                state = self._hold(state, number)
            line = chip.encoder.encode(state, converted=converted, active=self._noise.active)
            captured = self._capture(fold_lines(line, fold, mapping), number, captured)
            sums.append(averaged(captured, fold, mapping))
        assert captured is not None, "a matrix has a fold"
        return line, unfold_product(sums, folds, line.shape[1]), captured

    def _capture(self, line: Tensor, number: int, before: Tensor | None) -> Tensor:
        """Return what the detector captures of one product.

        Args:
            line: What the lines of the bank carry.
            number: Which product of the samples it is.
            before: What the detector has captured before.
        """
        detector, noise = self._chip.detector, self._noise
        fresh = detector.detect(self._mvm.receive(line, number), noise.generator, noise.active)
        if self._probe is not None:
            self._probe(number, line, fresh, 1)
        if not self._residue:
            return fresh
        if not self._alone[number]:
            return _after_symbol(fresh, before, self._accesses, number, self._residue)
        if before is None or self._accesses.symbol_back[0, number] == NO_SYMBOL:
            return fresh
        return torch.lerp(fresh, before, self._residue)

    def _hold(self, state: Tensor, number: int) -> Tensor:
        """Return what the memory has kept of a state until a product begins."""
        return self._chip.memory.hold(state, self._held[number].to(state), self._noise.active)

    def result(self, carry: LoopState) -> Tensor:
        """Return the state as the readout gives it, shape `(batch, n_hidden)`."""
        chip = self._chip
        return chip.readout.read(carry.state, chip.nonlinearity.range, self._noise.active)


def evaluate(
    model: BankModel,
    parameters: ParameterSet,
    x: Tensor,
    accesses: AccessTable,
    noise: NoiseContext,
) -> Tensor:
    """Return the network's outputs as a chip computes them, each sample on its own.

    Samples are evaluated in batches that fit into a processor's cache. The batches draw the noise
    of reading from one stream, one behind the other: what a sample draws depends on its place in
    the run and on `_BATCH`, but not on how many batches come after its own.

    Args:
        model: What the banks of a chip make of the weight sets.
        parameters: Trained numbers; gradients flow to them where they require any.
        x: Inputs, shape `(batch, n_inputs)`.
        accesses: What each sample met, one row a sample or one row for all.
        noise: Noise, and which non-idealities are on.

    Returns:
        Outputs, shape `(batch, n_outputs)`.

    Raises:
        ParameterError: If the network is stateful; `evaluate_streams` is for it.
    """
    chip = model.chip
    if chip.relaxnet.stateful:
        raise ParameterError(
            "network.stateful: a sample has no outputs of its own; expected the states before"
        )
    first = chip.relaxnet.injection == "first"
    banks = SwitchedBanks(model, noise)
    outputs = []
    for samples in _batches(accesses, len(x)):
        drive = chip.front_end.map_input(
            x[samples], parameters.input_weight, parameters.input_bias if first else None
        )
        loop = StepEvaluator(banks, parameters.gain, parameters.bias, accesses.select(samples))
        carry = loop.begin(drive)
        for step in range(chip.relaxnet.steps):
            carry = loop.step(step, carry, drive)
        result = loop.result(carry)
        outputs.append(
            chip.front_end.map_output(result, parameters.output_weight, parameters.output_bias)
        )
    return torch.cat(outputs) if len(outputs) > 1 else outputs[0]


def evaluate_streams(
    model: BankModel,
    parameters: ParameterSet,
    x: Tensor,
    accesses: AccessTable,
    noise: NoiseContext,
    before: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return what a chip makes of streams of samples, each beginning where the last one ended.

    Args:
        model: What the banks of a chip make of the weight sets.
        parameters: Trained numbers; gradients flow to them where they require any.
        x: Inputs, shape `(batch, n_inputs)`: a sample of each stream, the next of each, and so on.
        accesses: What each sample met, one row a sample or one row for all.
        noise: Noise, and which non-idealities are on.
        before: States of the streams before their first sample, shape `(n_stream, n_hidden)`.

    Returns:
        Outputs, shape `(batch, n_outputs)`, and the states behind the last sample of each stream.
    """
    chip, banks = model.chip, SwitchedBanks(model, noise)
    drives = chip.front_end.map_input(x, parameters.input_weight, None)
    same = len(accesses.bank) == 1
    loop = StepEvaluator(banks, parameters.gain, parameters.bias, accesses) if same else None
    results = []
    for first in range(0, len(x), len(before)):
        turn = slice(first, first + len(before))
        if not same:
            loop = StepEvaluator(banks, parameters.gain, parameters.bias, accesses.select(turn))
        assert loop is not None
        carry = loop.begin(drives[turn], before)
        for step in range(chip.relaxnet.steps):
            carry = loop.step(step, carry, drives[turn])
        results.append(loop.result(carry))
        before = carry.state
    outputs = chip.front_end.map_output(
        torch.cat(results), parameters.output_weight, parameters.output_bias
    )
    return outputs, before


def _batches(accesses: AccessTable, samples: int) -> list[slice]:
    """Return consecutive samples, about `_BATCH` at a time.

    No batch ends between a sample and one whose symbol the detector captured just before.
    """
    ends = np.arange(1, samples)
    offset = np.where(accesses.symbol_back != NO_SYMBOL, accesses.symbol_offset, 0)
    if len(offset) > 1 and offset.any():
        places = np.arange(samples)[:, None] + offset
        least = np.minimum.accumulate(places.min(axis=1)[::-1])[::-1]
        most = np.maximum.accumulate(places.max(axis=1))
        ends = ends[(least[1:] >= ends) & (most[:-1] < ends)]
    edges = [0]
    while edges[-1] < samples:
        later = np.searchsorted(ends, edges[-1] + _BATCH)
        edges.append(int(ends[later]) if later < len(ends) else samples)
    return [slice(first, end) for first, end in pairwise(edges)] or [slice(0, 0)]


def _after_symbol(
    fresh: Tensor, before: Tensor | None, accesses: AccessTable, step: int, residue: float
) -> Tensor:
    """Mix in what a detector has left of the symbol before.

    That symbol is the sample's own last step, or the sample ahead of it in the block. The residue
    of a residue is left out where the sample ahead is in the same step.
    """
    offset, back = accesses.symbol_offset[:, step], accesses.symbol_back[:, step]
    place = np.arange(len(fresh)) + offset
    known = (back != NO_SYMBOL) & (place >= 0) & (place < len(fresh))
    index = torch.from_numpy(np.where(known, place, 0))
    last = fresh[index]
    if before is not None:
        same = torch.from_numpy(back == 0).unsqueeze(1)
        last = torch.where(same, last, before[index])
    left = residue * torch.from_numpy(known).unsqueeze(1).to(fresh)
    return fresh + left * (last - fresh)
