"""Say as regular expressions which texts are physical values, for editors and JSON Schema.

A pattern accepts a number with a unit of the right dimension in its usual forms: `12.5 ps`,
`0.25 nm/mW`, `6.4 pA/sqrt(Hz)`. Products with `*` pass whatever they measure; what a text is worth,
and whether it is too large, is decided by `pnnsim.common.units` alone.
"""

from __future__ import annotations

import re
from functools import cache

from pnnsim.common.symbols import PARTS, like, prefixes
from pnnsim.common.units import DIMENSIONS, RELATIVE, unit_names

#: A number as YAML and pnnsim read it.
NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"

_PRODUCT = r"[^\s*]+\*[^\s*]+"


@cache
def quantity_pattern(dimension: str) -> str:
    """Return the pattern of a physical value.

    Args:
        dimension: Key of `pnnsim.common.units.DIMENSIONS`.
    """
    return rf"^\s*{NUMBER}\s*({unit_pattern(dimension)})\s*$"


@cache
def unit_pattern(dimension: str) -> str:
    """Return the pattern of a dimension's units, without groups that are named.

    Args:
        dimension: Key of `pnnsim.common.units.DIMENSIONS`.
    """
    listed = unit_names(dimension)
    if listed:
        return "|".join(re.escape(name) for name in listed)
    top, *bottom = DIMENSIONS[dimension].si.split("/")
    divided = "".join(f"/{_factor(name)}" for name in bottom)
    forms = [_factor(top) + divided if top != "1" else f"1{divided}", _PRODUCT]
    if dimension in RELATIVE:
        forms.append(f"({'|'.join(PARTS)}){divided}")
    if dimension in ("frequency", "rate"):
        forms += [_factor("Hz"), f"1/{_factor('s')}"]
    if dimension == "power":
        forms.append("dBm")
    if dimension == "temperature":
        forms += ["degC", "°C"]
    return "|".join(dict.fromkeys(forms))


def _factor(text: str) -> str:
    """Return the pattern of one factor of a unit, such as `Hz^0.5`, with any prefix."""
    name, _, power = text.partition("^")
    prefix = f"({'|'.join(prefixes())})?"
    names = [f"{prefix if prefixed else ''}{re.escape(symbol)}" for symbol, prefixed in like(name)]
    symbols = f"({'|'.join(names)})"
    if not power:
        return symbols
    raised = rf"{symbols}(\^|\*\*){re.escape(power)}"
    return rf"({raised}|sqrt\({symbols}\))" if power == "0.5" else raised
