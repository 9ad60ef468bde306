"""Evaluate products of unit symbols: `pA/Hz^0.5`, `pA/sqrt(Hz)`, `1/s`, `%/us`.

Each symbol stands in a table here, with a decimal prefix where it takes one. Angles and bits count
as base units, so that `1 rad/s` is no frequency and `1 fJ/bit` no energy.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_POWER = r"(?:\^|\*\*)(-?[0-9](?:\.[0-9]{1,3})?)"
_LETTERS = r"A-Za-zµμΩ\u2126"
_FACTOR = re.compile(rf"([*/]|1/|)(?:sqrt\(([{_LETTERS}]+)\)|([{_LETTERS}°%]+)(?:{_POWER})?)")

#: Exponents of metre, kilogram, second, ampere, kelvin, radian and bit.
Exponents = tuple[Fraction, ...]

#: Symbol → exponents of m, kg, s, A, K, rad, bit. These take a prefix.
_COHERENT: dict[str, tuple[int, ...]] = {
    "m": (1, 0, 0, 0, 0, 0, 0),
    "s": (0, 0, 1, 0, 0, 0, 0),
    "A": (0, 0, 0, 1, 0, 0, 0),
    "K": (0, 0, 0, 0, 1, 0, 0),
    "rad": (0, 0, 0, 0, 0, 1, 0),
    "bit": (0, 0, 0, 0, 0, 0, 1),
    "Hz": (0, 0, -1, 0, 0, 0, 0),
    "J": (2, 1, -2, 0, 0, 0, 0),
    "W": (2, 1, -3, 0, 0, 0, 0),
    "C": (0, 0, 1, 1, 0, 0, 0),
    "V": (2, 1, -3, -1, 0, 0, 0),
    "ohm": (2, 1, -3, -2, 0, 0, 0),
    "S": (-2, -1, 3, 2, 0, 0, 0),
    "F": (-2, -1, 4, 2, 0, 0, 0),
    "T": (0, 1, -2, -1, 0, 0, 0),
}

#: Other symbols → what one is worth in a symbol above, and whether it takes a prefix. The electron
#: volt is exact in the SI of 2019.
_OTHERS: dict[str, tuple[float, str, bool]] = {
    "Ω": (1.0, "ohm", True),
    "\u2126": (1.0, "ohm", True),  # the ohm sign, which looks the same
    "eV": (1.602176634e-19, "J", True),
    "G": (1e-4, "T", True),
    "min": (60.0, "s", False),
    "h": (3600.0, "s", False),
    "d": (86400.0, "s", False),
    "deg": (math.pi / 180, "rad", False),
    "°": (math.pi / 180, "rad", False),
}

#: Parts of one, which have no dimension.
PARTS = {"%": -2, "ppm": -6}

#: Powers of ten of the prefixes that are read; micro has three letters.
_PREFIXES = {
    "": 0, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21,
    "c": -2, "k": 3, "M": 6, "G": 9, "T": 12,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number before a unit is worth: `factor * 10^power * number + offset`, in SI.

    Args:
        factor: Factor that is not a power of ten.
        power: Power of ten.
        exponents: Of the base units.
        offset: Value at 0, in a scale with a zero of its own.
    """

    factor: float = 1.0
    power: int = 0
    exponents: Exponents = ()
    offset: float = 0.0

    def value(self, digits: str, exponent: int) -> float:
        """Return the value of digits and a power of ten; infinite where it is too large.

        Args:
            digits: Number as it was typed.
            exponent: Power of ten beside it.
        """
        return self.factor * float(f"{digits}e{exponent + self.power}") + self.offset


def prefixes() -> tuple[str, ...]:
    """Return the decimal prefixes that symbols take."""
    return tuple(name for name in _PREFIXES if name)


def like(name: str) -> tuple[tuple[str, bool], ...]:
    """Return the symbols that measure what another one does, and whether each takes a prefix.

    Args:
        name: Symbol without a prefix, such as `ohm`.
    """
    wanted = _COHERENT[name]
    same = [(symbol, True) for symbol, exponents in _COHERENT.items() if exponents == wanted]
    others = [
        (symbol, prefixed)
        for symbol, (_, base, prefixed) in _OTHERS.items()
        if _COHERENT[base] == wanted
    ]
    return (*same, *others)


@lru_cache(1024)
def measure(unit: str) -> Unit | None:
    """Return what a product of units is worth in SI, or None where a symbol is unknown."""
    factor, tens, place = 1.0, Fraction(0), 0
    exponents: Exponents = (Fraction(0),) * 7
    while place < len(unit):
        match = _FACTOR.match(unit, place)
        # A factor stands behind a sign, the first one behind none or `1/`.
        if match is None or (match[1] in ("*", "/")) == (place == 0):
            return None
        symbol = _symbol(match[2] or match[3])
        if symbol is None:
            return None
        times = Fraction(1, 2) if match[2] else Fraction(match[4] or 1)
        times = -times if "/" in match[1] else times
        factor *= symbol.factor ** float(times)
        tens += symbol.power * times
        pairs = zip(exponents, symbol.exponents, strict=True)
        exponents = tuple(total + times * one for total, one in pairs)
        place = match.end()
    if tens.denominator > 1:
        factor, tens = factor * 10.0 ** float(tens), Fraction(0)
    # Absurd powers leave the range of floats.
    return Unit(factor, int(tens), exponents) if 0.0 < factor < math.inf else None


def _symbol(name: str) -> Unit | None:
    """Return what a symbol, with its prefix if it has one, is worth in SI."""
    if name in PARTS:
        return Unit(power=PARTS[name], exponents=(Fraction(0),) * 7)
    for prefix, power in _PREFIXES.items():
        bare = name.removeprefix(prefix)
        if not name.startswith(prefix) or not bare:
            continue
        factor, base, takes_prefix = _OTHERS.get(bare, (1.0, bare, True))
        if base in _COHERENT and (takes_prefix or not prefix):
            return Unit(factor, power, tuple(map(Fraction, _COHERENT[base])))
    return None
