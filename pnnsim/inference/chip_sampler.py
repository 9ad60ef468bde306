"""Chips, programmings and reading noise that are drawn anew while training goes on.

A plain surrogate has nominal chips. With a sampler the weights are trained for what differs
from chip to chip and from read to read. The streams are not those of the simulated chips: nothing
is trained on a chip on which it is later measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, ProgrammedWeights
from pnnsim.devices.component import built_parts
from pnnsim.inference.bank_models import BankModel, unwritten_like
from pnnsim.inference.chip import Chip
from pnnsim.inference.partial_sums import bank_targets
from pnnsim.inference.switched_banks import NoiseContext


class ChipSampler:
    """Banks and noise of one evaluation after the other, each drawn.

    A drawn chip stays for some evaluations, because to program a bank takes much longer than to
    multiply by it. What its weights miss is kept meanwhile and added to the nominal weights, which
    alone carry gradients: the straight-through estimator (Bengio, Leonard and Courville,
    arXiv:1308.3432, 2013). The parts around the banks are those of the same chip. Reading noise is
    fresh in every evaluation.

    Args:
        chip: Nominal chip.
        known: Non-idealities that are the same on every chip.
        drawn: Those that are drawn.
        seed: Seed of the draws.
        redraw: Evaluations for which one chip stays.
    """

    def __init__(self, chip: Chip, known: Active, drawn: Active, *, seed: int, redraw: int) -> None:
        self._chip = chip
        self._known = frozenset(known)
        self._active = frozenset(known) | frozenset(drawn)
        self._seed = seed
        self._redraw = redraw
        #: Chips and evaluations so far: all that the draws depend on, together with the seed.
        self.chips = 0
        self.reads = 0
        self._left = 0
        self._sample: SampledChip | None = None
        #: The chip with the parts around its banks as drawn.
        self._built = chip

    def renew(self) -> None:
        """Draw another chip for the next evaluation."""
        self._left = 0

    def sample(self, weight: Tensor | Sequence[Tensor]) -> tuple[SampledBanks, NoiseContext]:
        """Draw the banks and the noise of the next evaluation.

        Args:
            weight: Weight sets, shape `(n_layer, n_hidden, n_hidden)`; gradients flow to them.
        """
        if not self._left or self._sample is None:
            self._left = self._redraw
            self.chips += 1
            path = f"training{self.chips}.weight_banks"
            self._sample = SampledChip(self._chip, self._active, self._seed, path)
            parts = built_parts(self._chip.components, f"training{self.chips}", self._seed)
            self._built = replace(self._chip, components=parts)
        self._left -= 1
        self.reads += 1
        generator = stream(self._seed, f"training{self.reads}.detector", "read")
        banks = SampledBanks(self._built, weight, self._known, self._sample)
        return banks, NoiseContext(self._active, generator)


class SampledChip:
    """What the banks of one drawn chip, once programmed, miss of their nominal weights.

    Args:
        chip: Nominal chip.
        active: Non-idealities that the drawn chip has.
        seed: Seed of the draws.
        path: Name under which the chip draws its random numbers.
    """

    def __init__(self, chip: Chip, active: Active, seed: int, path: str) -> None:
        self._chip = chip
        self._active = active
        self._seed = seed
        self._path = path
        self._misses: dict[tuple[int, int], ProgrammedWeights] = {}

    def misses(
        self, bank: int, content: int, target: Tensor, nominal: ProgrammedWeights
    ) -> ProgrammedWeights:
        """Return what a bank misses, as it did when this chip was first evaluated.

        Args:
            bank: Logical bank.
            content: Number of the weight set.
            target: Wanted weights, shape `(n_out, n_in)`.
            nominal: What nominal banks make of them.
        """
        key = (bank, content)
        if key not in self._misses:
            self._misses[key] = self._draw(bank, content, target, nominal)
        return self._misses[key]

    @torch.no_grad()
    def _draw(
        self, bank: int, content: int, target: Tensor, nominal: ProgrammedWeights
    ) -> ProgrammedWeights:
        """Return a bank of the drawn chip, once programmed, less its nominal weights."""
        banks, path = self._chip.weight_banks, f"{self._path}.{bank}"
        state = banks.fabricate(stream(self._seed, path, "fabrication"))
        drift = banks.environment(None, 0.0, stream(self._seed, f"{path}.environment", "read"))
        real = banks.program(target, {**state, **drift}, self._active, math.inf)
        missed = real.weights - nominal.weights
        generator = stream(self._seed, f"{path}.write{content}", "write")
        error = banks.write_error(real.weights, generator, self._active)
        return replace(real, weights=missed if error is None else missed + error)


@final
class SampledBanks(BankModel):
    """Nominal banks, plus what those of a drawn chip miss.

    Args:
        chip: Nominal chip.
        weight: Weight sets, shape `(n_layer, n_hidden, n_hidden)`; gradients flow to them.
        known: Non-idealities that are the same on every chip.
        sample: The drawn chip.
    """

    def __init__(
        self, chip: Chip, weight: Tensor | Sequence[Tensor], known: Active, sample: SampledChip
    ) -> None:
        self._targets = bank_targets(weight, chip.mapping)
        self._known = known
        self._sample = sample
        super().__init__(chip, unwritten_like(self._targets[0], chip))

    def _program(self, bank: int, content: int, age: float) -> ProgrammedWeights:
        target = self._targets[content]
        nominal = self.chip.weight_banks.program(target, {}, self._known, math.inf)
        missed = self._sample.misses(bank, content, target, nominal)
        return replace(missed, weights=nominal.weights + missed.weights)
