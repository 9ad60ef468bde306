"""Fit of an add-drop ring's spectra: coupling, loss, group index, and how far it is tuned.

Through and drop port share a baseline of couplers and laser, a parabola in decibels over
wavelength; each port has a level of its own. Both couplers of the ring are taken to be equal, as
those of the kind `mrr` are. Where a spectrum shows several resonances, their power coupling changes
with wavelength.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from pnnsim.devices.fit.measured_table import (
    Column,
    MeasuredTable,
    require_increasing,
    require_rows,
    require_variation,
)
from pnnsim.devices.fit.measurement import Estimate, Key, Known, Measurement, Values, estimates
from pnnsim.devices.fit.regression import Array, Curve, Parameter, Regression, Solution
from pnnsim.devices.fit.ring_start import RingStart, find_dips, ring_start
from pnnsim.devices.fit.transmission import from_ratio, level_title, to_ratio
from pnnsim.errors import MeasurementError, Problem
from pnnsim.physics import photonic_channels, photonic_ring

Rows = NDArray[np.intp]

#: Columns that tune a ring, what a shift for one unit of them is called and measures.
_TUNING = {
    "heater_power": ("heater_efficiency", "length_per_power"),
    "bias_voltage": ("voltage_shift", "length_per_voltage"),
}


def _regress(table: MeasuredTable, known: Values) -> Regression:
    require_rows(table, 20)
    require_variation(table, "through")
    tuning = _tuning(table)
    groups = _groups(table, tuning)
    around = 2.0 * math.pi * known["ring_radius"]
    in_db = {
        port: table.dimensions[port] == "ratio_db" for port in ("through", "drop") if port in table
    }
    wavelengths, dips = [], []
    for rows in groups:
        require_increasing(table, "wavelength", rows)
        axis = table.values["wavelength"][rows]
        through = to_ratio(table.values["through"][rows], in_db["through"])
        found = find_dips(axis, through)
        if not found:
            what = "has no resonance here; expected a dip in each spectrum"
            raise table.refuse("through", int(rows[0]), what, "is it the drop port?")
        wavelengths.append(axis)
        dips.append(found)
    settings = np.array(
        [table.values[tuning][rows[0]] if tuning else 0.0 for rows in groups], dtype=np.float64
    )
    many = max(len(found) for found in dips) > 1
    if "group_index" not in known and not many:
        what = "shows one resonance, which leaves the group index open; expected two, or the index"
        hint = "give it, such as group_index=4.2"
        raise table.refuse("wavelength", 0, what, hint)
    start = ring_start(dips, settings, around, known.get("group_index"))
    curves = _curves(table, tuning, groups, settings, in_db)
    model = _Spectra(around, settings, wavelengths, in_db, known.get("group_index"))
    model.tuned, model.dispersive = bool(tuning), many
    return Regression(_parameters(start, model, tuning), curves, model)


class _Spectra:
    """Model of the spectra of one ring at some settings of its tuning."""

    def __init__(
        self,
        around: float,
        settings: Array,
        wavelengths: list[Array],
        in_db: dict[str, bool],
        group_index: float | None,
    ) -> None:
        self.around, self.settings, self.in_db = around, settings, in_db
        self.group_index = group_index
        self.tuned = self.dispersive = False
        low = min(float(axis.min()) for axis in wavelengths)
        high = max(float(axis.max()) for axis in wavelengths)
        self.middle, self.half = (low + high) / 2.0, (high - low) / 2.0
        self.wavelengths = wavelengths

    def __call__(self, at: Array) -> list[Array]:
        """Return what both ports pass at each setting, in the unit of the data."""
        values = iter(at.tolist())
        resonance, coupling, loss = next(values), next(values), next(values)
        index = next(values) if self.group_index is None else self.group_index
        shift = next(values) if self.tuned else 0.0
        rise = next(values) if self.dispersive else 0.0
        slope, bend = next(values), next(values)
        levels = dict(zip(self.in_db, values, strict=False))
        amplitude = photonic_channels.single_pass_amplitude(loss, self.around)
        curves = []
        for axis, setting in zip(self.wavelengths, self.settings, strict=True):
            along = (axis - self.middle) / self.half
            here = resonance + shift * float(setting)
            phase = 2.0 * math.pi * index * self.around * (1.0 / axis - 1.0 / here)
            crossing = (1.0 - coupling**2) * np.exp(rise * along)
            stays = torch.from_numpy(np.sqrt(np.clip(1.0 - crossing, 0.0, 1.0)))
            passed = photonic_ring.ring_transmission(
                torch.from_numpy(phase), stays, stays, amplitude
            )
            base = slope * along + bend * along**2
            for port, ratio in zip(("through", "drop"), passed, strict=True):
                if port in self.in_db:
                    scaled = ratio.numpy() * 10.0 ** ((levels[port] + base) / 10.0)
                    curves.append(from_ratio(scaled, self.in_db[port]))
        return curves


def _parameters(start: RingStart, model: _Spectra, tuning: str) -> tuple[Parameter, ...]:
    """Return what is searched for, in the order in which the model reads it."""
    found = [
        Parameter("resonance", "length", start.resonance, start.width),
        Parameter("self_coupling", "", start.coupling, 0.3 * (1.0 - start.coupling), 0.0, 1.0),
        Parameter("ring_loss", "loss_per_length_db", start.loss, 0.3 * start.loss + 10.0, 0.0),
    ]
    if model.group_index is None:
        change = start.index * start.width / (4.0 * model.half)
        found.append(Parameter("group_index", "", start.index, change, 1.0))
    if tuning:
        name, dimension = _TUNING[tuning]
        span = float(np.ptp(model.settings)) or 1.0
        found.append(Parameter(name, dimension, start.shift, start.width / span))
    if model.dispersive:
        found.append(Parameter("coupling_rise", "", 0.0, 0.1, -3.0, 3.0))
    found.append(Parameter("baseline_slope", "ratio_db", 0.0, 1.0))
    found.append(Parameter("baseline_bend", "ratio_db", 0.0, 1.0))
    found.extend(Parameter(f"{port}_level", "ratio_db", start.level, 1.0) for port in model.in_db)
    return tuple(found)


def _tuning(table: MeasuredTable) -> str:
    """Return the column that tunes the ring; empty for none.

    Raises:
        MeasurementError: If there are two.
    """
    given = [name for name in _TUNING if name in table]
    if len(given) > 1:
        what = "has both heater_power and bias_voltage; expected one of them"
        raise MeasurementError([Problem("", what, "", table.file)])
    for name in given:
        require_variation(table, name)
        return name
    return ""


def _groups(table: MeasuredTable, tuning: str) -> list[Rows]:
    """Return the rows of each spectrum, by rising tuning.

    Raises:
        MeasurementError: If one has too few.
    """
    if not tuning:
        return [np.arange(len(table))]
    values = table.values[tuning]
    groups = [np.flatnonzero(values == each) for each in np.unique(values)]
    for rows in groups:
        if rows.size < 10:
            what = f"has {rows.size} rows with this value; expected at least 10, one spectrum"
            raise table.refuse(tuning, int(rows[0]), what)
    return groups


def _curves(
    table: MeasuredTable,
    tuning: str,
    groups: list[Rows],
    settings: Array,
    in_db: dict[str, bool],
) -> tuple[Curve, ...]:
    unit = {"heater_power": "W", "bias_voltage": "V", "": ""}[tuning]
    return tuple(
        Curve(
            f"{port} at {setting:.4g} {unit}" if tuning else port,
            table.values["wavelength"][rows],
            table.values[port][rows],
            "wavelength [m]",
            level_title("transmission", in_db[port]),
        )
        for rows, setting in zip(groups, settings, strict=True)
        for port in in_db
    )


def _estimate(solution: Solution, known: Values, table: MeasuredTable) -> tuple[Estimate, ...]:
    """Return the parameters, and width and quality factor by propagation of errors."""
    around = 2.0 * math.pi * known["ring_radius"]
    names = [p.name for p in solution.regression.parameters]

    def width(at: Array) -> float:
        values = dict(zip(names, at.tolist(), strict=True))
        index = values.get("group_index", known.get("group_index", 0.0))
        fsr = photonic_channels.free_spectral_range(values["resonance"], index, around)
        amplitude = photonic_channels.single_pass_amplitude(values["ring_loss"], around)
        coupling = values["self_coupling"]
        return photonic_channels.linewidth(fsr, coupling, coupling, amplitude)

    best, deviation = width(solution.values), 0.0
    slopes = []
    for i, parameter in enumerate(solution.regression.parameters):
        moved = solution.values.copy()
        moved[i] += 1e-4 * parameter.scale
        slopes.append((width(moved) - best) / (1e-4 * parameter.scale))
    deviation = math.sqrt(
        max(0.0, float(np.array(slopes) @ solution.covariance @ np.array(slopes)))
    )
    half, resonance = solution.cover * deviation, solution.value("resonance")
    low, high = best - half, best + half
    return (
        *estimates(solution, known, table),
        Estimate("linewidth", "length", best, low, high),
        Estimate(
            "quality_factor", "", resonance / best, resonance / high, resonance / max(low, 1e-18)
        ),
    )


RING_SPECTRUM = Measurement(
    kind="ring-spectrum",
    summary="Through and drop port of an add-drop ring against wavelength, at some tunings",
    columns=(
        Column("wavelength", ("length",), least=1e-7, most=2e-5),
        Column("through", ("fraction", "ratio_db"), least=0.0),
        Column("drop", ("fraction", "ratio_db"), required=False, least=0.0),
        Column("heater_power", ("power",), required=False, least=0.0),
        Column("bias_voltage", ("voltage",), required=False),
    ),
    known={
        "ring_radius": Known("length", "the radius of the ring", required=True),
        "group_index": Known("", "the group index, where a spectrum shows one resonance"),
    },
    keys={
        "weight_banks.mrr": {
            "self_coupling": Key("self_coupling"),
            "ring_loss": Key("ring_loss"),
            "group_index": Key("group_index"),
        }
    },
    regress=_regress,
    estimate=_estimate,
)
