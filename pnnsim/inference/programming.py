"""Hold what the banks of one chip make of the weight sets, programmed once and read many times.

Nothing here knows which sample meets what, or when: that is `pnnsim.inference.mvm`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, ProgrammedWeights, State
from pnnsim.inference.accesses import UNWRITTEN, AccessTable, Ints
from pnnsim.inference.chip import Chip
from pnnsim.inference.partial_sums import fold_weights

#: Ages within this ratio count as one, for banks whose weights change with age.
_AGE_RATIO = 1.05

#: Bin of an age that nobody asks for; it comes last, so that it stays apart from any known one.
_NO_AGE = 10**6


#: As of `ProgrammedWeights`: a number, or shape `()` or `(n_out,)`.
Scale = float | Tensor


@dataclass(frozen=True, slots=True)
class Read:
    """Say under which circumstances a chip is read.

    Args:
        active: Non-idealities that are switched on.
        generator: Stream of the noise of reading; None for none.
        environment: What drifts, for each logical bank; empty where nothing does.
        programmed: Whether each programming has an error of its own.
        held: Tells what a logical bank makes of a weight set, in place of programming it; None to
            program it as the chip does.
    """

    active: Active
    generator: torch.Generator | None = None
    environment: Sequence[State] = ()
    programmed: bool = False
    held: Callable[[int, int], ProgrammedWeights] | None = None


@dataclass(frozen=True, slots=True)
class EffectiveWeights:
    """Hold what samples meet in one bank, the leak of all others included.

    Args:
        seen: Weights, shape `(n_out, n_in)`.
        light: Light that reaches the outputs, over `scale`; one number where it is the same for
            every weight.
        scale: As of `ProgrammedWeights`.
        squares: Squared weights, and None where no noise is drawn.
        variance: Variance of each weight from read to read; None for nothing.
    """

    seen: Tensor
    light: Tensor | float
    scale: Scale
    squares: Tensor | None
    variance: Tensor | None


class Programmed:
    """Program the banks of one chip as they are asked for, and keep the result.

    Args:
        chip: Nominal or fabricated.
        weight: Weight sets in [-1, 1], shape `(n_layer, n_hidden, n_hidden)`. Where they are
            folded, the number of a fold stands for that of a weight set.
        read: Noise, drift, and which non-idealities are on.
    """

    def __init__(self, chip: Chip, weight: Tensor, read: Read) -> None:
        self.chip = chip
        self.read = read
        self._weight = fold_weights(weight, chip.mapping)
        self._leak = chip.switch.leakage(read.active)
        self._fields = chip.weight_banks.size.carrier == "field"
        self._held: dict[tuple[int, int, int], ProgrammedWeights] = {}
        self._met: dict[tuple[int, ...], EffectiveWeights] = {}
        self._errors: dict[int, Tensor | None] = {}

    def held(self, bank: int, weight_set: int, age_bin: int) -> ProgrammedWeights:
        """Return what a bank makes of a weight set at an age, once settled."""
        key = (bank, weight_set, age_bin)
        if key not in self._held:
            self._held[key] = self._program(*key)
        return self._held[key]

    def _program(self, bank: int, weight_set: int, age_bin: int) -> ProgrammedWeights:
        banks = self.chip.weight_banks
        if weight_set == UNWRITTEN:
            return ProgrammedWeights(torch.full_like(self._weight[0], banks.rest_weight))
        if self.read.held is not None:
            return self.read.held(bank, weight_set)
        environment = self.read.environment[bank] if self.read.environment else {}
        state = {**self.chip.states[bank], **environment}
        return banks.program(self._weight[weight_set], state, self.read.active, _age_of(age_bin))

    def meet(self, bank: int, contents: Sequence[int], age_bin: int) -> EffectiveWeights:
        """Return what samples meet in a bank while all banks hold some weight sets."""
        key = (bank, age_bin, *contents)
        if key not in self._met:
            held = self.held(bank, contents[bank], age_bin)
            seen = _laid_out(self._seen(bank, contents, age_bin))
            light = self._light(bank, contents, age_bin) / held.scale
            squares = variance = None
            if self.read.generator is not None:
                squares = seen.detach() ** 2
                variance = self.chip.weight_banks.read_variance(
                    held.weights.detach(), _age_of(age_bin), self.read.active
                )
            self._met[key] = EffectiveWeights(seen, light, held.scale, squares, variance)
        return self._met[key]

    def _seen(self, bank: int, contents: Sequence[int], age_bin: int) -> Tensor:
        """Return the selected bank's weights and the leak of all others, in its units."""
        own = self.held(bank, contents[bank], age_bin)
        weights = own.weights
        for other, weight_set in enumerate(contents):
            if self._leak and other != bank:
                leaking = self.held(other, weight_set, age_bin)
                weights = weights + self._leak * self.in_units(
                    leaking.weights, leaking.scale, own.scale
                )
        return weights

    def in_units(self, weights: Tensor, scale: Scale, other: Scale) -> Tensor:
        """Return weights as a detector meets them that expects the scale of another matrix.

        Scales are of powers, or of what a line carries otherwise; fields go with their root.
        """
        if isinstance(scale, float) and isinstance(other, float) and scale == other:
            return weights
        ratio = (torch.as_tensor(scale) / torch.as_tensor(other)).to(weights).reshape(-1, 1)
        return weights * (ratio.sqrt() if self._fields else ratio)

    def _light(self, bank: int, contents: Sequence[int], age_bin: int) -> Tensor | float:
        """Return the light that reaches the outputs, that which leaks from other banks included.

        Shape `(n_out, n_in)`, or one number where a bank passes the same for every weight.
        """
        everywhere = self.chip.weight_banks.absorbed

        def of(index: int) -> Tensor | float:
            light = self.held(index, contents[index], age_bin).light
            return everywhere if light is None else light

        light = of(bank)
        for other in range(len(contents)):
            if self._leak and other != bank:
                light = light + self._leak * of(other)
        return light

    def error(self, number: int, held: ProgrammedWeights) -> Tensor | None:
        """Return the error of one programming, always the same for the same number.

        None where a programming has no error.
        """
        if number in self._errors:
            return self._errors[number]
        chip = self.chip
        generator = stream(chip.seed, f"{chip.name}.weight_banks.write{number}", "write")
        error = chip.weight_banks.write_error(held.weights, generator, self.read.active)
        # The set-up's few programmings serve every sample; those of the run are met once or twice.
        if number < chip.mapping.used:
            self._errors[number] = error
        return error


def _laid_out(weights: Tensor) -> Tensor:
    """Return the same weights with the memory of their transpose, by which lines are multiplied."""
    return weights.T.contiguous().T


def age_bins(accesses: AccessTable, ages: bool) -> Ints:
    """Return the age of what samples meet, as a power of `_AGE_RATIO`; 0 where none matters."""
    since = accesses.since_write_s
    if not ages:
        return np.zeros(since.shape, np.int64)
    finite = np.where(np.isfinite(since) & (since > 0.0), since, 1.0)
    bins = np.floor(np.log(finite) / math.log(_AGE_RATIO)).astype(np.int64)
    return np.where(np.isfinite(since), bins, _NO_AGE)


def _age_of(age_bin: int) -> float:
    """Return the age in the middle of a bin [s]."""
    return math.inf if age_bin == _NO_AGE else _AGE_RATIO ** (age_bin + 0.5)
