"""Fit of a step response of one pole: time constant, rise time, bandwidth."""

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
from pnnsim.physics import dynamics

_TIME = {"time_constant": Key("time_constant")}
_RISE = {"rise_time": Key("time_constant", lambda tau: dynamics.RISE_TIME_CONSTANTS * tau)}
_BAND = {"bandwidth": Key("time_constant", lambda tau: 1.0 / (2.0 * math.pi * tau))}

#: Time constants that are tried for the start.
_TRIED = 60


def _regress(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 8)
    require_increasing(table, "time")
    order = np.argsort(table.values["time"])
    time, response = (table.values[name][order] for name in ("time", "response"))
    after = time >= 0.0
    if int(after.sum()) < 8:
        what = f"has {int(after.sum())} rows from time 0 on; expected at least 8"
        raise table.refuse("time", len(table) - 1, what, "time counts from the step")
    require_variation(table, "response")
    time, response = time[after], response[after]
    start, first, last = _start(time, response)
    elapsed = torch.from_numpy(time)

    def model(at: Array) -> list[Array]:
        tau, begin, end = (float(each) for each in at)
        return [end + (begin - end) * dynamics.residue(elapsed, tau).numpy()]

    swing = float(np.ptp(response))
    unit = table.units["response"]
    curve = Curve(
        "step",
        time,
        response,
        "time since the step [s]",
        f"response [{unit}]" if unit else "response",
    )
    return Regression(
        (
            Parameter("time_constant", "time", start, 0.1 * start, 1e-3 * start, 1e3 * start),
            Parameter("response_at_once", "", first, 0.1 * swing),
            Parameter("response_settled", "", last, 0.1 * swing),
        ),
        (curve,),
        model,
    )


def _start(time: Array, response: Array) -> tuple[float, float, float]:
    """Return the best of some time constants, with the levels that go with it."""
    span = float(time[-1] - time[0])
    best = (math.inf, span / 3.0, float(response[0]), float(response[-1]))
    for tau in np.geomspace(span / time.size / 2.0, 3.0 * span, _TRIED):
        basis = np.stack([np.exp(-time / tau), np.ones_like(time)], axis=1)
        levels, *_ = np.linalg.lstsq(basis, response, rcond=None)
        error = float(np.sum((basis @ levels - response) ** 2))
        if error < best[0]:
            best = (error, float(tau), float(levels.sum()), float(levels[1]))
    return best[1:]


STEP_RESPONSE = Measurement(
    kind="step-response",
    summary="Response to a step against time, one pole; time 0 is the step",
    columns=(Column("time", ("time",)), Column("response")),
    keys={
        "weight_banks.mrr": _TIME,
        "weight_banks.mzi_mesh": _TIME,
        "weight_banks.slm": _TIME,
        "switch.thermo_optic": _TIME,
        "switch.electro_optic": _RISE,
        "switch.soa": _RISE,
        "switch.current": _TIME,
        "detector.balanced_photodiode": _BAND,
        "detector.photodiode": _BAND,
        "detector.crossbar_tia": _BAND,
        "encoder.mzm": _BAND,
        "encoder.mrm": _BAND,
        "nonlinearity.electro_optic": _BAND,
    },
    regress=_regress,
)
