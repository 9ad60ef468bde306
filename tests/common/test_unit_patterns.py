"""A pattern accepts what the reader of units accepts, for every unit in its usual forms."""

from __future__ import annotations

import re
from itertools import product

import pytest

from pnnsim.common.symbols import PARTS, measure, prefixes
from pnnsim.common.unit_patterns import quantity_pattern
from pnnsim.common.units import DIMENSIONS, UnitError, parse_quantity, unit_names

SYMBOLS = (
    "m", "s", "A", "K", "rad", "bit", "Hz", "J", "W", "C", "V", "ohm", "S", "F", "T", "Ω",
    "\u2126", "eV", "G", "min", "h", "d", "deg", "°", "dB", "dBm", "degC", "°C", "x", "Sa/s",
)  # fmt: skip
SINGLE = [prefix + symbol for prefix, symbol in product(("", *prefixes(), "q"), SYMBOLS)]
ROOTS = ["Hz^0.5", "kHz**0.5", "sqrt(MHz)", "sqrt(s)", "Hz^0.4"]
UNITS = [
    "", *PARTS, *SINGLE, *(f"1/{unit}" for unit in SINGLE), *(f"%/{unit}" for unit in SINGLE),
    *(f"{top}/{below}" for top, below in product(("nm", "pA", "uV", "A", "K"), (*SINGLE, *ROOTS))),
    *(f"{unit}^2" for unit in SINGLE), *(f"{unit}**2" for unit in SINGLE), "m^3", "m/s/s",
    *(name for dimension in DIMENSIONS for name in unit_names(dimension)),
]  # fmt: skip


def accepts(text: str, dimension: str) -> bool:
    """Return whether the reader of units takes a text."""
    try:
        parse_quantity(text, dimension)
    except UnitError:
        return False
    return True


def usual(unit: str, dimension: str) -> bool:
    """Return whether a unit is written as the dimension's own: `A/W` for itself, but not `1/V`."""
    top, own = unit.partition("/"), DIMENSIONS[dimension].si.partition("/")
    if not top[1]:
        return True
    if not own[1]:
        return False
    if own[0] == "1":
        return top[0] in ("1", *PARTS)
    measured, wanted = measure(top[0]), measure(own[0])
    return None not in (measured, wanted) and measured.exponents == wanted.exponents  # type: ignore[union-attr]


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_units_fit_where_they_are_read(dimension: str) -> None:
    pattern = re.compile(quantity_pattern(dimension))
    taken = {unit for unit in UNITS if pattern.search(f"1.5 {unit}")}
    read = {unit for unit in UNITS if accepts(f"1.5 {unit}", dimension)}
    assert taken - read == set()
    assert {unit for unit in read - taken if usual(unit, dimension)} == set()
    assert taken


@pytest.mark.parametrize(
    "number", ["1", "-1.5", "+.5", "1e6", "1.E-3", "1,5", "1_000", "0x10", ".", "", "--1", "1e"]
)
def test_numbers_fit_where_they_are_read(number: str) -> None:
    text = f"{number} ps"
    assert bool(re.search(quantity_pattern("time"), text)) == accepts(text, "time")
