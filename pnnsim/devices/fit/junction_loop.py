"""Fit of a junction's loop: resistance against field, up and down.

Resistances come from the points beside the transitions. The field of a transition is read between
two points of the sweep, so that its uncertainty is that step and not a fit.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from numpy.typing import NDArray

from pnnsim.devices.fit.measured_table import (
    Column,
    MeasuredTable,
    require_rows,
    require_variation,
)
from pnnsim.devices.fit.measurement import Estimate, Key, Measurement, Values, estimates
from pnnsim.devices.fit.regression import Array, Curve, Parameter, Regression, Solution
from pnnsim.physics import spintronic

#: Part of the half width of a triangular distribution that holds 95.45 %.
_TWO_SIGMA_OF_TRIANGLE = 1.0 - math.sqrt(math.erfc(math.sqrt(2.0)))
#: Part of the swing within which a point belongs to a transition.
_TRANSITION = (0.25, 0.75)


def _branches(table: MeasuredTable) -> list[NDArray[np.intp]]:
    """Return the rows of each sweep in one direction.

    Raises:
        MeasurementError: If the field does not go up and down.
    """
    steps = np.diff(table.values["field"])
    still = np.flatnonzero(steps == 0.0)
    if still.size:
        what = "repeats the field before; expected a sweep that moves from row to row"
        raise table.refuse("field", int(still[0]) + 1, what)
    turns = np.flatnonzero(np.sign(steps[1:]) != np.sign(steps[:-1])) + 1
    edges = [0, *turns.tolist(), len(table) - 1]
    branches = [np.arange(a, b + 1) for a, b in itertools.pairwise(edges)]
    if len(branches) < 2:
        what = "goes one way only; expected a loop: up and down"
        raise table.refuse("field", len(table) - 1, what)
    for rows in branches[:-1]:
        if rows.size < 6:
            what = "turns back after a few rows; expected a sweep of at least 6 rows each way"
            raise table.refuse("field", int(rows[-1]) + 1, what, "sort out repeated sweeps")
    return [rows for rows in branches if rows.size >= 6]


def _regress(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 16)
    require_variation(table, "field")
    require_variation(table, "resistance")
    branches = _branches(table)
    resistance = table.values["resistance"]
    low, high = (float(each) for each in np.percentile(resistance, [10.0, 90.0]))
    if low <= 0.0 or (high - low) < 1e-6 * high:
        what = "has no two states; expected a parallel and an anti-parallel resistance"
        raise table.refuse("resistance", 0, what, "does the sweep reach both?")
    state = (resistance - low) / (high - low)
    between = (state > _TRANSITION[0]) & (state < _TRANSITION[1])
    magnetization = torch.from_numpy(np.where(state < 0.5, 1.0, -1.0))
    measured = np.where(between, np.nan, resistance)
    places = [torch.from_numpy(rows) for rows in branches]

    def model(at: Array) -> list[Array]:
        parallel, ratio = float(at[0]), torch.tensor(float(at[1]), dtype=torch.float64)
        found = 1.0 / spintronic.junction_conductance(magnetization, parallel, ratio)
        return [found[rows].numpy() for rows in places]

    ways = [
        "field up" if table.values["field"][b[-1]] > table.values["field"][b[0]] else "field down"
        for b in branches
    ]
    curves = tuple(
        Curve(way, table.values["field"][rows], measured[rows], "field [T]", "resistance [ohm]")
        for way, rows in zip(ways, branches, strict=True)
    )
    return Regression(
        (
            Parameter("resistance", "resistance", low, 0.1 * low, 1e-3 * low),
            Parameter("tmr", "fraction", high / low - 1.0, 0.1 * (high / low - 1.0), 0.0),
        ),
        curves,
        model,
    )


def _estimate(solution: Solution, known: Values, table: MeasuredTable) -> tuple[Estimate, ...]:
    """Return both resistances, and coercive and offset field where both transitions are seen."""
    found = estimates(solution, known, table)
    middle = solution.value("resistance") * (1.0 + solution.value("tmr") / 2.0)
    fields: dict[bool, tuple[float, float]] = {}
    for rows in _branches(table):
        field, resistance = table.values["field"][rows], table.values["resistance"][rows]
        above = resistance > middle
        crossings = np.flatnonzero(above[1:] != above[:-1])
        if crossings.size == 1:
            i = int(crossings[0])
            fields[bool(field[-1] > field[0])] = (
                (field[i] + field[i + 1]) / 2.0,
                abs(field[i + 1] - field[i]),
            )
    if len(fields) < 2:
        return found
    (up, up_step), (down, down_step) = fields[True], fields[False]
    half, offset = abs(up - down) / 2.0, (up + down) / 2.0
    # Each transition is anywhere between two points; the mean of two such has a triangular
    # distribution, of which 2 sigma of a normal one hold this part of the half width.
    step = _TWO_SIGMA_OF_TRIANGLE * (up_step + down_step) / 4.0
    return (
        *found,
        Estimate("coercive_field", "magnetic_field", half, half - step, half + step),
        Estimate("offset_field", "magnetic_field", offset, offset - step, offset + step),
    )


JUNCTION_LOOP = Measurement(
    kind="mtj-loop",
    summary="Resistance of a junction against field, up and down",
    columns=(
        Column("field", ("magnetic_field",)),
        Column("resistance", ("resistance",), least=1e-9),
    ),
    keys={"weight_banks.mtj_crossbar": {"resistance": Key("resistance"), "tmr": Key("tmr")}},
    regress=_regress,
    estimate=_estimate,
)
