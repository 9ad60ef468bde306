"""Scaling of numbers to the lines of a machine, and of sums to the range of its converter.

A value that comes from numbers meets lines that carry [0, 1] or [-1, 1], and what was captured
meets a converter with a range of its own. Which number is full scale follows from training inputs
by percentile: for each line of a matrix and each row of a product. What a bank holds takes over
the proportions of its lines, so that all uses of a matrix share them; only their common factor, and
the number at which a line is dark, belong to a use.

Where nothing is fixed, ranges are those of each batch. Nothing is evaluated here: see
`pnnsim.inference.calibration` for the passes that fix ranges.

Reference: percentiles of activations, Krishnamoorthi, arXiv:1806.08342, 2018; a scale for each
output of an analog tile, Rasch et al., "A flexible and fast PyTorch toolkit", AICAS, 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pnnsim.networks.parts import Matrix

#: Share of the numbers on each side of zero that a range spans; what lies beyond is clipped.
QUANTILE = 0.999

#: Lines and rows that fill less than this share of the most filled one are scaled as if they did.
_LEAST_SHARE = 1e-2

#: Name of the inputs by which chips are calibrated, among the tensors of ranges.
KNOWN_INPUTS = "range.inputs"

#: Rows of numbers among which a percentile is looked for.
_ROWS = 4096


@dataclass(frozen=True, slots=True)
class InputRange:
    """Numbers at the ends of the lines of a use of a matrix.

    Args:
        offset: Number at 0 on each line, shape `(n_channel,)`, or `()` for all lines.
        span: Number at 1 on the line that spans most, less its offset, shape `()`.
        profile: Span of each line over `span`, as `offset`.
    """

    offset: Tensor
    span: Tensor
    profile: Tensor

    def to_lines(self, numbers: Tensor) -> Tensor:
        """Return numbers as the lines are to carry them, shape `(..., n_in)`."""
        offset, profile = (along(each, numbers.shape[-1]) for each in (self.offset, self.profile))
        return (numbers - offset) / (self.span * profile)

    def of_offset(self, weight: Tensor, matrix: Matrix) -> Tensor:
        """Return what the offsets add to each output, shape `(n_output,)`.

        Args:
            weight: Weights of the matrix, shape `(n_output, n_input / groups)`.
            matrix: The matrix.
        """
        return (weight * across(self.offset, matrix)).sum(dim=1)


class Ranges:
    """Ranges of all uses of matrices that are fixed.

    Args:
        offsets: Numbers at 0 of the lines of each use, by its number, shape `(n_channel,)`.
        spans: Largest span of a line of each use, by its number, shape `()`.
        profiles: Spans of the lines over the largest, by the number of the matrix, shape
            `(n_channel,)`; 1 where not given.
        sums: Largest sum of each row of a product, by its number, shape `(n_out,)`.
        inputs: Some of the inputs that fixed them, shape `(n, *input)`: by these each chip is
            calibrated; none where not given.
    """

    def __init__(
        self,
        offsets: Mapping[str, Tensor] | None = None,
        spans: Mapping[str, Tensor] | None = None,
        profiles: Mapping[str, Tensor] | None = None,
        sums: Mapping[str, Tensor] | None = None,
        inputs: Tensor | None = None,
    ) -> None:
        self._inputs = inputs
        self._offsets = dict(offsets or {})
        self._spans = dict(spans or {})
        self._profiles = dict(profiles or {})
        self._sums = dict(sums or {})

    @property
    def fixed(self) -> bool:
        """Return whether ranges are fixed, rather than those of each batch."""
        return True

    def profile(self, matrix: int) -> Tensor | None:
        """Return the spans of the lines of a matrix over the largest; None where all are 1."""
        return self._profiles.get(f"{matrix}")

    def input(self, use: int, numbers: Tensor, *, matrix: int, signed: bool) -> InputRange:
        """Return the range of the numbers that a use of a matrix reads.

        Args:
            use: Number of the use.
            numbers: What it reads, one column a channel, shape `(n, n_channel)`.
            matrix: Number of the matrix.
            signed: Whether lines carry numbers of either sign.
        """
        offset, span = (each[f"{use}"].to(numbers) for each in (self._offsets, self._spans))
        return InputRange(offset, span, self._profile_like(matrix, offset))

    def sum(self, product: int, captured: Tensor) -> Tensor:
        """Return the largest magnitude of each row that the converter takes, shape `(n_out,)`.

        Args:
            product: Number of the product.
            captured: Sums, shape `(..., n_out)`.
        """
        return self._sums[f"{product}"].to(captured)

    def of_batches(self) -> BatchRanges:
        """Return ranges that follow each batch, on lines with the proportions of these."""
        return BatchRanges(self._profiles)

    def _profile_like(self, matrix: int, offset: Tensor) -> Tensor:
        profile = self.profile(matrix)
        return torch.ones_like(offset) if profile is None else profile.to(offset)

    def tensors(self) -> dict[str, Tensor]:
        """Return the ranges, and the inputs for chips, as tensors by name."""
        ends = {
            f"range.{kind}.{number}": tensor
            for kind, found in (
                ("offset", self._offsets),
                ("span", self._spans),
                ("profile", self._profiles),
                ("sum", self._sums),
            )
            for number, tensor in found.items()
        }
        return ends if self._inputs is None else {**ends, KNOWN_INPUTS: self._inputs}

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor]) -> Ranges:
        """Return ranges from what `tensors` has given; those of each batch where there are none."""
        found: dict[str, dict[str, Tensor]] = {k: {} for k in ("offset", "span", "profile", "sum")}
        for name, tensor in tensors.items():
            what, _, rest = name.partition(".")
            kind, _, number = rest.partition(".")
            if what == "range" and kind in found:
                found[kind][number] = tensor
        if not any(found.values()):
            return BatchRanges()
        offsets, spans, profiles, sums = found.values()
        return Ranges(offsets, spans, profiles, sums, tensors.get(KNOWN_INPUTS))


class BatchRanges(Ranges):
    """Ranges that each batch fills.

    Args:
        profiles: As for `Ranges`.
        quantile: Share of the numbers of a batch that a range spans.
    """

    def __init__(
        self, profiles: Mapping[str, Tensor] | None = None, quantile: float = QUANTILE
    ) -> None:
        super().__init__(profiles=profiles)
        self._quantile = quantile

    @property
    def fixed(self) -> bool:
        """Return that ranges follow the batch."""
        return False

    def input(self, use: int, numbers: Tensor, *, matrix: int, signed: bool) -> InputRange:
        """Return the range of the numbers of a batch; see `Ranges.input`."""
        offset, spans = line_spans(numbers.detach(), self._quantile, signed=signed)
        profile = self._profile_like(matrix, offset)
        return InputRange(offset, _positive((spans / profile).max()), profile)

    def sum(self, product: int, captured: Tensor) -> Tensor:
        """Return the largest sums of a batch; see `Ranges.sum`."""
        rows = captured.detach().abs().reshape(-1, captured.shape[-1])
        return _not_least(_largest(rows, self._quantile))


class Observer(BatchRanges):
    """Ranges of each batch, which are kept: those of all batches together are fixed later.

    Args:
        profiles: As for `Ranges`.
        quantile: As for `BatchRanges`.
    """

    def __init__(
        self, profiles: Mapping[str, Tensor] | None = None, quantile: float = QUANTILE
    ) -> None:
        super().__init__(profiles, quantile)
        self._met: dict[int, list[InputRange]] = {}
        self._most: dict[int, list[Tensor]] = {}

    def input(self, use: int, numbers: Tensor, *, matrix: int, signed: bool) -> InputRange:
        """Return the range of a batch, and keep it; see `Ranges.input`."""
        found = super().input(use, numbers, matrix=matrix, signed=signed)
        self._met.setdefault(use, []).append(found)
        return found

    def sum(self, product: int, captured: Tensor) -> Tensor:
        """Return the largest sums of a batch, and keep them; see `Ranges.sum`."""
        found = super().sum(product, captured)
        self._most.setdefault(product, []).append(found)
        return found

    def ranges(self, inputs: Tensor | None = None) -> Ranges:
        """Return the ranges of all batches, fixed.

        Args:
            inputs: As for `Ranges`.
        """
        offsets, spans = {}, {}
        for use, met in self._met.items():
            offset = torch.stack([each.offset for each in met]).amin(dim=0)
            ends = [(each.offset - offset) / each.profile + each.span for each in met]
            offsets[f"{use}"], spans[f"{use}"] = offset, torch.stack(ends).max()
        sums = {f"{number}": torch.stack(most).amax(dim=0) for number, most in self._most.items()}
        return Ranges(offsets, spans, self._profiles, sums, inputs)


class LineObserver(BatchRanges):
    """Spans of the lines of each use, from which the proportions of a matrix follow.

    Args:
        quantile: Share of the numbers of a line that its span is of.
    """

    def __init__(self, quantile: float = QUANTILE) -> None:
        super().__init__(quantile=1.0)  # the pass itself clips nothing
        self._share = quantile
        self._spans_of: dict[int, dict[int, Tensor]] = {}

    def input(self, use: int, numbers: Tensor, *, matrix: int, signed: bool) -> InputRange:
        """Return the range of a batch, and keep the span of each line; see `Ranges.input`."""
        _, spans = line_spans(numbers.detach(), self._share, signed=signed)
        found = self._spans_of.setdefault(matrix, {})
        found[use] = torch.maximum(found[use], spans) if use in found else spans
        return super().input(use, numbers, matrix=matrix, signed=signed)

    def profiles(self) -> dict[str, Tensor]:
        """Return the proportions of the lines of each matrix, the largest 1.

        Each use counts with the proportions of its own lines, and of these the largest.
        """
        found = {}
        for matrix, uses in self._spans_of.items():
            shares = [spans / _positive(spans.max()) for spans in uses.values()]
            found[f"{matrix}"] = torch.stack(shares).amax(dim=0).clamp(min=_LEAST_SHARE, max=1.0)
        return found


def line_spans(numbers: Tensor, quantile: float, *, signed: bool) -> tuple[Tensor, Tensor]:
    """Return offset and span of each channel of some numbers, each of shape `(n_channel,)`.

    Lines without a sign carry numbers from their least on; where none is negative, from 0. No
    number in a range is 0 beyond its ends, as the border of a map is.

    Args:
        numbers: One column a channel, shape `(n, n_channel)`.
        quantile: Share of the numbers on each side that is spanned.
        signed: Whether lines carry numbers of either sign.
    """
    if signed:
        most = _largest(numbers.abs(), quantile)
        return torch.zeros_like(most), most
    low = -_largest(-numbers, quantile).clamp(min=0.0)
    return low, _largest(numbers, quantile).clamp(min=0.0) - low


def along(channels: Tensor, lines: int) -> Tensor:
    """Return a number for each line, from one for each channel or for all of them.

    Args:
        channels: Shape `(n_channel,)` or `()`; the lines of a channel lie side by side.
        lines: Number of lines.
    """
    if not channels.dim() or len(channels) == lines:
        return channels
    return channels.repeat_interleave(lines // len(channels))


def across(channels: Tensor, matrix: Matrix) -> Tensor:
    """Return a number for each weight of a matrix, shape `(n_output, n_input / groups)`.

    Args:
        channels: One for each channel that it reads, shape `(n_channel,)`, or one for all.
        matrix: The matrix, whose groups read channels of their own.
    """
    fan_in = matrix.inputs // matrix.groups
    lines = along(channels, matrix.inputs).expand(matrix.inputs).reshape(matrix.groups, fan_in)
    return lines.repeat_interleave(matrix.outputs // matrix.groups, dim=0)


def _largest(numbers: Tensor, quantile: float) -> Tensor:
    """Return the number of each column that a share of its numbers does not exceed.

    Args:
        numbers: Shape `(n, n_column)`; of many rows some are looked at, evenly spread.
        quantile: The share; 1 for the largest of all.
    """
    if quantile >= 1.0:
        return numbers.amax(dim=0)
    some = numbers[:: max(1, -(-len(numbers) // _ROWS))]
    beyond = max(1, round((1.0 - quantile) * len(some)))
    return some.topk(beyond, dim=0).values[-1] if beyond > 1 else some.amax(dim=0)


def _not_least(most: Tensor) -> Tensor:
    """Return magnitudes of rows, none of them 0 or much smaller than the largest."""
    least = (_LEAST_SHARE * most.max()).clamp(min=torch.finfo(most.dtype).tiny)
    return torch.maximum(most, least)


def _positive(span: Tensor) -> Tensor:
    """Return a span, or 1 where nothing spans it."""
    return torch.where(span > 0, span, torch.ones_like(span))
