"""Fit of a photodiode: current against optical power."""

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
from pnnsim.devices.fit.measurement import Key, Measurement, Values
from pnnsim.devices.fit.regression import Array, Curve, Parameter, Regression
from pnnsim.physics import photonic_detection

_KEYS = {
    "responsivity": Key("responsivity"),
    "dark_current": Key("dark_current"),
    "saturation_power": Key("inverse_saturation", lambda inverse: 1.0 / inverse),
}


def _regress(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 8)
    require_increasing(table, "optical_power")
    require_variation(table, "current")
    order = np.argsort(table.values["optical_power"])
    power, current = (table.values[name][order] for name in ("optical_power", "current"))
    light = torch.from_numpy(power)
    top = float(power[-1])
    # Slope and intercept of the lower half, where saturation is least.
    half = max(4, power.size // 2)
    slope, dark = np.polyfit(power[:half], current[:half], 1)
    if slope <= 0.0:
        row = int(order[-1])
        what = "falls with optical power; expected a current that rises"
        raise table.refuse("current", row, what, "photocurrent counts as positive")
    last = slope * top + dark
    inverse = max(0.0, (last / float(current[-1]) - 1.0) / top) if current[-1] > 0.0 else 0.0

    def model(at: Array) -> list[Array]:
        responsivity, dark_current, inverse = (float(each) for each in at)
        limit = 1.0 / inverse if inverse > 0.0 else math.inf
        found = photonic_detection.photocurrent(light, responsivity, dark_current, limit)
        return [found.numpy()]

    spread = float(np.ptp(current))
    return Regression(
        (
            Parameter("responsivity", "responsivity", slope, 0.1 * slope, 0.0),
            Parameter("dark_current", "current", max(dark, 0.0), 1e-3 * spread, 0.0),
            Parameter("inverse_saturation", "", inverse, 0.1 / top, 0.0),
        ),
        (Curve("photodiode", power, current, "optical power [W]", "current [A]"),),
        model,
    )


PHOTODIODE_POWER = Measurement(
    kind="photodiode",
    summary="Current of a photodiode against optical power",
    columns=(Column("optical_power", ("power",), least=0.0), Column("current", ("current",))),
    keys={"detector.balanced_photodiode": _KEYS, "detector.photodiode": _KEYS},
    regress=_regress,
)
