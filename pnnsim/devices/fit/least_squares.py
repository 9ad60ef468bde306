"""Least squares with uncertainty: what curves say about the parameters of their model.

Which device the curves are of is not known here. Parameters are searched in steps of their own
scale, so that a wavelength and a loss are equally well behaved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from pnnsim.devices.fit.regression import Array, FitError, Regression, Solution

#: Deviations from which a lone point is an outlier.
_OUTLIER = 6.0
#: Largest share of the points that may be left out as outliers.
_MOST_OUTLIERS = 0.1
#: Condition of the scaled normal equations beyond which data do not determine a parameter.
_SINGULAR = 1e-7
#: Change of the curves, in deviations, by a step of its scale below which a parameter is not seen.
_BLIND = 1e-3


def solve(regression: Regression) -> Solution:
    """Return the least-squares solution of a regression.

    Noise is estimated for each curve; lone points beyond six deviations are left out; neighbors
    that deviate together widen the covariance.

    Raises:
        FitError: If there are too few points, the search fails, or a parameter is not determined.
    """
    used = [np.isfinite(curve.y) for curve in regression.curves]
    weights = [1.0] * len(regression.curves)
    start = np.zeros(len(regression.parameters))
    notes: list[str] = []
    if regression.deviance is not None:
        found = _minimum(regression, start, used, weights)
    else:
        found = _minimum(regression, start, used, _first_weights(regression))
        for _ in range(3):
            weights = _weights(regression, found, used)
            found = _minimum(regression, found, used, weights)
            lone = _outliers(regression, found, used)
            if not any(each.any() for each in lone):
                break
            used = [mask & ~each for mask, each in zip(used, lone, strict=True)]
        left = sum(
            int((np.isfinite(c.y) & ~u).sum()) for c, u in zip(regression.curves, used, strict=True)
        )
        if left:
            notes.append(f"{left} lone point(s) beyond {_OUTLIER:g} deviations were left out")
    return _solution(regression, found, used, weights, notes)


def _first_weights(regression: Regression) -> list[float]:
    """Return weights that make curves of different units comparable: one over their spread."""
    return [1.0 / float(np.nanstd(c.y) or 1.0) for c in regression.curves]


def _minimum(
    regression: Regression, start: Array, used: list[NDArray[np.bool_]], weights: list[float]
) -> Array:
    """Return the parameters with the least squares, in steps of their scales."""
    count = sum(int(mask.sum()) for mask in used)
    if count <= len(regression.parameters) + 1:
        raise FitError(
            f"{count} points for {len(regression.parameters)} parameters; expected more points"
        )
    low, high = _bounds(regression)
    inside = np.clip(start, np.nextafter(low, high), np.nextafter(high, low))
    result = optimize.least_squares(
        partial(_residuals, regression, used=used, weights=weights),
        inside,
        jac="3-point",
        bounds=(low, high),
        x_scale=1.0,
        max_nfev=400,
        xtol=1e-10,
        ftol=1e-12,
        gtol=1e-12,
    )
    if result.status <= 0 or not np.all(np.isfinite(result.x)):
        raise FitError("the search for the best parameters did not end; expected data of this kind")
    return np.asarray(result.x, dtype=np.float64)


def _bounds(regression: Regression) -> tuple[Array, Array]:
    low = np.array([(p.least - p.start) / p.scale for p in regression.parameters])
    high = np.array([(p.most - p.start) / p.scale for p in regression.parameters])
    return low, high


def _values(regression: Regression, at: Array) -> Array:
    return np.array([p.start + p.scale * z for p, z in zip(regression.parameters, at, strict=True)])


def _differences(regression: Regression, at: Array) -> list[Array]:
    """Return the residuals of every curve, NaN where the model makes no statement."""
    predicted = regression.model(_values(regression, at))
    if regression.deviance is not None:
        return regression.deviance(predicted)
    return [curve.y - y for curve, y in zip(regression.curves, predicted, strict=True)]


def _residuals(
    regression: Regression, at: Array, used: list[NDArray[np.bool_]], weights: Sequence[float]
) -> Array:
    found = _differences(regression, at)
    parts = [w * each[mask] for each, mask, w in zip(found, used, weights, strict=True)]
    return np.nan_to_num(np.concatenate(parts), nan=1e6, posinf=1e6, neginf=-1e6)


def _weights(regression: Regression, at: Array, used: list[NDArray[np.bool_]]) -> list[float]:
    """Return one over the standard deviation of each curve's residuals."""
    weights = []
    found = zip(regression.curves, _differences(regression, at), used, strict=True)
    for curve, each, mask in found:
        # Data without noise are no more certain than their numbers have digits.
        floor = 1e-9 * float(np.nanmax(np.abs(curve.y))) or 1.0
        size = max(1, int(mask.sum()) - len(regression.parameters) // len(used))
        spread = math.sqrt(float(np.sum(each[mask] ** 2)) / size)
        weights.append(1.0 / max(spread, floor))
    return weights


def _outliers(
    regression: Regression, at: Array, used: list[NDArray[np.bool_]]
) -> list[NDArray[np.bool_]]:
    """Return the points that deviate alone; where neighbors do too, the model is at fault.

    On a steep flank or at a sharp dip a small error of the axis is a large one of the value: what
    the model takes on within a point to each side, and half as much beyond, is no outlier.
    """
    found = []
    predicted = regression.model(_values(regression, at))
    for curve, model, mask in zip(regression.curves, predicted, used, strict=True):
        beside = np.stack([np.roll(model, 1), model, np.roll(model, -1)])[:, mask]
        beside[0, :1], beside[2, -1:] = beside[1, :1], beside[1, -1:]
        low, high = beside.min(axis=0), beside.max(axis=0)
        reach = 0.5 * (high - low)
        measured = curve.y[mask]
        spread = 1.4826 * float(np.median(np.abs(measured - beside[1]))) if measured.size else 0.0
        outside = np.maximum(low - reach - measured, measured - high - reach)
        far = np.flatnonzero(outside > _OUTLIER * spread) if spread > 0.0 else np.array([], np.intp)
        alone = far[[not ({i - 1, i + 1} & set(far.tolist())) for i in far.tolist()]]
        lone = np.zeros(mask.shape, dtype=np.bool_)
        if 0 < alone.size <= _MOST_OUTLIERS * measured.size:
            lone[np.flatnonzero(mask)[alone]] = True
        found.append(lone)
    return found


def _solution(
    regression: Regression,
    at: Array,
    used: list[NDArray[np.bool_]],
    weights: list[float],
    notes: list[str],
) -> Solution:
    """Return the solution with its covariance."""
    slope = _jacobian(regression, at, used, weights)
    residuals = _residuals(regression, at, used, weights)
    freedom = residuals.size - len(regression.parameters)
    norms = np.linalg.norm(slope, axis=0)
    blind = [p.name for p, n in zip(regression.parameters, norms, strict=True) if n < _BLIND]
    if not blind:
        _, singular, rows = np.linalg.svd(slope / norms, full_matrices=False)
        if singular[-1] < _SINGULAR * singular[0]:
            mixed = np.abs(rows[-1]) > 0.3
            blind = [p.name for p, m in zip(regression.parameters, mixed, strict=True) if m]
    if blind:
        raise FitError(
            f"the data do not determine {' and '.join(blind)}; expected a curve that changes with "
            f"{'it' if len(blind) == 1 else 'each of them'}"
        )
    inverse = (rows.T / singular**2) @ rows / np.outer(norms, norms)
    variance = float(residuals @ residuals) / freedom
    if regression.deviance is not None:
        # The variance of counts is known: only what goes far beyond it is taken from the residuals.
        limit = 1.0 + 4.0 * math.sqrt(2.0 / freedom)
        if variance > limit:
            notes.append(f"residuals are {math.sqrt(variance):.2g} times what counting explains")
        else:
            variance = 1.0
    differences = _differences(regression, at)
    widening = _correlation(differences, used, notes)
    scales = np.array([p.scale for p in regression.parameters])
    values = _values(regression, at)
    return Solution(
        regression,
        values,
        inverse * variance * widening * np.outer(scales, scales),
        regression.model(values),
        differences,
        used,
        freedom,
        tuple(notes),
    )


def _jacobian(
    regression: Regression, at: Array, used: list[NDArray[np.bool_]], weights: list[float]
) -> Array:
    """Return the slopes of the residuals by central differences, inside the bounds."""
    low, high = _bounds(regression)
    columns = []
    for i in range(at.size):
        step = 1e-4 * max(1.0, abs(at[i]))
        up, down = at.copy(), at.copy()
        up[i], down[i] = min(at[i] + step, high[i]), max(at[i] - step, low[i])
        change = _residuals(regression, up, used, weights) - _residuals(
            regression, down, used, weights
        )
        columns.append(change / (up[i] - down[i]))
    return np.stack(columns, axis=1)


def _correlation(residuals: list[Array], used: list[NDArray[np.bool_]], notes: list[str]) -> float:
    """Return by how much the variance grows as neighboring residuals are alike.

    `(1 + rho) / (1 - rho)` for the lag-1 autocorrelation rho, where it is significant: the inverse
    of the share of independent points in a series of that autocorrelation.
    """
    worst = 0.0
    for each, mask in zip(residuals, used, strict=True):
        kept = each[mask]
        power = float(kept @ kept)
        if kept.size > 20 and power > 0.0:
            rho = float(kept[1:] @ kept[:-1]) / power
            if rho > 4.0 / math.sqrt(kept.size):
                worst = max(worst, min(rho, 0.999))
    if worst == 0.0:
        return 1.0
    factor = (1.0 + worst) / (1.0 - worst)
    notes.append(
        f"neighboring residuals are alike (correlation {worst:.2f}): the model leaves something "
        f"out, and deviations were widened {math.sqrt(factor):.2g} times"
    )
    return factor
