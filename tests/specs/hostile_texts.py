"""Texts and data that stand where a value should, and units written down a second time."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Callable
from typing import Any

#: Units by dimension, and what one is worth in SI.
UNITS: dict[str, dict[str, float]] = {
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15},
    "frequency": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9, "THz": 1e12},
    "length": {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "pm": 1e-12},
    "area": {"m^2": 1.0, "mm^2": 1e-6, "um^2": 1e-12},
    "power": {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "nW": 1e-9, "pW": 1e-12},
    "energy": {"J": 1.0, "nJ": 1e-9, "pJ": 1e-12, "fJ": 1e-15, "aJ": 1e-18},
    "voltage": {"V": 1.0, "mV": 1e-3, "uV": 1e-6},
    "current": {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "pA": 1e-12},
    "charge": {"C": 1.0, "pC": 1e-12, "fC": 1e-15},
    "resistance": {"ohm": 1.0, "kohm": 1e3, "Mohm": 1e6},
    "capacitance": {"F": 1.0, "pF": 1e-12, "fF": 1e-15},
    "magnetic_field": {"T": 1.0, "mT": 1e-3},
    "temperature": {"K": 1.0, "mK": 1e-3},
    "temperature_difference": {"K": 1.0, "mK": 1e-3},
    "angle": {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180},
    "fraction": {"": 1.0, "%": 1e-2, "ppm": 1e-6},
    "rate": {"1/s": 1.0, "%/us": 1e4},
    "responsivity": {"A/W": 1.0},
    "ratio_db": {"dB": 1.0},
    "loss_per_length_db": {"dB/m": 1.0, "dB/cm": 100.0},
    "noise_dbc": {"dB/Hz": 1.0, "dBc/Hz": 1.0},
}

#: Dimensions that differ in what is meant and not in their units.
_ALIKE = ({"frequency", "rate"}, {"temperature", "temperature_difference"})

#: Units of no dimension above, and of one way to write one alone.
_OTHERS = {"furlong": (), "S/s": (), "dBm": ("power",), "degC": ("temperature",), "GS/s": ()}


def wrong_units(dimension: str) -> list[str]:
    """Return units that do not measure a dimension."""
    alike = next((group for group in _ALIKE if dimension in group), {dimension})
    right = {unit for name in alike for unit in UNITS.get(name, {})}
    every = [unit for units in UNITS.values() for unit in units if unit not in right]
    return [*every, *(unit for unit, fits in _OTHERS.items() if dimension not in fits)]


def _any_of(*items: Any) -> Callable[[random.Random], Any]:
    return lambda draw: draw.choice(items)


def _letters(draw: random.Random) -> str:
    return "".join(chr(draw.choice((draw.randrange(32, 127), draw.randrange(1, 0x3000))))
                   for _ in range(draw.randrange(1, 12)))  # fmt: skip


#: Texts that are the value of no numeric field with any unit.
NEVER_A_NUMBER: tuple[Callable[[random.Random], str], ...] = (
    _any_of("nan", "NaN", ".nan", "inf", "-inf", "1e999 s", "nan ns", "inf GHz", "-1e400"),
    _any_of("12,5 ps", "1_000", "0x10", "1e5e5", "1..2 ns", "--1", "+-3 V", "1 e", "e5 s", "."),
    _any_of("½ W", "٣ ns", "１ GHz", "1\u00a0000 s", "①", "1\u066b5", "−5 V", "²"),
    _any_of("1 GHz GHz", "5 m/m/m/m/m", "3 s^s", "7 (W)", "2 W/", "9 /W", "4 W^", "W", "3 W 3"),
    _any_of("true", "yes", "many", "ten", "1 or 2", "auto", "n/a", "?", "[", "{}", "1 # 2"),
    lambda draw: "9" * draw.choice((81, 400, 5000)),
    lambda draw: "1" + " " * draw.choice((90, 3000)) + "ns",
    lambda draw: "\x1b[31m" + _letters(draw),
)

#: Texts that stand where anything else should.
TYPED: tuple[Callable[[random.Random], str], ...] = (
    *NEVER_A_NUMBER,
    _letters,
    _any_of("", " ", "~", "null", "\u2028", "\ud800", "\x00", "\x7f", "a" * 5000,
            "\U0001f4a9" * 60),
)  # fmt: skip

#: Data that stand where anything else should.
HOSTILE: tuple[Callable[[random.Random], Any], ...] = (
    *TYPED,
    _any_of(0, 1, -1, 2**63, -(2**63) - 1, 10**30, 10**400, 10**5000, True, False, None),
    _any_of(0.0, -0.0, 1e308, 5e-324, math.nan, math.inf, -math.inf),
    _any_of([], {}, [[]], [{}], {"value": []}, {"value": None}, {"": ""}, [None], ["1", ["2"]]),
    _any_of({"value": "1 ns", "range": ["1 ns"]}, {"range": ["1", "2"]}, {"law": "dac"},
            {"law": {}}, {"law": ["dac"]}, {"source": "x"}, {"value": {"value": {"value": "1"}}}),
    _any_of({1: 2}, {None: 3}, {("a",): 1}, b"bytes", {1, 2}, object(), (1, 2),
            datetime.date(2020, 1, 1), range(3), 1j, print),
    _any_of("1", "2", "0", "-1", "3.5", "1 ns", "1 GHz", "5 %", "1 mW", "64", "2000000", "1e18"),
)  # fmt: skip
