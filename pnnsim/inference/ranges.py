"""Scaling of numbers to the lines of a machine, and of sums to the range of its converter.

A value that comes from numbers meets lines that carry [0, 1] or [-1, 1], and what was captured
meets a converter with a range of its own. Which number is full scale follows from data, such as
some of the training inputs: it is fixed once for each use of a matrix, and each row of it has an
electronic gain ahead of the converter. Without fixed ranges each batch has those that it fills.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

#: Sums of a row smaller than this share of the largest row are scaled as if they had it.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class InputRange:
    """Numbers at the ends of the lines of a use of a matrix.

    Args:
        offset: Number at 0 on a line, shape `()`.
        span: Number at 1, less `offset`, shape `()`.
    """

    offset: Tensor
    span: Tensor

    def to_lines(self, numbers: Tensor) -> Tensor:
        """Return numbers as the lines are to carry them."""
        return (numbers - self.offset) / self.span


class Ranges:
    """Ranges of all uses of matrices: fixed, or those of each batch.

    Args:
        inputs: Offset and span of each use, by the name of its step, shape `(2,)`.
        sums: Largest sum of each row of a product, by the name of the product, shape `(n_out,)`.
    """

    def __init__(
        self, inputs: Mapping[str, Tensor] | None = None, sums: Mapping[str, Tensor] | None = None
    ) -> None:
        self._inputs = dict(inputs or {})
        self._sums = dict(sums or {})

    @property
    def fixed(self) -> bool:
        """Return whether there are ranges that do not follow the batch."""
        return bool(self._inputs) or bool(self._sums)

    def input(self, step: int, numbers: Tensor, *, signed: bool) -> InputRange:
        """Return the range of the numbers that a step reads.

        Args:
            step: Number of the use of a matrix.
            numbers: What it reads.
            signed: Whether lines carry numbers of either sign.
        """
        if self.fixed:
            offset, span = self._inputs[f"{step}"].to(numbers).unbind()
            return InputRange(offset, span)
        low, high = numbers.detach().aminmax()
        return _input_range(low, high, signed=signed)

    def sum(self, product: int, captured: Tensor) -> Tensor:
        """Return the largest magnitude of each row that the converter takes, shape `(n_out,)`.

        Args:
            product: Number of the product.
            captured: Sums, shape `(..., n_out)`.
        """
        if self.fixed:
            return self._sums[f"{product}"].to(captured)
        return _largest(captured)

    def tensors(self) -> dict[str, Tensor]:
        """Return the ranges as tensors by name."""
        inputs = {f"range.input.{step}": pair for step, pair in self._inputs.items()}
        return inputs | {f"range.sum.{product}": most for product, most in self._sums.items()}

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor]) -> Ranges:
        """Return ranges from what `tensors` has given; other names are left out."""
        found: dict[str, dict[str, Tensor]] = {"input": {}, "sum": {}}
        for name, tensor in tensors.items():
            what, _, rest = name.partition(".")
            kind, _, number = rest.partition(".")
            if what == "range" and kind in found:
                found[kind][number] = tensor
        return Ranges(found["input"], found["sum"])


class Observer(Ranges):
    """Ranges of each batch, which are kept: those of all batches together are fixed later.

    Args:
        quantile: Share of the numbers of a batch that its range spans; 1 for all of them.
    """

    def __init__(self, quantile: float = 1.0) -> None:
        super().__init__()
        self._quantile = quantile
        self._low: dict[int, list[Tensor]] = {}
        self._high: dict[int, list[Tensor]] = {}
        self._most: dict[int, list[Tensor]] = {}
        self._signed = False

    @property
    def fixed(self) -> bool:
        """Return that ranges follow the batch."""
        return False

    def input(self, step: int, numbers: Tensor, *, signed: bool) -> InputRange:
        """Return the range of a batch, and keep it; see `Ranges.input`."""
        self._signed = signed
        low, high = numbers.detach().aminmax()
        if self._quantile < 1.0:
            flat = _some(numbers)
            self._low.setdefault(step, []).append(torch.quantile(flat, 1.0 - self._quantile))
            self._high.setdefault(step, []).append(torch.quantile(flat, self._quantile))
        else:
            self._low.setdefault(step, []).append(low)
            self._high.setdefault(step, []).append(high)
        return _input_range(low, high, signed=signed)

    def sum(self, product: int, captured: Tensor) -> Tensor:
        """Return the largest sums of a batch, and keep them; see `Ranges.sum`."""
        most = _largest(captured)
        kept = most
        if self._quantile < 1.0:
            flat = captured.detach().abs().reshape(-1, captured.shape[-1])
            kept = torch.quantile(flat[:: max(1, len(flat) // 4096)], self._quantile, dim=0)
            kept = torch.maximum(kept, _LEAST_SHARE * most.max())
        self._most.setdefault(product, []).append(kept)
        return most

    def ranges(self) -> Ranges:
        """Return the ranges of all batches, fixed; none where nothing became a number."""
        inputs = {}
        for step, lows in self._low.items():
            low, high = torch.stack(lows).min(), torch.stack(self._high[step]).max()
            found = _input_range(low, high, signed=self._signed)
            inputs[f"{step}"] = torch.stack([found.offset, found.span])
        sums = {f"{number}": torch.stack(most).amax(dim=0) for number, most in self._most.items()}
        return Ranges(inputs, sums)


def _input_range(low: Tensor, high: Tensor, *, signed: bool) -> InputRange:
    """Return the range of numbers between two ends.

    Lines without a sign carry numbers from their least on; where none is negative, from 0.
    """
    zero = torch.zeros_like(low)
    offset = zero if signed else torch.minimum(low, zero)
    span = torch.maximum(-low, high) if signed else high - offset
    return InputRange(offset, torch.where(span > 0, span, torch.ones_like(span)))


def _largest(captured: Tensor) -> Tensor:
    """Return the largest magnitude of each row, none of them 0, shape `(n_out,)`."""
    most = captured.detach().abs().reshape(-1, captured.shape[-1]).amax(dim=0)
    least = (_LEAST_SHARE * most.max()).clamp(min=torch.finfo(most.dtype).tiny)
    return torch.maximum(most, least)


def _some(numbers: Tensor, most: int = 2**20) -> Tensor:
    """Return at most so many of some numbers, evenly spread, as `torch.quantile` takes no more."""
    flat = numbers.detach().flatten()
    return flat[:: max(1, -(-flat.numel() // most))]
