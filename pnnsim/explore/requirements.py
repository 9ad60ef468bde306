"""Requirements on figures: `accuracy >= 0.9 and latency_s.p99 <= 1 us`.

    requirement = comparison { "and" comparison }
    comparison  = figure ( "<=" | ">=" | "<" | ">" ) value

A value is a number, with a unit where the figure is a physical value. Nothing else is read, and
nothing is evaluated but these comparisons.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pnnsim.common.hints import did_you_mean
from pnnsim.common.units import UnitError, read_quantity, show
from pnnsim.explore.figures import PLAIN

_COMPARISON = re.compile(r"\s*(?P<key>[A-Za-z_][\w.]*)\s*(?P<sign><=|>=|<|>)\s*(?P<value>\S.*?)\s*")
_AND = re.compile(r"\s+and\s+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_EXAMPLE = "expected such as 'latency_s.first <= 1 us'"

#: Comparisons of one requirement, and characters of its text.
_MOST = 50
_LONGEST = 2000


class RequirementError(ValueError):
    """Reason why a text is no requirement, as `got ...; expected ...`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Bound of one figure.

    Args:
        key: Figure.
        sign: `<=`, `>=`, `<` or `>`.
        bound: Its bound, SI.
        text: How it was typed.
    """

    key: str
    sign: str
    bound: float
    text: str

    def holds(self, value: float) -> bool:
        """Return whether a value of the figure [SI] is within the bound."""
        if self.sign in ("<", ">") and value == self.bound:
            return False
        return value <= self.bound if self.sign[0] == "<" else value >= self.bound

    def excess(self, value: float) -> float:
        """Return how far a value is beyond its bound: 0 or less within, relative to the bound."""
        beyond = value - self.bound if self.sign[0] == "<" else self.bound - value
        if beyond == 0.0 and not self.holds(value):
            return 1e-12
        return beyond / abs(self.bound) if self.bound else beyond


@dataclass(frozen=True, slots=True)
class Requirement:
    """Bounds that all must hold.

    Args:
        comparisons: The bounds.
    """

    comparisons: tuple[Comparison, ...]

    def __str__(self) -> str:
        return " and ".join(comparison.text for comparison in self.comparisons)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the figures that are compared."""
        return tuple(comparison.key for comparison in self.comparisons)

    def broken(self, figures: Mapping[str, float]) -> list[Comparison]:
        """Return the bounds that figures break; a figure that is not there breaks its bound."""
        return [
            comparison
            for comparison in self.comparisons
            if comparison.key not in figures or not comparison.holds(figures[comparison.key])
        ]


def parse_requirement(text: str, dimensions: Mapping[str, str]) -> Requirement:
    """Return the requirement that a text states.

    Args:
        text: Comparisons joined by `and`.
        dimensions: Dimension of every figure that may be compared.

    Raises:
        RequirementError: If it is no requirement, or compares what is no figure.
    """
    if len(text) > _LONGEST:
        raise RequirementError(f"got {len(text)} characters; expected at most {_LONGEST}")
    pieces = _AND.split(text.strip())
    if len(pieces) > _MOST:
        raise RequirementError(f"got {len(pieces)} comparisons; expected at most {_MOST}")
    return Requirement(tuple(_comparison(piece, dimensions) for piece in pieces))


def _comparison(text: str, dimensions: Mapping[str, str]) -> Comparison:
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise RequirementError(f"{show(text)} is no comparison; {_EXAMPLE}")
    key, sign, value = match["key"], match["sign"], match["value"]
    if key not in dimensions:
        raise RequirementError(unknown_figure(key, dimensions))
    return Comparison(key, sign, _bound(value, dimensions[key], key), text.strip())


def unknown_figure(key: str, known: Mapping[str, str]) -> str:
    """Return the message that a key is no figure.

    Args:
        key: What was typed.
        known: Figures that there are.
    """
    hint = did_you_mean(key, known)
    tail = hint or "expected a number of metrics.json, such as latency_s.first"
    return f"unknown figure {show(key)}; {tail}"


def _bound(text: str, dimension: str, key: str) -> float:
    if dimension == PLAIN:
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise RequirementError(
                f"{key}: {show(text)} is not a number; expected a plain one without a unit"
            )
        return float(text)
    try:
        return read_quantity(text, dimension)
    except UnitError as error:
        raise RequirementError(f"{key}: {error}") from None
