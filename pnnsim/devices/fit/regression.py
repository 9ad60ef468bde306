"""Curves, a model of them, and the solution that least squares find.

Which device the curves are of is not known here, nor how the solution is found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

#: Two standard deviations of a normal distribution, as a probability below.
_TWO_SIGMA = float(stats.norm.cdf(2.0))


@dataclass(frozen=True, slots=True)
class Parameter:
    """Parameter of a model.

    Args:
        name: Name of the quantity.
        dimension: Key of `DIMENSIONS`; empty for a plain number.
        start: Where the search begins.
        scale: Change that alters the curves noticeably.
        least: Smallest value.
        most: Largest value.
    """

    name: str
    dimension: str
    start: float
    scale: float
    least: float = -math.inf
    most: float = math.inf


@dataclass(frozen=True, slots=True)
class Curve:
    """Measured curve.

    Args:
        label: What distinguishes it from the others.
        x: Axis, shape `(n,)`.
        y: Measured values, as `x`; NaN where the model makes no statement.
        x_title: Axis and unit for the plot.
        y_title: Values and unit for the plot.
        logarithmic: Whether the axis is drawn logarithmically.
    """

    label: str
    x: Array
    y: Array
    x_title: str
    y_title: str
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Regression:
    """Curves with the model that is fitted to them.

    Args:
        parameters: What is searched for.
        curves: What was measured.
        model: From the values of the parameters to the curves' values, one array for each curve.
        deviance: From predicted values to residuals of standard deviation 1, one array for each
            curve, where the statistics are known (counts); None where noise is to be estimated.
    """

    parameters: tuple[Parameter, ...]
    curves: tuple[Curve, ...]
    model: Callable[[Array], list[Array]]
    deviance: Callable[[list[Array]], list[Array]] | None = None


@dataclass(frozen=True, slots=True)
class Solution:
    """Result of a regression.

    Args:
        regression: What was fitted.
        values: Best value of each parameter, shape `(n_parameter,)`.
        covariance: Their covariance, shape `(n_parameter, n_parameter)`.
        predicted: Values of the curves by the model.
        residuals: Measured less predicted; for counts, in standard deviations.
        used: Which points took part, one array for each curve.
        freedom: Points less parameters.
        notes: What a reader should note, a sentence each.
    """

    regression: Regression
    values: Array
    covariance: Array
    predicted: list[Array]
    residuals: list[Array]
    used: list[NDArray[np.bool_]]
    freedom: int
    notes: tuple[str, ...]

    def value(self, name: str) -> float:
        """Return the best value of a parameter."""
        return float(self.values[self._index(name)])

    def deviation(self, name: str) -> float:
        """Return the standard deviation of a parameter."""
        at = self._index(name)
        return float(math.sqrt(self.covariance[at, at]))

    def interval(self, name: str) -> tuple[float, float]:
        """Return the 2-sigma interval of a parameter, widened by Student's t for few points."""
        at = self.regression.parameters[self._index(name)]
        half = self.cover * self.deviation(name)
        value = self.value(name)
        return max(value - half, at.least), min(value + half, at.most)

    @property
    def cover(self) -> float:
        """Return how many standard deviations hold what 2 hold of a normal distribution."""
        return float(stats.t.ppf(_TWO_SIGMA, self.freedom))

    def _index(self, name: str) -> int:
        return [each.name for each in self.regression.parameters].index(name)


class FitError(ValueError):
    """Reason why data do not determine a model."""
