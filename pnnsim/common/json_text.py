"""Read JSON texts of bounded depth, and compare what they hold.

Which keys and values a text may have is for its owner to check.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from pnnsim.common.units import show

#: Digits of an integer.
_MAX_DIGITS = 64

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class FormatError(ValueError):
    """Fault of bytes or of a text, as `got ...; expected ...`."""


def parse_json(text: str, depth: int) -> Any:
    """Return the content of a JSON text, whose numbers are all finite and whose keys are distinct.

    Args:
        text: The text.
        depth: Levels of lists and objects within each other that are accepted.

    Raises:
        FormatError: If it is something else.
    """
    level = 0
    for bracket in _BRACKET.finditer(_STRING.sub('""', text)):
        level += 1 if bracket[0] in "[{" else -1
        if level > depth:
            raise FormatError(f"got JSON of more than {depth} levels; expected at most {depth}")
    try:
        return json.loads(
            text,
            object_pairs_hook=_distinct,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except json.JSONDecodeError as error:
        raise FormatError(
            f"got no JSON text ({error.msg}, character {error.pos}); expected one"
        ) from None


def canonical(data: Any) -> str:
    """Return plain data as a text that is the same for the same data alone."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def difference(where: str, found: Any, wanted: Any) -> str:
    """Return where plain data is other than it should be, and how; an empty text for nowhere.

    Types are compared, too: true and 1.0 equal 1.

    Args:
        where: Name of the whole.
        found: Plain data, of bounded depth.
        wanted: What is expected.
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted(found.keys() | wanted.keys()):
            if (key in found) != (key in wanted):
                is_there, is_wanted = ("nothing", "it") if key in wanted else ("it", "nothing")
                return f"{show(f'{where}.{key}')}: got {is_there}; expected {is_wanted}"
            below = difference(f"{where}.{key}", found[key], wanted[key])
            if below:
                return below
        return ""
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = enumerate(zip(found, wanted, strict=True))
        return next(filter(None, (difference(f"{where}.{n}", a, b) for n, (a, b) in pairs)), "")
    if type(found) is not type(wanted) or found != wanted:
        got, expected = show(canonical(found)), show(canonical(wanted))
        return f"{show(where)}: got {got}; expected {expected}"
    return ""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, whose keys may not be repeated."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FormatError(f"got the key {show(_repeated(key for key, _ in pairs))} twice")
    return found


def _repeated(keys: Iterator[str]) -> str:
    seen: set[str] = set()
    return next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise FormatError(f"got an integer of {len(text)} digits; expected at most {_MAX_DIGITS}")
    return int(text)


def _finite(text: str) -> float:
    """Return a number of JSON; also `Infinity`, `NaN` and `1e999` come here."""
    number = float(text)
    if not math.isfinite(number):
        raise FormatError(f"got the number {show(text)}; expected finite numbers")
    return number
