"""Find what a description assumes: values with a range, groups of them, and the scatter of laws.

Values of a group move together, and so do all that one law gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pnnsim.common.units import format_quantity, readable_quantity
from pnnsim.devices.quantities import Params
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.validation import field_number


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

    def apply(self, tree: dict[str, Any], quantile: float) -> None:
        """Set the value of a description to a quantile; see `Assumption.apply`."""
        tree[self.section][self.field] = self.text_at(quantile)


@dataclass(frozen=True, slots=True)
class Scatter:
    """Scatter of a law about published parts, for one value that the law gives.

    A tenth of the draws lies beyond each end, as of the parts: the logarithm of the factor on the
    law is triangular, with the law as mode.

    Args:
        section: Part of the machine.
        field: Key of the value in it.
        factor: This part over the law's usual one, as the description has it.
        low: Factor below which a tenth of the parts lies.
        high: Factor above which a tenth of the parts lies.
    """

    section: str
    field: str
    factor: float
    low: float
    high: float

    def in_words(self) -> str:
        """Return the scatter in words, such as `0.4 to 2.95 times the law`."""
        return f"{self.low:g} to {self.high:g} times the law"

    def factor_at(self, quantile: float) -> float:
        """Return the factor on the law below which a share `quantile` of all draws lies."""
        below, above = -math.log(self.low), math.log(self.high)
        lowest, highest = below, above
        # Ends of the triangle beyond which nothing lies; the change falls by half with each turn.
        for _ in range(60):
            width = 0.1 * (lowest + highest)
            lowest, highest = below + math.sqrt(width * lowest), above + math.sqrt(width * highest)
        return math.exp(triangular(quantile, -lowest, 0.0, highest))

    def apply(self, tree: dict[str, Any], quantile: float) -> None:
        """Set the factor of the law of a value to a quantile; see `Assumption.apply`."""
        tree[self.section][self.field]["factor"] = repr(self.factor * self.factor_at(quantile))


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is drawn at once: the range of one value, those of a group, or the scatter of a law.

    Args:
        key: Name in reports: the dotted path of the value, `group.NAME` or `law.NAME`.
        stream: Name of the stream that draws it. Machines that share this name share the draw: all
            that have the group or the law, or a part of the same kind with a range for this key.
        spans: Ranges of the values that move together.
    """

    key: str
    stream: str
    spans: tuple[Span | Scatter, ...]

    def in_words(self) -> str:
        """Return the ranges in words, such as `0.155 mW to 20 mW`."""
        if len(self.spans) == 1 or isinstance(self.spans[0], Scatter):
            return self.spans[0].in_words()
        return ", ".join(f"{s.section}.{s.field} {s.in_words()}" for s in self.spans)

    def apply(self, tree: dict[str, Any], quantile: float) -> None:
        """Set the values of a description to one quantile of their ranges.

        Args:
            tree: Description as of `HardwareSpec.to_tree`; its sections are changed. Laws stand in
                it without the values that they gave.
            quantile: Place within the ranges, 0 to 1.
        """
        for span in self.spans:
            span.apply(tree, quantile)


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
    tied: dict[tuple[str, str], list[Span | Scatter]] = {}
    for section, part in spec.sections().items():
        for field, value in part:
            path = f"{section}.{field}"
            use = spec.laws.get(path)
            if use is not None:
                names = (f"law.{use.law.name}", f"law.{use.law.name}")
                factor = float(use.parameters["factor"])
                tied.setdefault(names, []).append(Scatter(section, field, factor, *use.law.scatter))
                continue
            span = _span(path, part, value, spec.ranges)
            if span is None or path in spec.chosen:
                continue
            group = spec.groups.get(path)
            kind = f"{section}.{part.kind}.{field}"
            names = (path, kind) if group is None else (f"group.{group}", f"group.{group}")
            tied.setdefault(names, []).append(span)
    return tuple(Assumption(key, stream, tuple(spans)) for (key, stream), spans in tied.items())


def _span(
    path: str, part: Params, value: Any, ranges: Mapping[str, tuple[str, str]]
) -> Span | None:
    """Return the range of a value; None where nothing can be drawn."""
    texts = ranges.get(path)
    section, _, field = path.partition(".")
    if texts is None or value is None:
        return None
    (low, form), (high, _) = (field_number(text, type(part), field) for text in texts)
    if not low <= value <= high or low == high:
        return None
    return Span(section, field, low, float(value), high, form.dimension, form.type is int)
