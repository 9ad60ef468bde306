"""Read and write physical values as text with a unit: `12.5 ps`, `0.3 dB/cm`, `6.4 pA/Hz^0.5`.

SI floats live inside the library; units exist only here, at the edge. This file depends on no
field or file: it turns one text into one float, or says why it cannot.

What a unit is worth follows from its symbols (`pnnsim.common.symbols`). Decibels, fractions and
angles are no factors that multiply, and have tables of their own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from pnnsim.common.symbols import PARTS, Unit, measure

FEMTOSECONDS_PER_SECOND = 10**15

#: Longest text that is looked at; no physical value needs more, and regexes stay fast.
MAX_LENGTH = 80

#: Characters of a path that a message repeats.
_MAX_PATH = 200

_NUMBER = re.compile(
    r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE]([+-]?[0-9]+))?\s*(.*)", re.DOTALL
)
#: Level [dB] beyond which a power ratio is no float.
_MOST_DB = 3000.0

_SAMPLE_RATE = re.compile(r"[kMGT]?S(a|ps)?/s|Sps")


@dataclass(frozen=True, slots=True)
class Dimension:
    """Physical dimension as users meet it.

    Args:
        name: What a message calls it, with its article: `a time`.
        si: Unit in which the library holds it; empty for a pure number.
        example: A text that is right.
        least: Smallest magnitude that is supported beside 0, in the same unit.
        most: Largest magnitude that is supported.
    """

    name: str
    si: str
    example: str
    least: float
    most: float


#: Every dimension that a field of a description can have. Keys are used by `pnnsim.params`.
#: Supported magnitudes are far beyond any device on both sides, and so far from the ends of floats
#: that no product or quotient of a few values gets lost. Ratios in decibels have a field's bounds.
DIMENSIONS: dict[str, Dimension] = {
    "time": Dimension("a time", "s", "12.5 ps", 1e-18, 1e9),
    "frequency": Dimension("a frequency", "Hz", "5 GHz", 1e-9, 1e15),
    "length": Dimension("a length", "m", "20 mm", 1e-15, 1e12),
    "area": Dimension("an area", "m^2", "0.01 mm^2", 1e-30, 1e6),
    "power": Dimension("a power", "W", "3 mW", 1e-24, 1e9),
    "energy": Dimension("an energy", "J", "50 fJ", 1e-30, 1e9),
    "voltage": Dimension("a voltage", "V", "1.5 V", 1e-12, 1e9),
    "current": Dimension("a current", "A", "10 nA", 1e-18, 1e9),
    "charge": Dimension("a charge", "C", "0.5 fC", 1e-27, 1e6),
    "resistance": Dimension("a resistance", "ohm", "1 Mohm", 1e-9, 1e18),
    "capacitance": Dimension("a capacitance", "F", "10 fF", 1e-24, 1e6),
    "magnetic_field": Dimension("a magnetic field", "T", "0.3 T", 1e-15, 1e6),
    "temperature": Dimension("a temperature", "K", "300 K", 1e-12, 1e6),
    "temperature_difference": Dimension("a temperature difference", "K", "5 mK", 1e-12, 1e6),
    "angle": Dimension("an angle", "rad", "0.02 rad", 1e-15, 1e6),
    "fraction": Dimension("a fraction", "", "5 %", 1e-24, 1e6),
    "rate": Dimension("a rate", "1/s", "1 %/us", 1e-18, 1e18),
    "responsivity": Dimension("a responsivity", "A/W", "1.0 A/W", 1e-12, 1e6),
    "current_noise": Dimension("a current noise density", "A/Hz^0.5", "6.4 pA/Hz^0.5", 1e-24, 1e3),
    "voltage_noise": Dimension("a voltage noise density", "V/Hz^0.5", "5 nV/Hz^0.5", 1e-24, 1e3),
    "voltage_per_power": Dimension("a sensitivity", "V/W", "200 V/W", 1e-12, 1e9),
    "length_per_power": Dimension("a tuning efficiency", "m/W", "0.25 nm/mW", 1e-18, 1e6),
    "length_per_temperature": Dimension("a thermal shift", "m/K", "0.075 nm/K", 1e-18, 1e6),
    "length_per_voltage": Dimension("a voltage tuning", "m/V", "30 pm/V", 1e-18, 1e6),
    "per_temperature": Dimension("a temperature coefficient", "1/K", "-0.15 %/K", 1e-18, 1e6),
    "ratio_db": Dimension("a ratio in decibels", "dB", "1.5 dB", 1e-12, 1e3),
    "loss_per_length_db": Dimension("a loss per length", "dB/m", "2 dB/cm", 1e-12, 1e6),
    "noise_dbc": Dimension("a relative intensity noise", "dB/Hz", "-150 dB/Hz", 1e-12, 1e3),
}

#: Dimensions whose units are all listed here, and what one unit is worth in the dimension's own.
_TABLES: dict[str, dict[str, float]] = {
    "ratio_db": {"dB": 1.0},
    "loss_per_length_db": {"dB/m": 1.0, "dB/cm": 100.0, "dB/mm": 1000.0, "dB/km": 1e-3},
    "noise_dbc": {"dB/Hz": 1.0, "dBc/Hz": 1.0},
    "fraction": {"": 1.0, "%": 1e-2, "ppm": 1e-6},
    "angle": {
        "rad": 1.0, "mrad": 1e-3, "urad": 1e-6, "µrad": 1e-6, "μrad": 1e-6,
        "deg": math.pi / 180, "°": math.pi / 180,
    },
}  # fmt: skip

#: Dimensions in which a percent sign has a meaning.
RELATIVE = ("fraction", "rate", "per_temperature")

_PREFIXES = {
    -18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T",
}  # fmt: skip
#: Dimensions whose SI unit takes no prefix: powers, pure numbers, and units that begin with 1.
_UNPREFIXED = ("area", "fraction", "rate", "per_temperature", *_TABLES)

#: 0 degrees Celsius [K].
_CELSIUS = 273.15


class UnitError(ValueError):
    """Reason why a text is not a physical value of the expected dimension."""


def unit_names(dimension: str) -> tuple[str, ...]:
    """Return every unit of a dimension that has a list of them; none of the others."""
    return tuple(_TABLES.get(dimension, ()))


def power_ratio(db: float) -> float:
    """Return the power ratio of a level difference `db` [dB]."""
    return float(10.0 ** (db / 10.0))


def level_db(ratio: float) -> float:
    """Return the level difference [dB] of a power ratio."""
    return 10.0 * math.log10(ratio)


def amplitude_ratio(db: float) -> float:
    """Return the field-amplitude ratio of a level difference `db` [dB]."""
    return float(10.0 ** (db / 20.0))


def to_fs(seconds: float) -> int:
    """Return a duration [s] as whole femtoseconds, rounded to the nearest."""
    return round(seconds * FEMTOSECONDS_PER_SECOND)


def from_fs(femtoseconds: int) -> float:
    """Return whole femtoseconds as seconds."""
    return femtoseconds / FEMTOSECONDS_PER_SECOND


def show(text: str) -> str:
    """Return text in quotes, on one line and not too long, for a message."""
    plain = text if text.isprintable() else ascii(text)[1:-1]
    return f"'{plain}'" if len(plain) <= MAX_LENGTH else f"'{plain[: MAX_LENGTH - 20]}…'"


def show_path(path: str) -> str:
    """Return a path on one line for a message; of a long one the end, by which files differ."""
    plain = path if path.isprintable() else ascii(path)[1:-1]
    return plain if len(plain) <= _MAX_PATH else f"…{plain[-_MAX_PATH:]}"


def parse_quantity(text: str, dimension: str, example: str = "") -> float:
    """Return the SI value of a text such as `12.5 ps`.

    A prefix is applied to the digits, not to the float: `0.3 ps` is exactly the float `0.3e-12`.

    Args:
        text: A number, then its unit.
        dimension: Key of `DIMENSIONS`.
        example: What a message gives as right; the dimension's own where not given.

    Returns:
        The value in the dimension's SI unit (decibel kinds: in their own unit).

    Raises:
        UnitError: If the number or the unit cannot be read, the unit is missing, or it measures
            something else.
    """
    expected = DIMENSIONS[dimension]
    wanted = f"expected {expected.name} such as '{example or expected.example}'"
    if len(text) > MAX_LENGTH:
        raise UnitError(f"{show(text)} is too long for a value; {wanted}")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise UnitError(f"{show(text)} does not start with a number; {wanted}")
    digits, exponent, unit = match[1], int(match[2] or 0), match[3].strip()
    if unit.startswith(","):
        raise UnitError(f"{show(text)} has a decimal comma; {wanted}, with a decimal point")
    if unit.startswith("_"):
        raise UnitError(f"{show(text)} has an underscore in its number; {wanted}")
    if not unit and expected.si:
        raise UnitError(f"{show(text)} has no unit; {wanted}")
    if unit == "dBm" and dimension == "power":
        value = _milliwatts(float(f"{digits}e{exponent}")) * 1e-3
    else:
        value = _worth(unit, dimension, text, wanted).value(digits, exponent)
    if not math.isfinite(value):
        raise UnitError(f"{show(text)} is not a finite number; {wanted}")
    return value


def read_quantity(text: str, dimension: str, example: str = "") -> float:
    """Return the SI value of a text, as `parse_quantity`, if its magnitude is supported.

    Args:
        text: A number, then its unit.
        dimension: Key of `DIMENSIONS`.
        example: As for `parse_quantity`.

    Raises:
        UnitError: As `parse_quantity`, or if the magnitude is beyond what is supported.
    """
    value, allowed = parse_quantity(text, dimension, example), DIMENSIONS[dimension]
    if value and not allowed.least <= abs(value) <= allowed.most:
        low, high = (readable_quantity(end, dimension) for end in (allowed.least, allowed.most))
        raise UnitError(f"{show(text)} is out of range; expected a magnitude from {low} to {high}")
    return value


def format_quantity(value: float, dimension: str) -> str:
    """Return text that `parse_quantity` reads back as exactly this value.

    Seventeen digits keep every float, and a prefix moves the decimal point of the text only.

    Args:
        value: The value, SI.
        dimension: Key of `DIMENSIONS`.
    """
    return readable_quantity(value, dimension, digits=17)


def readable_quantity(value: float, dimension: str, digits: int = 6) -> str:
    """Return a value as people write it, such as `12.5 ps`.

    Args:
        value: In the dimension's SI unit.
        dimension: Key of `DIMENSIONS`.
        digits: Significant digits at most; from 17 on, as many as keep the float.
    """
    si = DIMENSIONS[dimension].si
    power = 0
    if value and dimension not in _UNPREFIXED:
        power = min(12, max(-18, 3 * math.floor(math.log10(abs(value)) / 3)))
        # A value just below 1000 may round to 1000 of its prefix.
        if power < 12 and float(f"{abs(value):.{digits}g}") >= float(f"1e{power + 3}"):
            power += 3
    number = _shifted(value, power, digits)
    unit = _PREFIXES[power] + si
    return f"{number} {unit}" if unit else number


def _shifted(value: float, power: int, digits: int) -> str:
    """Return value / 10^power in the fewest digits that keep it, without scientific notation."""
    from decimal import Decimal

    shortest = Decimal(repr(value)) if digits >= 17 else Decimal(f"{value:.{digits}g}")
    scaled = shortest.scaleb(-power)
    if scaled and not -7 < scaled.adjusted() < 16:
        return str(scaled.normalize()).lower()
    plain = f"{scaled:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _milliwatts(level: float) -> float:
    """Return the power [mW] of a level [dBm]; infinite where no float is as large."""
    return math.inf if level > _MOST_DB else power_ratio(level)


def _worth(unit: str, dimension: str, text: str, wanted: str) -> Unit:
    """Return what `unit` is worth in the unit of a dimension."""
    table = _TABLES.get(dimension)
    if table is not None:
        if unit not in table:
            raise UnitError(f"unit {show(unit)} in {show(text)} does not fit; {wanted}")
        return _decimal(table[unit])
    if unit in ("degC", "°C"):
        if dimension != "temperature":  # not even a difference, which would be 273 K too large
            raise UnitError(f"unit {show(unit)} in {show(text)} measures something else; {wanted}")
        return Unit(offset=_CELSIUS)
    if "dB" in unit:
        raise UnitError(f"{show(text)} is in decibels; {wanted}")
    if _SAMPLE_RATE.search(unit):
        raise UnitError(f"unit {show(unit)} in {show(text)} is a sample rate; {wanted}")
    measured = measure(unit)
    if measured is None:
        raise UnitError(f"unknown unit {show(unit)} in {show(text)}; {wanted}")
    if not _measures(unit, dimension):
        raise UnitError(f"unit {show(unit)} in {show(text)} measures something else; {wanted}")
    return measured


@lru_cache(1024)
def _measures(unit: str, dimension: str) -> bool:
    """Return whether a unit that can be read is one of a dimension."""
    found, reference = measure(unit), measure(DIMENSIONS[dimension].si)
    if found is None or reference is None or found.exponents != reference.exponents:
        return False
    return dimension in RELATIVE or not any(name in unit for name in PARTS)


def _decimal(factor: float) -> Unit:
    """Return a factor, a power of ten as such: it then moves the decimal point of the text only."""
    power = round(math.log10(factor))
    return Unit(power=power) if float(f"1e{power}") == factor else Unit(factor)
