"""Draw, for training, what no one can know before a chip is made and read.

Nominal chips are what a plain surrogate sees. Here chips, programmings and the noise of reading are
drawn anew while training goes on, so that the weights learn to live with their spread. The streams
are not those of the simulated chips: nothing is trained on a chip on which it is later measured.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, ProgrammedWeights
from pnnsim.inference.chip import Chip
from pnnsim.inference.programming import Read


class ChipSampler:
    """Make the circumstances of one evaluation after the other.

    A drawn chip stays for some evaluations, because to program a bank takes much longer than to
    multiply by it. What its weights miss is kept meanwhile and added to the nominal weights, which
    alone carry gradients: the straight-through estimator (Bengio, Leonard and Courville,
    arXiv:1308.3432, 2013). Reading noise is fresh in every evaluation.

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
        self._misses: dict[tuple[int, int], ProgrammedWeights] = {}

    def renew(self) -> None:
        """Let the next evaluation meet a chip of its own."""
        self._left = 0

    def read(self, weight: Tensor) -> Read:
        """Return the circumstances of the next evaluation.

        Args:
            weight: Weight sets, shape `(n_layer, n_out, n_in)`; gradients flow to them.
        """
        if not self._left:
            self._left = self._redraw
            self.chips += 1
            self._misses = {}
        self._left -= 1
        self.reads += 1
        generator = stream(self._seed, f"training{self.reads}.detector", "read")
        held: dict[tuple[int, int], ProgrammedWeights] = {}

        def hold(bank: int, weight_set: int) -> ProgrammedWeights:
            if (bank, weight_set) not in held:
                held[bank, weight_set] = self._hold(weight[weight_set], bank, weight_set)
            return held[bank, weight_set]

        return Read(self._active, generator, held=hold)

    def _hold(self, target: Tensor, bank: int, weight_set: int) -> ProgrammedWeights:
        """Return nominal weights plus what the drawn chip's bank makes them miss."""
        nominal = self._chip.weight_banks.program(target, {}, self._known, math.inf)
        if (bank, weight_set) not in self._misses:
            self._misses[bank, weight_set] = self._miss(target, nominal, bank, weight_set)
        missed = self._misses[bank, weight_set]
        return replace(missed, weights=nominal.weights + missed.weights)

    @torch.no_grad()
    def _miss(
        self, target: Tensor, nominal: ProgrammedWeights, bank: int, weight_set: int
    ) -> ProgrammedWeights:
        """Return a bank of the drawn chip, once programmed, less its nominal weights."""
        banks, path = self._chip.weight_banks, f"training{self.chips}.weight_banks.{bank}"
        state = banks.fabricate(stream(self._seed, path, "fabrication"))
        drift = banks.environment(None, 0.0, stream(self._seed, f"{path}.environment", "read"))
        real = banks.program(target, {**state, **drift}, self._active, math.inf)
        missed = real.weights - nominal.weights
        generator = stream(self._seed, f"{path}.write{weight_set}", "write")
        error = banks.write_error(real.weights, generator, self._active)
        return replace(real, weights=missed if error is None else missed + error)
