"""Find what a description assumes: values with a range, and groups of values that move together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pnnsim.common.units import format_quantity, readable_quantity
from pnnsim.devices.quantities import Params
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.validation import read_number


@dataclass(frozen=True, slots=True)
class Span:
    """Range of one value: a triangle with the value as its mode.

    The triangle stands over the logarithm of the value where both ends are positive, and over the
    value itself otherwise.

    Args:
        section: Part of the machine.
        field: Key of the value in it.
        low: Lowest value, SI.
        mode: The value, SI.
        high: Highest value, SI.
        dimension: Dimension of the field; None for a plain number.
        whole: Whether only whole numbers are values of the field.
    """

    section: str
    field: str
    low: float
    mode: float
    high: float
    dimension: str | None
    whole: bool

    def value_at(self, quantile: float) -> float:
        """Return the value below which a share `quantile` of all draws lies, 0 to 1."""
        if self.low > 0:
            low, mode, high = (math.log(value) for value in (self.low, self.mode, self.high))
            value = math.exp(triangular(quantile, low, mode, high))
        else:
            value = triangular(quantile, self.low, self.mode, self.high)
        # Rounding of the logarithm must not leave the range.
        value = min(max(value, self.low), self.high)
        return float(round(value)) if self.whole else value

    def in_words(self) -> str:
        """Return the range in words, such as `0.155 mW to 20 mW`."""
        ends = (self.low, self.high)
        if self.dimension is None:
            return " to ".join(f"{end:g}" for end in ends)
        return " to ".join(readable_quantity(end, self.dimension) for end in ends)

    def text_at(self, quantile: float) -> str:
        """Return that value as it would be typed."""
        value = self.value_at(quantile)
        if self.dimension is not None:
            return format_quantity(value, self.dimension)
        return str(int(value)) if self.whole else repr(value)


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is drawn at once: the range of one value, or those of a group.

    Args:
        key: Name in reports: the dotted path of the value, or `group.NAME`.
        stream: Name of the stream that draws it. Machines that share this name share the draw: all
            that have the group, or a part of the same kind with a range for the same key.
        spans: Ranges of the values that move together.
    """

    key: str
    stream: str
    spans: tuple[Span, ...]

    def in_words(self) -> str:
        """Return the ranges in words, such as `0.155 mW to 20 mW`."""
        if len(self.spans) == 1:
            return self.spans[0].in_words()
        return ", ".join(f"{s.section}.{s.field} {s.in_words()}" for s in self.spans)

    def apply(self, tree: dict[str, Any], quantile: float) -> None:
        """Set the values of a description to one quantile of their ranges.

        Args:
            tree: Description as of `HardwareSpec.to_tree`; its sections are changed.
            quantile: Place within the ranges, 0 to 1.
        """
        for span in self.spans:
            tree[span.section][span.field] = span.text_at(quantile)


def triangular(quantile: float, low: float, mode: float, high: float) -> float:
    """Return the value of a triangular distribution below which a share of it lies.

    Args:
        quantile: The share, 0 to 1.
        low: Least value.
        mode: Most likely value.
        high: Largest value.

    Reference: inverse of the distribution function, N. L. Johnson, The Statistician 46, 387, 1997.
    """
    width = high - low
    if width == 0:
        return mode
    if quantile * width <= mode - low:
        return low + math.sqrt(quantile * width * (mode - low))
    return high - math.sqrt((1 - quantile) * width * (high - mode))


def assumptions_of(spec: HardwareSpec) -> tuple[Assumption, ...]:
    """Return what a description assumes, in the order of its sections.

    Nothing is assumed of what is chosen, of a range without width, and of a value that was set
    outside its range.
    """
    tied: dict[tuple[str, str], list[Span]] = {}
    for section, part in spec.sections().items():
        for field in type(part).model_fields:
            path = f"{section}.{field}"
            span = _span(part, section, field, spec.ranges)
            if span is None or path in spec.chosen:
                continue
            group = spec.groups.get(path)
            kind = f"{section}.{part.kind}.{field}"
            names = (path, kind) if group is None else (f"group.{group}", f"group.{group}")
            tied.setdefault(names, []).append(span)
    return tuple(Assumption(key, stream, tuple(spans)) for (key, stream), spans in tied.items())


def _span(
    part: Params, section: str, field: str, ranges: Mapping[str, tuple[str, str]]
) -> Span | None:
    """Return the range of a value; None where nothing can be drawn."""
    texts = ranges.get(f"{section}.{field}")
    value = getattr(part, field)
    if texts is None or value is None:
        return None
    (low, form), (high, _) = (read_number(text, type(part), field) for text in texts)
    if not low <= value <= high or low == high:
        return None
    return Span(section, field, low, float(value), high, form.dimension, form.type is int)
