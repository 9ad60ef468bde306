"""Fit of a noise spectrum: white level, 1/f corner and roll-off, on a logarithmic scale.

Spectra are averages: their scatter is in proportion to their value, so levels in decibels are
fitted. Corner and roll-off are part of the model where they explain the data (least Bayesian
information criterion).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np

from pnnsim.devices.fit.least_squares import solve
from pnnsim.devices.fit.measured_table import (
    Column,
    MeasuredTable,
    require_increasing,
    require_rows,
    require_variation,
)
from pnnsim.devices.fit.measurement import Estimate, Key, Measurement, Values
from pnnsim.devices.fit.regression import (
    Array,
    Curve,
    FitError,
    Parameter,
    Regression,
    Solution,
)

_CURRENT = {
    "amplifier_noise": Key("noise_density"),
    "bandwidth": Key("bandwidth"),
}
_LASER = {"laser_rin": Key("intensity_noise")}


def _regress(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 12)
    require_increasing(table, "frequency")
    require_variation(table, "noise")
    order = np.argsort(table.values["frequency"])
    frequency, noise = (table.values[name][order] for name in ("frequency", "noise"))
    relative = table.dimensions["noise"] == "noise_dbc"
    dark = np.flatnonzero(noise <= 0.0) if not relative else np.array([], np.intp)
    if dark.size:
        what = "is not above 0; expected a noise density"
        raise table.refuse("noise", int(order[dark[0]]), what)
    level = noise if relative else 20.0 * np.log10(noise)
    curve = Curve(
        "noise",
        frequency,
        level,
        "frequency [Hz]",
        "relative intensity noise [dB/Hz]" if relative else "noise density [dB of 1 A/Hz^0.5]",
        logarithmic=True,
    )
    best: tuple[float, Regression] | None = None
    for corner, roll_off in product((False, True), repeat=2):
        regression = _of(curve, corner, roll_off)
        try:
            solution = solve(regression)
        except FitError:
            continue
        error = float(np.mean(solution.residuals[0][solution.used[0]] ** 2))
        size = int(solution.used[0].sum())
        criterion = size * math.log(max(error, 1e-300)) + len(solution.values) * math.log(size)
        if best is None or criterion < best[0]:
            best = (criterion, regression)
    if best is None:
        raise FitError("the spectrum is neither white noise nor 1/f noise nor rolled off")
    return best[1]


def _of(curve: Curve, corner: bool, roll_off: bool) -> Regression:
    """Return the regression with some of the terms."""
    frequency, level = curve.x, curve.y
    low, high = float(frequency[0]), float(frequency[-1])
    first = float(np.median(level))
    start_corner = start_edge = 0.0
    if corner:
        rise = max(
            10.0 ** ((float(np.median(level[: max(3, level.size // 20)])) - first) / 10.0), 1.5
        )
        start_corner = math.log(low * rise)
    if roll_off:
        below = level[-max(3, level.size // 20) :]
        fall = max(10.0 ** ((first - float(np.median(below))) / 10.0), 1.5)
        start_edge = math.log(high / math.sqrt(fall))
    parameters = [Parameter("white_level", "", first, 1.0)]
    if corner:
        parameters.append(
            Parameter("log_corner", "", start_corner, 0.3, math.log(low) - 3.0, math.log(high))
        )
    if roll_off:
        parameters.append(
            Parameter("log_bandwidth", "", start_edge, 0.3, math.log(low), math.log(high) + 3.0)
        )
    model: Callable[[Array], list[Array]] = lambda at: [  # noqa: E731
        _level(frequency, at, corner, roll_off)
    ]
    return Regression(tuple(parameters), (curve,), model)


def _level(frequency: Array, at: Array, corner: bool, roll_off: bool) -> Array:
    """Return the level [dB] of `S_0 (1 + f_c / f) / (1 + (f / f_3dB)²)`."""
    values = iter(at.tolist())
    level = np.full(frequency.shape, next(values))
    if corner:
        level = level + 10.0 * np.log10(1.0 + math.exp(next(values)) / frequency)
    if roll_off:
        level = level - 10.0 * np.log10(1.0 + (frequency / math.exp(next(values))) ** 2)
    return level


def _estimate(solution: Solution, known: Values, table: MeasuredTable) -> tuple[Estimate, ...]:
    """Return density, corner and bandwidth in their own units."""
    found = []
    for p in solution.regression.parameters:
        ends = (solution.value(p.name), *solution.interval(p.name))
        if p.name == "white_level" and table.dimensions["noise"] == "noise_dbc":
            found.append(Estimate("intensity_noise", "noise_dbc", *ends))
        elif p.name == "white_level":
            density = (10.0 ** (each / 20.0) for each in ends)
            found.append(Estimate("noise_density", "current_noise", *density))
        else:
            name = {"log_corner": "corner_frequency", "log_bandwidth": "bandwidth"}[p.name]
            found.append(Estimate(name, "frequency", *(math.exp(each) for each in ends)))
    return tuple(found)


NOISE_SPECTRUM = Measurement(
    kind="noise-spectrum",
    summary="Noise density of a current, or relative intensity noise, against frequency",
    columns=(
        Column("frequency", ("frequency",), least=1e-9),
        Column("noise", ("current_noise", "noise_dbc")),
    ),
    keys={
        "detector.balanced_photodiode": _CURRENT,
        "detector.photodiode": _CURRENT,
        "detector.crossbar_tia": _CURRENT,
        "encoder.mzm": _LASER,
        "encoder.mrm": _LASER,
        "encoder.source_array": {"intensity_noise": Key("intensity_noise")},
    },
    regress=_regress,
    estimate=_estimate,
)
