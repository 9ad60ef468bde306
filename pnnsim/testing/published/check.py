"""Comparison of one computed figure with a published one, and the band in which it passes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pnnsim.analysis.report.format import engineering

#: `closed form`: the figure follows from the published parameters by arithmetic, so that only the
#: arithmetic is tested. `physics`: a device or a network was simulated.
Basis = Literal["closed form", "physics"]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Published demonstration that figures are compared with.

    Args:
        name: Word for the command line.
        title: What was shown.
        source: Author, venue, year.
    """

    name: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Band:
    """Band of the values that pass.

    Args:
        low: Least of them.
        high: Greatest of them.
        text: How they arise, for people.
    """

    low: float
    high: float
    text: str


def exactly(value: float) -> Band:
    """Return a band of one value, rounding of the last digits apart."""
    return Band(value * (1.0 - 1e-12), value * (1.0 + 1e-12), "exact")


def percent(value: float, share: float) -> Band:
    """Return a band of some percent about a value.

    Args:
        value: Middle of the band.
        share: Half of its width [%].
    """
    room = abs(value) * share / 100.0
    return Band(value - room, value + room, f"±{share:g} %")


def about(value: float, room: float, text: str) -> Band:
    """Return a band of an absolute width about a value.

    Args:
        value: Middle of the band.
        room: Half of its width, as the value.
        text: The band, in words.
    """
    return Band(value - room, value + room, text)


def at_least(value: float) -> Band:
    """Return a band without upper end."""
    return Band(value, math.inf, "at least")


def at_most(value: float) -> Band:
    """Return a band of what is not negative and no more than a value."""
    return Band(0.0, value, "at most")


@dataclass(frozen=True, slots=True)
class Check:
    """Comparison of one figure.

    Args:
        demonstration: What was published.
        quantity: Which figure.
        unit: Unit of both figures; empty for pure numbers.
        published: The published figure, or the one that follows from published figures.
        simulated: What the library computes.
        band: Which values pass.
        basis: What kind of comparison it is.
        inputs: What the computation was given.
        fitted: What among it was chosen to meet this figure; empty where nothing was.
    """

    demonstration: Demonstration
    quantity: str
    unit: str
    published: float
    simulated: float
    band: Band
    basis: Basis
    inputs: str
    fitted: str = ""

    @property
    def passed(self) -> bool:
        """Return whether the computed figure lies in the band."""
        return self.band.low <= self.simulated <= self.band.high

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data; an upper end that does not exist is None."""
        data = {**asdict(self), "passed": self.passed}
        if math.isinf(self.band.high):
            data["band"]["high"] = None
        return data

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table for people."""
        return (
            "pass" if self.passed else "FAIL",
            self.demonstration.name,
            self.quantity,
            self._shown(self.published),
            self._shown(self.simulated),
            self.band.text,
            self.basis,
            self.fitted or "nothing",
        )

    def _shown(self, value: float) -> str:
        return engineering(value, self.unit) if self.unit else f"{value:.4g}"
