"""Kinds of measurements: the columns of the data, what must be known, and which keys come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pnnsim.devices.fit.measured_table import Column, MeasuredTable
from pnnsim.devices.fit.regression import Regression, Solution


@dataclass(frozen=True, slots=True)
class Estimate:
    """Quantity with its 2-sigma interval, in SI.

    Args:
        name: Name of the quantity.
        dimension: Key of `DIMENSIONS`; empty for a plain number.
        value: Best value.
        low: Lower end; minus infinity where the data set none.
        high: Upper end; infinity where the data set none.
    """

    name: str
    dimension: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Known:
    """Value that a fit takes from elsewhere.

    Args:
        dimension: Key of `DIMENSIONS`; empty for a plain number.
        meaning: What it is, with its article.
        default: Value where none is given; None where it must be given, or may be missing.
        required: Whether it must be given.
    """

    dimension: str
    meaning: str
    default: float | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """Key of a kind of part that a fitted quantity gives.

    Args:
        quantity: Name of the estimate.
        convert: From the quantity to the key, rising or falling throughout.
    """

    quantity: str
    convert: Callable[[float], float] = float

    def of(self, estimate: Estimate) -> Estimate:
        """Return the estimate of the key, without name and dimension of its own."""
        ends = [self._safe(end) for end in (estimate.low, estimate.high)]
        return Estimate("", "", self._safe(estimate.value), min(ends), max(ends))

    def _safe(self, value: float) -> float:
        try:
            return self.convert(value)
        except (ZeroDivisionError, ValueError, OverflowError):
            return math.inf


Values = Mapping[str, float]


def estimates(solution: Solution, known: Values, table: MeasuredTable) -> tuple[Estimate, ...]:
    """Return one estimate for each parameter of a solution.

    Args:
        solution: The solution.
        known: What was given.
        table: The data.
    """
    return tuple(
        Estimate(p.name, p.dimension, solution.value(p.name), *solution.interval(p.name))
        for p in solution.regression.parameters
    )


@dataclass(frozen=True, slots=True)
class Measurement:
    """Kind of measurement that `fit_device` fits.

    Args:
        kind: Name, such as `ring-spectrum`.
        summary: What is measured, in one line.
        columns: Columns that the data may have.
        known: What must, or may, be given beside the data.
        keys: `part.kind` → key → where it comes from; the first is meant where none is named.
        regress: Makes the regression, or refuses the data.
        estimate: From the solution to quantities.
    """

    kind: str
    summary: str
    columns: tuple[Column, ...]
    keys: Mapping[str, Mapping[str, Key]]
    regress: Callable[[MeasuredTable, Values], Regression]
    known: Mapping[str, Known] = field(default_factory=dict)
    estimate: Callable[[Solution, Values, MeasuredTable], tuple[Estimate, ...]] = estimates
