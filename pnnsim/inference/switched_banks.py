"""Weights that samples meet in the bank that the switch selects, the leak of all others included.

What a bank makes of its weight set comes from a `BankModel`; which sample meets what, and when, is
not decided here: see `pnnsim.inference.mvm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pnnsim.devices.base import Active, ProgrammedWeights
from pnnsim.inference.bank_models import BankModel

#: As of `ProgrammedWeights`: a number, or shape `()` or `(n_out,)`.
Scale = float | Tensor


@dataclass(frozen=True, slots=True)
class NoiseContext:
    """Noise and non-idealities under which the parts around the banks are evaluated.

    Args:
        active: Non-idealities that are switched on.
        generator: Stream of the noise of reading; None for none.
    """

    active: Active
    generator: torch.Generator | None = None


@dataclass(frozen=True, slots=True)
class EffectiveWeights:
    """Weights that samples meet in one bank, the leak of all others included.

    Args:
        seen: Weights, shape `(n_out, n_in)`.
        light: Light that reaches the outputs, over `scale`; one number where it is the same for
            every weight.
        scale: As of `ProgrammedWeights`.
        variance: Variance of each weight from read to read; None for nothing.
        offset: As of `ProgrammedWeights`, of the selected bank.
    """

    seen: Tensor
    light: Tensor | float
    scale: Scale
    variance: Tensor | None
    offset: Tensor | None = None


class SwitchedBanks:
    """Banks of one machine behind its switch, which lets some of all others through.

    Args:
        model: What the banks make of their weight sets.
        noise: Noise, and which non-idealities are on.
    """

    def __init__(self, model: BankModel, noise: NoiseContext) -> None:
        self.model = model
        self.chip = model.chip
        self.noise = noise
        self._leak = self.chip.switch.leakage(noise.active)
        self._fields = self.chip.weight_banks.size.carrier == "field"
        self._met: dict[tuple[int, float, tuple[int, ...]], EffectiveWeights] = {}

    def meet(self, bank: int, contents: Sequence[int], age: float) -> EffectiveWeights:
        """Return what samples meet in a bank while all banks hold some weight sets.

        Args:
            bank: Selected bank.
            contents: Weight set in every bank in use.
            age: Time since the selected bank was written [s], as of `BankModel.effective`.
        """
        key = (bank, age, tuple(contents))
        if key not in self._met:
            own = self._beside(bank, contents, age)
            seen = _laid_out(self._seen(bank, contents, age))
            light = self._light(bank, contents, age) / own.scale
            variance = None
            if self.noise.generator is not None:
                variance = self.chip.weight_banks.read_variance(
                    own.weights.detach(), age, self.noise.active
                )
            self._met[key] = EffectiveWeights(seen, light, own.scale, variance, own.offset)
        return self._met[key]

    def _beside(self, bank: int, contents: Sequence[int], age: float) -> ProgrammedWeights:
        """Return the selected bank's weights as its neighbors change them."""
        own = self.model.effective(bank, contents[bank], age)
        before, after = (
            self.model.effective(other, contents[other], age)
            if 0 <= other < len(contents)
            else None
            for other in (bank - 1, bank + 1)
        )
        return self.chip.weight_banks.beside(own, before, after, self.noise.active)

    def _seen(self, bank: int, contents: Sequence[int], age: float) -> Tensor:
        """Return the selected bank's weights and the leak of all others, in its units."""
        own = self._beside(bank, contents, age)
        weights = own.weights
        for other, weight_set in enumerate(contents):
            if self._leak and other != bank:
                leaking = self.model.effective(other, weight_set, age).unselected()
                weights = weights + self._leak * self.in_units_of(own.scale, leaking)
        return weights

    def in_units_of(self, scale: Scale, other: ProgrammedWeights | EffectiveWeights) -> Tensor:
        """Return the weights of another matrix as a detector meets them that expects a scale.

        Scales are of powers, or of what a line carries otherwise; fields go with their root.

        Args:
            scale: Scale that the detector expects.
            other: Weights and the scale that they were made for.
        """
        weights = other.seen if isinstance(other, EffectiveWeights) else other.weights
        if isinstance(other.scale, float) and isinstance(scale, float) and other.scale == scale:
            return weights
        ratio = (torch.as_tensor(other.scale) / torch.as_tensor(scale)).to(weights).reshape(-1, 1)
        return weights * (ratio.sqrt() if self._fields else ratio)

    def _light(self, bank: int, contents: Sequence[int], age: float) -> Tensor | float:
        """Return the light that reaches the outputs, that which leaks from other banks included.

        Shape `(n_out, n_in)`, or one number where a bank passes the same for every weight.
        """
        everywhere = self.chip.weight_banks.absorbed

        def of(index: int) -> Tensor | float:
            light = self.model.effective(index, contents[index], age).light
            return everywhere if light is None else light

        light = of(bank)
        for other in range(len(contents)):
            if self._leak and other != bank:
                light = light + self._leak * of(other)
        return light


def _laid_out(weights: Tensor) -> Tensor:
    """Return the same weights with the memory of their transpose, by which lines are multiplied."""
    return weights.T.contiguous().T
