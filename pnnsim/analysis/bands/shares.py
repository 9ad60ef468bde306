"""Share the variance of a figure out among what it depends on, from few draws.

A sparse polynomial chaos expansion is fitted: orthonormal Legendre polynomials of the quantiles,
chosen one by one as long as the error on draws that were left out falls. As the polynomials are
orthonormal, the variance that one assumption explains by itself is the sum of the squares of its
coefficients, less what their errors add. A figure that is a sum of prices has few terms, and is met
exactly; what the expansion does not meet counts as not explained.

References: B. Sudret, Reliab. Eng. Syst. Saf. 93, 964, 2008 (indices from the expansion);
G. Blatman and B. Sudret, J. Comput. Phys. 230, 2345, 2011 (sparse, corrected error).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.polynomial.legendre import legval
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Degrees of a term by variable; empty for the mean.
Term = tuple[tuple[int, int], ...]

#: Highest degree of a polynomial; the next two above those already chosen are candidates.
_DEGREE = 10
#: Draws from which shares can be found.
LEAST_DRAWS = 16
#: Terms in a row that may lower no error before the search ends.
_PATIENCE = 6
#: Relative scatter below which a figure does not vary but for rounding.
_ROUNDING = 1e-9
#: Factor on that error that a further term must reach.
_WORTHWHILE = 0.99
_RESAMPLES = 1000
#: Ends of the interval of a share.
_INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class VarianceShares:
    """First-order shares of one figure's variance.

    Args:
        share: Share that each variable explains by itself, shape `(n_variable,)`.
        low: 5th percentile of that, shape `(n_variable,)`.
        high: 95th percentile of that, shape `(n_variable,)`.
        joint: Share that only several variables together explain.
        unexplained: Share that the expansion does not explain.
    """

    share: Floats
    low: Floats
    high: Floats
    joint: float
    unexplained: float


def variance_shares(quantiles: Floats, figure: Floats, *, seed: int = 0) -> VarianceShares | None:
    """Return the share of a figure's variance that each variable explains by itself.

    Args:
        quantiles: Variables, each uniform from 0 to 1, shape `(n_draw, n_variable)`.
        figure: The figure of each draw, shape `(n_draw,)`.
        seed: Seed of the errors that the intervals are found with.

    Returns:
        The shares; None for fewer than `LEAST_DRAWS` draws, or a figure that does not vary.
    """
    spread = float(figure.std()) if len(figure) else 0.0
    if len(figure) < LEAST_DRAWS or spread <= _ROUNDING * float(np.abs(figure).max()):
        return None
    expansion = _Expansion(2 * quantiles - 1, (figure - figure.mean()) / spread)
    terms = _chosen(expansion)
    coefficients, covariance, residual = expansion.fit(terms)
    single, joint, variance = _variances(terms, coefficients, covariance, quantiles.shape[1])
    total = variance + residual
    errors = np.random.default_rng(seed).multivariate_normal(
        np.zeros(len(terms)), covariance, size=_RESAMPLES, method="eigh"
    )
    moved = [
        # A moved coefficient has its error twice: that of the fit and that of the move.
        _variances(terms, coefficients + error, 2 * covariance, quantiles.shape[1])
        for error in errors
    ]
    ratios = np.array([part / (all_of_it + residual) for part, _, all_of_it in moved])
    low, high = (np.asarray(np.quantile(ratios, end, axis=0).clip(0, 1)) for end in _INTERVAL)
    return VarianceShares(single / total, low, high, joint / total, residual / total)


@dataclass(slots=True)
class _Expansion:
    """Draws, and the polynomials that have been evaluated at them.

    Args:
        points: Variables from -1 to 1, shape `(n_draw, n_variable)`.
        figure: The figure with mean 0 and variance 1, shape `(n_draw,)`.
    """

    points: Floats
    figure: Floats
    _columns: dict[Term, Floats] = field(default_factory=dict)

    def column(self, term: Term) -> Floats:
        """Return a term at each draw, shape `(n_draw,)`."""
        found = self._columns.get(term)
        if found is None:
            found = np.ones(len(self.points))
            for variable, degree in term:
                series = np.eye(degree + 1)[degree] * np.sqrt(2 * degree + 1)
                found = found * legval(self.points[:, variable], series)
            self._columns[term] = found
        return found

    def matrix(self, terms: list[Term]) -> Floats:
        """Return terms at each draw, shape `(n_draw, n_term)`."""
        return np.stack([self.column(term) for term in terms], axis=1)

    def fit(self, terms: list[Term]) -> tuple[Floats, Floats, float]:
        """Return coefficients, their covariance, and the variance that is left."""
        matrix = self.matrix(terms)
        inverse = np.asarray(np.linalg.pinv(matrix.T @ matrix), dtype=np.float64)
        coefficients = inverse @ (matrix.T @ self.figure)
        left = self.figure - matrix @ coefficients
        residual = float(left @ left) / max(1, len(self.figure) - len(terms))
        return coefficients, residual * inverse, residual

    def candidates(self, terms: list[Term]) -> Iterator[Term]:
        """Yield what may be chosen next: higher degrees, and products of what is chosen."""
        highest = dict.fromkeys(range(self.points.shape[1]), 0)
        for term in terms:
            for variable, degree in term if len(term) == 1 else ():
                highest[variable] = max(highest[variable], degree)
        for variable, degree in highest.items():
            for higher in range(1, min(degree + 2, _DEGREE) + 1):
                yield ((variable, higher),)
        inside = sorted(variable for variable, degree in highest.items() if degree)
        for place, first in enumerate(inside):
            for second in inside[place + 1 :]:
                for a, b in ((1, 1), (1, 2), (2, 1)):
                    yield ((first, a), (second, b))


def _chosen(expansion: _Expansion) -> list[Term]:
    """Return the terms with the smallest error on draws that are left out, the mean first."""
    terms: list[Term] = [()]
    best, best_error, since = list(terms), 1.0, 0
    draws = len(expansion.figure)
    while len(terms) < draws // 2 and since < _PATIENCE:
        orthonormal, _ = np.linalg.qr(expansion.matrix(terms))
        left = expansion.figure - orthonormal @ (orthonormal.T @ expansion.figure)
        if float(left @ left) <= _ROUNDING**2 * draws:
            break
        candidates = [term for term in expansion.candidates(terms) if term not in terms]
        if not candidates:
            break
        matrix = expansion.matrix(candidates)
        matrix = matrix - orthonormal @ (orthonormal.T @ matrix)
        norm = np.linalg.norm(matrix, axis=0)
        gains = np.where(norm > 1e-6, np.abs(left @ matrix) / np.maximum(norm, 1e-300), 0.0)
        terms.append(candidates[int(gains.argmax())])
        error = _left_out_error(expansion, terms)
        if error < _WORTHWHILE * best_error:
            best, best_error, since = list(terms), error, 0
        else:
            since += 1
    return best


def _left_out_error(expansion: _Expansion, terms: list[Term]) -> float:
    """Return the mean squared error on a draw that is left out, corrected for few draws.

    Reference: O. Chapelle, V. Vapnik and Y. Bengio, Mach. Learn. 48, 9, 2002.
    """
    matrix = expansion.matrix(terms)
    draws, number = matrix.shape
    orthonormal, upper = np.linalg.qr(matrix)
    if np.abs(np.diag(upper)).min() < 1e-8 * np.sqrt(draws):
        return np.inf
    leverage = np.square(orthonormal).sum(axis=1)
    left = expansion.figure - orthonormal @ (orthonormal.T @ expansion.figure)
    error = float(np.mean(np.square(left / np.maximum(1 - leverage, 1e-9))))
    inverse = np.linalg.inv(upper)
    correction = draws / (draws - number) * (1 + float(np.square(inverse).sum()))
    return float(error * correction)


def _variances(
    terms: list[Term], coefficients: Floats, covariance: Floats, variables: int
) -> tuple[Floats, float, float]:
    """Return the variance by one variable each, by several together, and all of it.

    Args:
        terms: Terms of the expansion.
        coefficients: Their coefficients, shape `(n_term,)`.
        covariance: Covariance of the errors of the coefficients.
        variables: Number of variables.
    """
    parts = np.square(coefficients) - np.diag(covariance)
    single, joint = np.zeros(variables), 0.0
    for term, part in zip(terms, parts.tolist(), strict=True):
        if len(term) == 1:
            single[term[0][0]] += part
        elif term:
            joint += part
    single, joint = np.maximum(single, 0.0), max(joint, 0.0)
    return single, joint, float(single.sum()) + joint
