"""Fit of the drift of phase-change cells: exponent of one cell, or mean and spread of many."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import stats

from pnnsim.common.units import readable_quantity
from pnnsim.devices.fit.measured_table import (
    Column,
    MeasuredTable,
    require_increasing,
    require_rows,
    require_variation,
)
from pnnsim.devices.fit.measurement import Estimate, Key, Known, Measurement, Values
from pnnsim.devices.fit.regression import Array, Curve, FitError, Parameter, Regression, Solution
from pnnsim.physics import dynamics
from pnnsim.physics.phase_change import DRIFT_REFERENCE_TIME

#: Most cells of one file: each adds two parameters.
_MOST_CELLS = 200


def _regress(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 8)
    require_variation(table, "conductance")
    dark = np.flatnonzero(table.values["conductance"] <= 0.0)
    if dark.size:
        what = "is not above 0; expected a conductance, or a level in proportion to it"
        raise table.refuse("conductance", int(dark[0]), what)
    numbers = table.values.get("cell", np.zeros(len(table)))
    cells = np.unique(numbers)
    if cells.size > _MOST_CELLS:
        raise table.refuse("cell", 0, f"names {cells.size} cells; expected at most {_MOST_CELLS}")
    reference = known["drift_reference_time"]
    curves, times, starts = [], [], []
    for cell in cells:
        rows = np.flatnonzero(numbers == cell)
        if rows.size < 5:
            what = f"has {rows.size} rows of this cell; expected at least 5"
            raise table.refuse("time" if "cell" not in table else "cell", int(rows[0]), what)
        require_increasing(table, "time", rows)
        # The law is that of a level from its reference time on; what was read before says nothing.
        late = rows[table.values["time"][rows] >= reference]
        if late.size < 5:
            what = (
                f"has {late.size} rows of this cell from {readable_quantity(reference, 'time')} "
                "after the write on, where drift sets in; expected at least 5"
            )
            raise table.refuse("time", int(rows[-1]), what)
        time = table.values["time"][late]
        level = np.log(table.values["conductance"][late])
        exponent, first = np.polyfit(-np.log(time / reference), level, 1)
        label = f"cell {cell:g}" if "cell" in table else "cell"
        curves.append(Curve(label, time, level, "time [s]", "ln conductance", logarithmic=True))
        times.append(time)
        starts.append((float(first), float(exponent)))

    lengths = [time.size for time in times]
    owner = np.repeat(np.arange(len(times)), lengths)
    elapsed, edges = torch.from_numpy(np.concatenate(times)), np.cumsum(lengths)[:-1]

    def model(at: Array) -> list[Array]:
        # Of all cells at once: a call for each of 200 would take a minute.
        levels, exponents = at[0::2][owner], at[1::2][owner]
        value = torch.from_numpy(np.exp(levels))
        drifted = dynamics.power_law_drift(value, elapsed, reference, torch.from_numpy(exponents))
        return list(np.split(torch.log(drifted).numpy(), edges))

    parameters = [
        each
        for i, (first, exponent) in enumerate(starts)
        for each in (
            Parameter(f"log_level_{i}", "", first, 0.1),
            Parameter(f"exponent_{i}", "", exponent, 0.01),
        )
    ]
    return Regression(tuple(parameters), tuple(curves), model)


def _estimate(solution: Solution, known: Values, table: MeasuredTable) -> tuple[Estimate, ...]:
    """Return the exponent of one cell, or mean and spread of the exponents of many."""
    count = len(solution.regression.parameters) // 2
    if count == 1:
        low, high = solution.interval("exponent_0")
        return (Estimate("drift_exponent", "", solution.value("exponent_0"), low, high),)
    if count < 4:
        raise FitError(f"{count} cells leave their spread open; expected one cell, or 4 and more")
    names = [f"exponent_{i}" for i in range(count)]
    found = np.array([solution.value(name) for name in names])
    errors = np.array([solution.deviation(name) for name in names])
    mean, spread = float(found.mean()), float(found.std(ddof=1))
    half = float(stats.t.ppf(stats.norm.cdf(2.0), count - 1)) * spread / math.sqrt(count)
    # The scatter of the exponents is that of the cells and that of their measurement.
    noise = float(np.mean(errors**2))
    below, above = (float(stats.chi2.ppf(stats.norm.cdf(z), count - 1)) for z in (2.0, -2.0))
    ends = [spread * math.sqrt((count - 1) / each) for each in (below, above)]
    cells = [math.sqrt(max(each**2 - noise, 0.0)) for each in (spread, *ends)]
    return (
        Estimate("drift_exponent", "", mean, mean - half, mean + half),
        Estimate("drift_spread", "", *cells),
    )


CELL_DRIFT = Measurement(
    kind="pcm-drift",
    summary="Conductance, or transmission, of phase-change cells against time since the write",
    columns=(
        Column("time", ("time",), least=0.0),
        Column("conductance"),
        Column("cell", ("fraction",), required=False),
    ),
    known={
        "drift_reference_time": Known(
            "time",
            "the time after programming at which drift sets in",
            default=DRIFT_REFERENCE_TIME,
        )
    },
    keys={
        "weight_banks.pcm": {
            "drift_exponent": Key("drift_exponent"),
            "drift_spread": Key("drift_spread"),
        }
    },
    regress=_regress,
    estimate=_estimate,
)
