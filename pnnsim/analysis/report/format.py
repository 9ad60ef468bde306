"""Turn numbers into the text that people read: engineering units, shares, exact times.

Every number of every report passes through here, so that the table, the page and the picture agree
to the last digit. No metric is named here.
"""

from __future__ import annotations

import math
from decimal import Decimal

#: What stands where a figure does not exist.
MISSING = "n/a"

_PREFIXES = {
    -24: "y", -21: "z", -18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m",
    0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E",
}  # fmt: skip

_TIME_UNITS = ((15, "s"), (12, "ms"), (9, "µs"), (6, "ns"), (3, "ps"), (0, "fs"))


def engineering(value: float | None, unit: str, digits: int = 4) -> str:
    """Return a value with an SI prefix, such as `119.5 ns`.

    Args:
        value: Value in `unit`; None or not finite where there is none.
        unit: Unit that takes a prefix: `s`, `J`, `W`, `/s`; empty for a pure number.
        digits: Significant digits, at least 3; trailing zeros are left out.

    Returns:
        Number, space, prefix and unit. A value rounds before its prefix is chosen, so 999.96 ns is
        `1 µs` at four digits.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return f"0 {unit}".rstrip()
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    group = 3 * (int(power) // 3)
    if group not in _PREFIXES:
        return f"{value:.{digits}g} {unit}".rstrip()
    number = f"{float(mantissa) * 10 ** (int(power) - group):.{digits}g}"
    return f"{number} {_PREFIXES[group]}{unit}".rstrip()


def exact_time(femtoseconds: int) -> str:
    """Return a time with all its digits, such as `119.531512 ns`.

    Args:
        femtoseconds: Whole femtoseconds [fs].
    """
    for power, unit in _TIME_UNITS:
        if abs(femtoseconds) >= 10**power:
            number = Decimal(femtoseconds).scaleb(-power)
            return f"{_plain(number)} {unit}"
    return "0 s"


def percent(share: float | None, digits: int = 2) -> str:
    """Return a share in percent; a little reads `<0.01 %`, all but a little `>99.99 %`.

    Args:
        share: Part of the whole, 1 for all of it; None where there is none.
        digits: Digits behind the point.
    """
    if share is None or not math.isfinite(share):
        return MISSING
    least = 10.0**-digits
    if 0 < 100 * share < least / 2:
        return f"<{least:.{digits}f} %"
    if 0 < 100 * (1 - share) < least / 2:
        return f">{100 - least:.{digits}f} %"
    return f"{100 * share:.{digits}f} %"


def mean_std(mean: float | None, std: float | None, digits: int = 2) -> str:
    """Return `96.94 ± 0.42 %` for two shares; without a deviation only the mean.

    Args:
        mean: Mean of the shares; None where there is none.
        std: Standard deviation of the shares, likewise.
        digits: Digits behind the point.
    """
    if mean is None or std is None:
        return percent(mean, digits)
    return f"{100 * mean:.{digits}f} ± {100 * std:.{digits}f} %"


def count(number: float) -> str:
    """Return a count with its thousands apart; a mean that is not whole keeps three digits."""
    if float(number).is_integer():
        return f"{int(number):,}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def plural(number: int, noun: str) -> str:
    """Return `1 chip`, `3 chips`.

    Args:
        number: How many there are.
        noun: What one of them is called.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _plain(number: Decimal) -> str:
    """Return a decimal without exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
