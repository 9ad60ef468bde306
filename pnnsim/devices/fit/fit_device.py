"""Front door of the fits: from a file of measured data to keys of a description."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pnnsim.common.files import replace_file
from pnnsim.common.units import DIMENSIONS, UnitError, read_quantity, show, show_path
from pnnsim.devices.fit.cell_drift import CELL_DRIFT
from pnnsim.devices.fit.fragment import fragment_text
from pnnsim.devices.fit.junction_loop import JUNCTION_LOOP
from pnnsim.devices.fit.junction_switching import JUNCTION_SWITCHING, JUNCTION_WRITE_ERRORS
from pnnsim.devices.fit.least_squares import solve
from pnnsim.devices.fit.measurement import Estimate, Measurement
from pnnsim.devices.fit.mzi_fringe import MZI_FRINGE
from pnnsim.devices.fit.noise_spectrum import NOISE_SPECTRUM
from pnnsim.devices.fit.photodiode_power import PHOTODIODE_POWER
from pnnsim.devices.fit.plot import write_plot
from pnnsim.devices.fit.read_table import read_table
from pnnsim.devices.fit.regression import FitError, Solution
from pnnsim.devices.fit.ring_spectrum import RING_SPECTRUM
from pnnsim.devices.fit.step_response import STEP_RESPONSE
from pnnsim.errors import InputError, MeasurementError, OutputError, Problem

#: Every kind of measurement by its name.
MEASUREMENTS: dict[str, Measurement] = {
    each.kind: each
    for each in (
        RING_SPECTRUM,
        MZI_FRINGE,
        STEP_RESPONSE,
        PHOTODIODE_POWER,
        NOISE_SPECTRUM,
        JUNCTION_LOOP,
        JUNCTION_SWITCHING,
        JUNCTION_WRITE_ERRORS,
        CELL_DRIFT,
    )
}


@dataclass(frozen=True, slots=True)
class DeviceFit:
    """Fit of measured data.

    Args:
        kind: Kind of measurement.
        part: Part and kind that the keys belong to, such as `weight_banks.mrr`.
        estimates: Every fitted quantity with its 2-sigma interval.
        notes: What a reader should note, a sentence each.
        source: What stands as the source of each value.
        solution: The regression behind it.
    """

    kind: str
    part: str
    estimates: tuple[Estimate, ...]
    notes: tuple[str, ...]
    source: str
    solution: Solution

    def __getitem__(self, name: str) -> Estimate:
        return next(each for each in self.estimates if each.name == name)

    def __str__(self) -> str:
        return self.fragment()

    def fragment(self) -> str:
        """Return the YAML fragment that can be pasted into the description of a machine."""
        points = sum(int(mask.sum()) for mask in self.solution.used)
        notes = (f"{points} points; {self.source}", *self.notes)
        return fragment_text(MEASUREMENTS[self.kind], self.part, self.estimates, self.source, notes)

    def as_json(self) -> dict[str, Any]:
        """Return the fit as plain data, in SI; an end that the data leave open is null."""
        return {
            "kind": self.kind,
            "part": self.part,
            "source": self.source,
            "estimates": {
                each.name: {
                    "value": each.value,
                    "low": each.low if math.isfinite(each.low) else None,
                    "high": each.high if math.isfinite(each.high) else None,
                    "unit": DIMENSIONS[each.dimension].si if each.dimension else "",
                }
                for each in self.estimates
            },
            "notes": list(self.notes),
        }

    def save(self, path: str | Path) -> None:
        """Write the YAML fragment to a file.

        Args:
            path: The file.

        Raises:
            OutputError: If it cannot be written.
        """
        try:
            replace_file(Path(path), self.fragment().encode())
        except OSError as error:
            why = error.strerror or str(error)
            raise OutputError(f"{show_path(str(path))}: cannot be written: {why}") from None

    def plot(self, path: str | Path) -> None:
        """Write data, model and residuals as an image.

        Args:
            path: File that ends in `.svg` or `.png`.

        Raises:
            InputError: If the name ends otherwise.
            OutputError: If it cannot be written.
        """
        write_plot(self.solution, f"{self.kind}, {self.source}", Path(path))


def fit_device(
    kind: str,
    path: str | Path,
    *,
    part: str | None = None,
    known: Mapping[str, str | float] | None = None,
    date: str | None = None,
) -> DeviceFit:
    """Fit the parameters of a part to measured data.

    Args:
        kind: Kind of measurement, such as `ring-spectrum`.
        path: CSV file whose header names columns and units: `wavelength [nm], through [dB]`.
        part: Part and kind whose keys are wanted, such as `detector.photodiode`; the usual one
            where it is not given.
        known: What the fit takes from elsewhere: name → text with a unit, or a number in SI.
        date: Date that stands in the source; today's where it is not given.

    Returns:
        Estimates with 2-sigma intervals, the YAML fragment, and the plot.

    Raises:
        InputError: If there is no such kind, part or known value.
        MeasurementError: If the file is wrong, or its data do not determine the parameters.
    """
    measurement = _measurement(kind)
    wanted = part or next(iter(measurement.keys))
    if wanted not in measurement.keys:
        choice = ", ".join(measurement.keys)
        raise InputError(f"part: got {show(str(wanted))}; a {kind} gives keys of {choice}")
    values = _known(measurement, known or {})
    table = read_table(Path(path), measurement.columns)
    try:
        solution = solve(measurement.regress(table, values))
        found = measurement.estimate(solution, values, table)
    except FitError as error:
        raise MeasurementError([Problem("", str(error), "", show_path(str(path)))]) from None
    day = date or datetime.now(UTC).date().isoformat()
    source = f"fit: {show_path(Path(path).name)}, {day}"
    if part is None:
        wanted = _of_use(measurement, found)
    return DeviceFit(kind, wanted, found, solution.notes, source, solution)


def _measurement(kind: str) -> Measurement:
    name = str(kind).replace("_", "-")
    if name not in MEASUREMENTS:
        close = get_close_matches(name[:60], list(MEASUREMENTS), n=1, cutoff=0.5)
        hint = f". Hint: did you mean '{close[0]}'?" if close else ""
        choice = ", ".join(MEASUREMENTS)
        raise InputError(f"kind: unknown measurement {show(name)}; expected one of {choice}{hint}")
    return MEASUREMENTS[name]


def _of_use(measurement: Measurement, found: tuple[Estimate, ...]) -> str:
    """Return the first kind of part to which something that was fitted belongs."""
    names = {estimate.name for estimate in found}
    return next(
        part
        for part, keys in measurement.keys.items()
        if any(key.quantity in names for key in keys.values())
    )


def _known(measurement: Measurement, given: Mapping[str, str | float]) -> dict[str, float]:
    """Return the known values in SI, defaults filled in.

    Raises:
        InputError: If one is unknown, missing, or no value.
    """
    for name in given:
        if name not in measurement.known:
            choice = ", ".join(measurement.known) or "nothing"
            raise InputError(f"{name}: is not used by a {measurement.kind}; it takes {choice}")
    values: dict[str, float] = {}
    for name, about in measurement.known.items():
        value = given.get(name, about.default)
        if value is None:
            if about.required:
                hint = f"Hint: --set {name}=VALUE, or known={{'{name}': VALUE}} in Python"
                what = f"is missing; a {measurement.kind} needs {about.meaning}"
                raise InputError(f"{name}: {what}. {hint}")
            continue
        values[name] = _number(name, value, about.dimension)
        if not (math.isfinite(values[name]) and values[name] > 0.0):
            raise InputError(f"{name}: got {show(str(value))}; expected more than 0")
    return values


def _number(name: str, value: str | float, dimension: str) -> float:
    if isinstance(value, int | float):
        return float(value)
    try:
        if dimension:
            return read_quantity(value, dimension)
        return float(value)
    except UnitError as error:
        raise InputError(f"{name}: {error}") from None
    except ValueError:
        raise InputError(f"{name}: {show(value)} is not a number; expected one") from None
