"""Comparison of one computed figure with a published one, and the band in which it passes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pnnsim.analysis.report.format import engineering

#: `closed form`: the figure follows from the published parameters by arithmetic, so that only the
#: arithmetic is tested. `simulation`: a device, a machine or a network was simulated.
Basis = Literal["closed form", "simulation"]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Published demonstration that figures are compared with.

    Args:
        name: Word for the command line.
        title: What was shown.
        source: Author, venue, year.
        left_out: What of it is not described; empty where single figures are compared.
    """

    name: str
    title: str
    source: str
    left_out: str = ""


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


def within_factor(value: float, factor: float) -> Band:
    """Return a band from a value over a factor to the value times it.

    Args:
        value: Middle of the band.
        factor: By which it may be smaller or greater.
    """
    return Band(value / factor, value * factor, f"factor {factor:g}")


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
        differs: Why the figure is known not to agree; empty where it should.
        source: Where this figure was published; empty where it is the demonstration's source.
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
    differs: str = ""
    source: str = ""

    @property
    def passed(self) -> bool:
        """Return whether the computed figure lies in the band."""
        return self.band.low <= self.simulated <= self.band.high

    @property
    def expected(self) -> bool:
        """Return whether the figure agrees, or differs with a reason that was given for it."""
        return self.passed != bool(self.differs)

    @property
    def status(self) -> Literal["pass", "differs", "FAIL"]:
        """Return one word for people; a reason beside a figure that agrees fails, too."""
        if not self.expected:
            return "FAIL"
        return "pass" if self.passed else "differs"

    @property
    def kind(self) -> Literal["closed form", "simulation", "fitted"]:
        """Return the class of the comparison; a fitted one proves consistency alone."""
        return "fitted" if self.fitted else self.basis

    @property
    def ratio(self) -> float | None:
        """Return the computed figure over the published one; None where that is 0."""
        return self.simulated / self.published if self.published else None

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data; an upper end that does not exist is None."""
        more = {"passed": self.passed, "status": self.status, "class": self.kind}
        data = {**asdict(self), **more, "ratio": self.ratio}
        if math.isinf(self.band.high):
            data["band"]["high"] = None
        return data

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table for people."""
        return (
            self.status,
            self.demonstration.name,
            self.quantity,
            self._shown(self.published),
            self._shown(self.simulated),
            "" if self.ratio is None else f"{self.ratio:.3g}",
            self.band.text,
            self.kind,
        )

    def _shown(self, value: float) -> str:
        return engineering(value, self.unit) if self.unit else f"{value:.4g}"
