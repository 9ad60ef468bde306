"""Curve of a weight cell by its table: what each of two outputs passes as the cell is tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pnnsim.devices.tables.scattering_table import ScatteringTable, TableError

#: Points of a curve, evenly spaced in tuning.
POINTS = 65

#: How far a curve may turn back and still count as noise, over its whole span.
_NOISE = 0.02


@dataclass(frozen=True, slots=True)
class WeightCurve:
    """Curve of a weight cell between its least and its greatest weight.

    Args:
        weight: Power at the adding output less that at the subtracting one, rising.
        light: Power at both outputs together.
        span: Tuning from the first to the last point [m]; negative where weights rise as the
            spectrum is tuned back.
    """

    weight: tuple[float, ...]
    light: tuple[float, ...]
    span: float


def weight_curve_of(
    table: ScatteringTable, ports: Sequence[str] | None, wavelength: float, tuning_range: float
) -> WeightCurve:
    """Return the curve of a cell whose spectrum is shifted towards longer wavelengths.

    Args:
        table: Scattering parameters of the cell, untuned.
        ports: Input, adding output, subtracting output; the first three ports where None.
        wavelength: Wavelength of the light [m].
        tuning_range: Largest shift of the spectrum [m].

    Raises:
        TableError: If ports are missing, the table does not span the tuning, weights have but one
            sign, or the curve turns back between its ends.
    """
    names = tuple(ports or table.ports[:3])
    if len(names) != 3 or len(set(names)) != 3:
        raise TableError("has no three ports; expected the input and two outputs")
    start, adds, subtracts = names
    # Tuned by s, a cell does to light what it did untuned to light of a wavelength shorter by s.
    shift = np.linspace(0.0, tuning_range, 4 * POINTS)
    low, high = wavelength - tuning_range, wavelength
    axis = np.concatenate(
        [[low], table.wavelengths[(table.wavelengths > low) & (table.wavelengths < high)], [high]]
    )
    plus, minus = (
        np.interp(wavelength - shift, axis, table.passed(start, end, low, high))
        for end in (adds, subtracts)
    )
    weight = plus - minus
    first, last = int(weight.argmin()), int(weight.argmax())
    if not weight[first] < 0.0 < weight[last]:
        raise TableError(
            f"gives weights from {weight[first]:.3g} to {weight[last]:.3g} within the tuning; "
            "expected both signs"
        )
    ends = shift[[first, last]]
    points = np.linspace(float(ends[0]), float(ends[1]), POINTS)
    at = [np.interp(points, shift, each) for each in (plus, minus)]
    rising = at[0] - at[1]
    back = float(np.max(np.maximum.accumulate(rising) - rising))
    if back > _NOISE * (rising[-1] - rising[0]):
        raise TableError(
            "turns back between its least and its greatest weight; expected a tuning_range with "
            "one slope"
        )
    rising = np.maximum.accumulate(rising)
    light = np.maximum(at[0] + at[1], np.abs(rising))
    return WeightCurve(
        tuple(map(float, rising)), tuple(map(float, light)), float(ends[1] - ends[0])
    )
