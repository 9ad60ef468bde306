"""Fit of an interferometer's fringe: transmission against heater power or voltage."""

from __future__ import annotations

import math

import numpy as np
import torch

from pnnsim.common.units import level_db
from pnnsim.devices.fit.measured_table import (
    Column,
    MeasuredTable,
    require_increasing,
    require_rows,
    require_variation,
)
from pnnsim.devices.fit.measurement import Estimate, Key, Known, Measurement, Values, estimates
from pnnsim.devices.fit.regression import Array, Curve, Parameter, Regression, Solution
from pnnsim.devices.fit.transmission import from_ratio, level_title, to_ratio
from pnnsim.errors import MeasurementError, Problem
from pnnsim.physics import photonic_modulation, photonic_switch

_SWITCH = {
    "insertion_loss": Key("level", lambda level: -level),
    "crosstalk": Key("extinction", lambda floor: -level_db(floor)),
}
#: Periods that are tried for the start.
_TRIED = 400


def _regress(table: MeasuredTable, known: Values) -> Regression:
    axis = _axis(table)
    require_rows(table, 10)
    require_increasing(table, axis)
    require_variation(table, "transmission")
    order = np.argsort(table.values[axis])
    drive, measured = (table.values[name][order] for name in (axis, "transmission"))
    in_db = table.dimensions["transmission"] == "ratio_db"
    half, phase, level, floor = _start(drive, to_ratio(measured, in_db))
    setting = torch.from_numpy(drive)

    def model(at: Array) -> list[Array]:
        for_pi, offset, level, floor = (float(each) for each in at)
        bar, _ = photonic_switch.mzi_switch(offset + math.pi * setting / for_pi)
        passed = photonic_modulation.modulated_power(bar, min(max(floor, 0.0), 1.0)).numpy()
        return [from_ratio(10.0 ** (level / 10.0) * passed, in_db)]

    name, dimension = ("pi_power", "power") if axis == "heater_power" else ("pi_voltage", "voltage")
    unit = "W" if axis == "heater_power" else "V"
    curve = Curve(
        "fringe",
        drive,
        measured,
        f"{axis.replace('_', ' ')} [{unit}]",
        level_title("transmission", in_db),
    )
    return Regression(
        (
            Parameter(name, dimension, half, 0.1 * half, 0.2 * half, 5.0 * half),
            Parameter("phase_offset", "angle", phase, 0.3),
            Parameter("level", "ratio_db", level, 1.0),
            Parameter("extinction", "", floor, max(floor, 1e-4), 0.0, 1.0),
        ),
        (curve,),
        model,
    )


def _axis(table: MeasuredTable) -> str:
    """Return which column drives the interferometer.

    Raises:
        MeasurementError: If there is none, or both.
    """
    given = [name for name in ("heater_power", "voltage") if name in table]
    if len(given) == 1:
        return given[0]
    what = "has both heater_power and voltage" if given else "has neither heater_power nor voltage"
    raise MeasurementError([Problem("", f"{what}; expected one of them", "", table.file)])


def _start(drive: Array, passed: Array) -> tuple[float, float, float, float]:
    """Return drive for pi, phase, level [dB] and extinction of the best of some periods."""
    span = float(np.ptp(drive))
    least = 2.0 * span / drive.size
    best = (math.inf, span, 0.0, 0.0, 1.0)
    for for_pi in np.geomspace(max(least, span / 50.0), 3.0 * span, _TRIED):
        angle = math.pi * drive / for_pi
        basis = np.stack([np.cos(angle), np.sin(angle), np.ones_like(angle)], axis=1)
        found, *_ = np.linalg.lstsq(basis, passed, rcond=None)
        error = float(np.sum((basis @ found - passed) ** 2))
        if error < best[0]:
            # passed = mean - swing cos(offset + angle)
            offset = math.atan2(found[1], -found[0])
            best = (error, float(for_pi), offset, float(found[2]), math.hypot(found[0], found[1]))
    _, for_pi, offset, mean, swing = best
    high = max(mean + swing, 1e-12)
    return for_pi, offset, level_db(high), min(max((mean - swing) / high, 1e-4), 0.9)


def _estimate(solution: Solution, known: Values, table: MeasuredTable) -> tuple[Estimate, ...]:
    """Return the parameters and, with a known time constant, the energy that switches a heater."""
    found = estimates(solution, known, table)
    energy = [
        Estimate(
            "switching_energy",
            "energy",
            *(known["time_constant"] * v for v in (e.value, e.low, e.high)),
        )
        for e in found
        if e.name == "pi_power" and "time_constant" in known
    ]
    return (*found, *energy)


MZI_FRINGE = Measurement(
    kind="mzi-fringe",
    summary="Transmission of an interferometer against heater power or voltage",
    columns=(
        Column("heater_power", ("power",), required=False, least=0.0),
        Column("voltage", ("voltage",), required=False),
        Column("transmission", ("fraction", "ratio_db"), least=0.0),
    ),
    known={"time_constant": Known("time", "the time constant of the heater")},
    keys={
        "switch.thermo_optic": _SWITCH,
        "switch.electro_optic": _SWITCH,
        "switch.plzt": _SWITCH,
        "weight_banks.mzi_mesh": {"switching_energy": Key("switching_energy")},
        "nonlinearity.electro_optic": {"v_pi": Key("pi_voltage")},
    },
    regress=_regress,
    estimate=_estimate,
)
