"""Fits of counted switching events of junctions: thermal activation, and failed writes.

Counts are binomial, so their deviance is fitted: least squares of it are the likeliest parameters,
and its curvature is their uncertainty.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pnnsim.devices.fit.measured_table import (
    Column,
    MeasuredTable,
    require_increasing,
    require_rows,
    require_variation,
)
from pnnsim.devices.fit.measurement import Estimate, Key, Known, Measurement, Values, estimates
from pnnsim.devices.fit.regression import Array, Curve, Parameter, Regression, Solution
from pnnsim.physics import dynamics, spintronic

_LEAST = 1e-15


def _deviance(count: Array, trials: Array, chance: Array) -> Array:
    """Return signed roots of the binomial deviance; their squares add to the log-likelihood."""
    p = np.clip(chance, _LEAST, 1.0 - _LEAST)
    seen = count / trials
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = np.where(seen > 0.0, seen * np.log(seen / p), 0.0)
        miss = np.where(seen < 1.0, (1.0 - seen) * np.log((1.0 - seen) / (1.0 - p)), 0.0)
    return np.asarray(np.sign(seen - p) * np.sqrt(2.0 * trials * np.maximum(hit + miss, 0.0)))


def _check_counts(table: MeasuredTable, name: str) -> None:
    """Refuse counts that are no whole numbers, or more than the trials.

    Raises:
        MeasurementError: At the first of them.
    """
    trials, count = table.values["trials"], table.values[name]
    for column in ("trials", name):
        broken = np.flatnonzero(table.values[column] != np.round(table.values[column]))
        if broken.size:
            raise table.refuse(column, int(broken[0]), "is no whole number; expected a count")
    more = np.flatnonzero(count > trials)
    if more.size:
        row = int(more[0])
        what = f"has {count[row]:g} of {trials[row]:g} trials; expected at most all of them"
        raise table.refuse(name, row, what)
    if not np.any((count > 0) & (count < trials)):
        what = "is none or all of the trials in every row; expected chances between 0 and 1"
        raise table.refuse(name, 0, what)


def _regress_activation(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 6)
    require_variation(table, "current")
    _check_counts(table, "switched")
    current, pulse = table.values["current"], table.values["pulse"]
    trials, count = table.values["trials"], table.values["switched"]
    for each in np.unique(pulse):
        require_increasing(table, "current", np.flatnonzero(pulse == each))
    attempt = known["attempt_time"]
    chance = np.clip(count / trials, 0.5 / trials, 1.0 - 0.5 / trials)
    # ln(-ln(1 - p)) = ln(t / t_0) - barrier + barrier / I_c * I, a line.
    seen = (count > 0) & (count < trials)
    if int(seen.sum()) < 3 or float(np.ptp(current[seen])) == 0.0:
        what = "lies between none and all in too few rows; expected three currents at least"
        raise table.refuse("switched", 0, what)
    line = np.log(-np.log1p(-chance)) - np.log(pulse / attempt)
    slope, intercept = np.polyfit(current[seen], line[seen], 1)
    barrier = max(-float(intercept), 1.0)
    critical = barrier / float(slope) if slope > 0.0 else 2.0 * float(current.max())
    exposure, drive = torch.from_numpy(pulse), torch.from_numpy(current)

    def model(at: Array) -> list[Array]:
        height = torch.tensor(float(at[0]), dtype=torch.float64)
        found = dynamics.flip_probability(exposure, height, drive / float(at[1]), attempt)
        return [found.numpy()]

    curve = Curve("switching", current, count / trials, "current [A]", "probability")
    return Regression(
        (
            Parameter("barrier", "", barrier, 0.05 * barrier, 0.1),
            Parameter("critical_current", "current", critical, 0.05 * critical, 1e-3 * critical),
        ),
        (curve,),
        model,
        lambda predicted: [_deviance(count, trials, predicted[0])],
    )


def _estimate_activation(
    solution: Solution, known: Values, table: MeasuredTable
) -> tuple[Estimate, ...]:
    """Return the parameters and, with a known read current, the drive of a reading."""
    found = estimates(solution, known, table)
    drive = [
        Estimate("read_drive", "fraction", *_over_critical(known["read_current"], e))
        for e in found
        if e.name == "critical_current" and "read_current" in known
    ]
    return (*found, *drive)


def _over_critical(current: float, critical: Estimate) -> tuple[float, float, float]:
    """Return value, low and high of a current over a critical current.

    Args:
        current: Current [A].
        critical: Critical current [A], above 0.
    """
    return current / critical.value, current / critical.high, current / max(critical.low, 1e-30)


def _regress_errors(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 6)
    require_increasing(table, "pulse")
    require_variation(table, "errors")
    _check_counts(table, "errors")
    pulse, trials, count = (table.values[name] for name in ("pulse", "trials", "errors"))
    barrier, anisotropy = known["barrier"], known["anisotropy_field"]
    lengths = torch.from_numpy(pulse)

    def model(at: Array) -> list[Array]:
        overdrive, damping = 1.0 + math.exp(float(at[0])), math.exp(float(at[1]))
        found = spintronic.write_error_rate(lengths, overdrive, barrier, damping, anisotropy)
        return [found.numpy()]

    def misfit(excess: float, damping: float) -> float:
        return float(np.sum(_deviance(count, trials, model(np.array([excess, damping]))[0]) ** 2))

    tried = [
        (misfit(excess, damping), excess, damping)
        for excess in np.log(np.geomspace(0.05, 9.0, 30)).tolist()
        for damping in np.log(np.geomspace(1e-3, 0.5, 40)).tolist()
    ]
    _, excess, damping = min(tried)
    curve = Curve("failed writes", pulse, count / trials, "pulse [s]", "error rate")
    return Regression(
        (
            Parameter("log_excess", "", excess, 0.1, math.log(1e-3), math.log(9.0)),
            Parameter("log_damping", "", damping, 0.1, math.log(1e-5), 0.0),
        ),
        (curve,),
        model,
        lambda predicted: [_deviance(count, trials, predicted[0])],
    )


def _estimate_errors(
    solution: Solution, known: Values, table: MeasuredTable
) -> tuple[Estimate, ...]:
    """Return overdrive and damping."""
    excess, damping = (
        [math.exp(each) for each in (solution.value(name), *solution.interval(name))]
        for name in ("log_excess", "log_damping")
    )
    return (
        Estimate("overdrive", "", *(1.0 + each for each in excess)),
        Estimate("damping", "", *damping),
    )


JUNCTION_SWITCHING = Measurement(
    kind="mtj-switching",
    summary="Switching events of a junction against current, below the critical current",
    columns=(
        Column("current", ("current",), least=0.0),
        Column("pulse", ("time",), least=1e-18),
        Column("switched", ("fraction",), least=0.0),
        Column("trials", ("fraction",), least=1.0),
    ),
    known={
        "attempt_time": Known("time", "the inverse attempt frequency", default=1e-9),
        "read_current": Known("current", "the current of a reading"),
    },
    keys={
        "weight_banks.mtj_crossbar": {"barrier": Key("barrier"), "read_drive": Key("read_drive")}
    },
    regress=_regress_activation,
    estimate=_estimate_activation,
)

JUNCTION_WRITE_ERRORS = Measurement(
    kind="mtj-write-errors",
    summary="Failed writes of a junction against pulse length, above the critical current",
    columns=(
        Column("pulse", ("time",), least=1e-18),
        Column("errors", ("fraction",), least=0.0),
        Column("trials", ("fraction",), least=1.0),
    ),
    known={
        "barrier": Known("", "the energy barrier over the thermal energy", required=True),
        "anisotropy_field": Known("magnetic_field", "the anisotropy field", required=True),
    },
    keys={"weight_banks.mtj_crossbar": {"overdrive": Key("overdrive"), "damping": Key("damping")}},
    regress=_regress_errors,
    estimate=_estimate_errors,
)
