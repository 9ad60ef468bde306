"""Scattering parameters of a passive device over wavelength.

Fields, row is output and column is input. What is between two wavelengths is interpolated in power,
as phases turn many times between the points of a measurement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pnnsim.common.units import readable_quantity, show

#: Numbers of one table at most, and its ports.
MOST_NUMBERS = 2_000_000
MOST_PORTS = 64
#: Power beyond that which came in that is still put down to the calibration of a measurement.
_TOLERANCE = 0.02
#: Difference of both directions that is still put down to noise, as power.
_ONE_WAY = 0.02


class TableError(ValueError):
    """Reason why data are no table of scattering parameters of a passive device."""


@dataclass(frozen=True, slots=True)
class ScatteringTable:
    """Scattering parameters.

    Args:
        wavelengths: Rising [m], shape `(n_wavelength,)`.
        ports: Names of the ports.
        power: Power transmissions, shape `(n_wavelength, n_port, n_port)`, row output.
    """

    wavelengths: NDArray[np.float64]
    ports: tuple[str, ...]
    power: NDArray[np.float64]

    def passed(self, start: str, end: str, low: float, high: float) -> NDArray[np.float64]:
        """Return the power that goes from one port to another at the wavelengths of a band.

        Args:
            start: Port of the light that comes in.
            end: Port of the light that goes out.
            low: Shortest wavelength of the band [m].
            high: Longest wavelength of the band [m].

        Raises:
            TableError: If there is no such port, or the table does not span the band.
        """
        for port in (start, end):
            if port not in self.ports:
                raise TableError(
                    f"has no port {show(port)}; expected one of {', '.join(self.ports)}"
                )
        first, last = float(self.wavelengths[0]), float(self.wavelengths[-1])
        if not (first <= low and high <= last):
            ends = " to ".join(readable_quantity(end, "length") for end in (first, last))
            band = " to ".join(readable_quantity(end, "length") for end in (low, high))
            raise TableError(f"spans {ends}; expected the band of the machine, {band}")
        inside = (self.wavelengths > low) & (self.wavelengths < high)
        axis = np.concatenate([[low], self.wavelengths[inside], [high]])
        curve = self.power[:, self.ports.index(end), self.ports.index(start)]
        return np.asarray(np.interp(axis, self.wavelengths, curve))


def table_of(
    wavelengths: Sequence[float] | NDArray[np.float64],
    entries: Mapping[tuple[str, str], NDArray[np.complex128]],
) -> ScatteringTable:
    """Return a checked table.

    Args:
        wavelengths: In m, µm or nm, by their size; rising or falling.
        entries: (port, port) → field transmission between them at each wavelength. A device without
            magnetism is reciprocal, so one direction stands for both.

    Raises:
        TableError: If it is no such table, or the device is not passive.
    """
    axis = np.asarray(wavelengths, dtype=np.float64)
    if axis.ndim != 1 or axis.size < 2 or not np.all(np.isfinite(axis)):
        raise TableError("has no list of at least two wavelengths")
    axis = axis * _unit(float(np.median(axis)))
    order = np.argsort(axis)
    if np.any(np.diff(axis[order]) <= 0.0):
        raise TableError("has a wavelength twice; expected each once")
    if not (axis.min() >= 1e-7 and axis.max() <= 2e-5):
        raise TableError("has wavelengths beyond light; expected 0.1 um to 20 um")
    ports = tuple(sorted({port for pair in entries for port in pair}, key=natural))
    if not 2 <= len(ports) <= MOST_PORTS:
        raise TableError(f"has {len(ports)} port(s); expected 2 to {MOST_PORTS}")
    if axis.size * len(ports) ** 2 > MOST_NUMBERS:
        raise TableError(
            f"has {axis.size} wavelengths of {len(ports)} ports; expected at most {MOST_NUMBERS} "
            "numbers"
        )
    field = np.zeros((axis.size, len(ports), len(ports)), dtype=np.complex128)
    given = np.zeros((len(ports), len(ports)), dtype=np.bool_)
    for (start, end), values in entries.items():
        if values.shape != axis.shape:
            raise TableError(
                f"has {values.size} values from {show(start)} to {show(end)}; expected "
                f"{axis.size}, one for each wavelength"
            )
        if not np.all(np.isfinite(values)):
            raise TableError(f"has a value from {show(start)} to {show(end)} that is not finite")
        at = ports.index(end), ports.index(start)
        field[:, *at], given[at] = values[order], True
    _check_reciprocal(field, given, ports)
    back = given.T & ~given
    field = np.where(back, np.swapaxes(field, 1, 2), field)
    _check_passive(field, axis[order])
    return ScatteringTable(axis[order], ports, np.abs(field) ** 2)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key by which `o10` comes after `o2`."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", name)
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts)


def _unit(middle: float) -> float:
    """Return what one unit of wavelengths is in metres: their ranges do not overlap."""
    if middle > 50.0:
        return 1e-9
    return 1e-6 if middle > 5e-2 else 1.0


def _check_reciprocal(
    field: NDArray[np.complex128], given: NDArray[np.bool_], ports: tuple[str, ...]
) -> None:
    power = np.abs(field) ** 2
    both = given & given.T
    apart = np.max(np.abs(power - np.swapaxes(power, 1, 2)), axis=0) * both
    if float(apart.max()) > _ONE_WAY:
        end, start = (int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))
        raise TableError(
            f"passes another power from {show(ports[start])} to {show(ports[end])} than back; "
            "expected a reciprocal device"
        )


def _check_passive(field: NDArray[np.complex128], axis: NDArray[np.float64]) -> None:
    """Refuse a device that gives off more power than it gets, for any light that comes in."""
    largest = np.linalg.svd(field, compute_uv=False)[:, 0] ** 2
    worst = int(largest.argmax())
    if largest[worst] > 1.0 + _TOLERANCE:
        raise TableError(
            f"gives off {largest[worst]:.4g} times the power that comes in at "
            f"{readable_quantity(float(axis[worst]), 'length')}; expected a passive device"
        )
