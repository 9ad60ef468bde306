"""Put into words what a field expects: its bounds, its choices, and an example that it accepts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal, get_args, get_origin

from pnnsim.common.forms import Form
from pnnsim.common.units import DIMENSIONS, parse_quantity, readable_quantity, show

_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def expectation(forms: Iterable[Form]) -> str:
    """Return what a field expects, in words."""
    return " or ".join(expected(form) for form in forms)


def bounds_text(form: Form) -> str:
    """Return a field's bounds, such as `more than 0 nm and at most 1 mm`; empty for none."""
    return " and ".join(
        f"{_BOUNDS[name]} {readable(form.bounds[name], form)}"
        for name in _BOUNDS
        if name in form.bounds
    )


def expected(form: Form) -> str:
    """Return what one way of writing a field expects, in words."""
    if form.dimension is not None:
        return f"{DIMENSIONS[form.dimension].name} such as '{example(form)}'"
    if get_origin(form.type) is Literal:
        return " or ".join(f"'{choice}'" for choice in get_args(form.type))
    if get_origin(form.type) in (tuple, list):
        return "a list"
    if get_origin(form.type) is Mapping:
        return "sections by name"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names.get(form.type, "a value")


def within(value: float, form: Form) -> bool:
    """Return whether a number is within the bounds of its field.

    Args:
        value: The number, SI.
        form: Field with its bounds.
    """
    bounds = form.bounds
    return (
        value > bounds.get("gt", -math.inf)
        and value >= bounds.get("ge", -math.inf)
        and value < bounds.get("lt", math.inf)
        and value <= bounds.get("le", math.inf)
    )


def example(form: Form) -> str:
    """Return a text that a field of a physical value accepts, the dimension's own if it can be."""
    assert form.dimension is not None, "only physical values have examples"
    usual = DIMENSIONS[form.dimension].example
    value = parse_quantity(usual, form.dimension)
    if within(value, form):
        return usual
    steps = [value * 10.0**power for size in range(1, 16) for power in (-size, size)]
    ends = [end for end in form.bounds.values() if math.isfinite(end)]
    middle = math.fsum(ends) / max(len(ends), 1)
    for other in (*steps, *(-step for step in (value, *steps)), middle, *ends):
        text = readable_quantity(other, form.dimension)
        if within(parse_quantity(text, form.dimension), form):
            return text
    return usual


def readable(value: float, form: Form) -> str:
    """Return a number as it is written in a description.

    Args:
        value: The number, SI.
        form: Field that it is for.
    """
    if form.dimension is not None:
        return readable_quantity(value, form.dimension)
    return f"{value:g}" if form.type is not int else str(int(value))


def out_of_range(text: str, form: Form) -> str:
    """Return the message for a number beyond the bounds of its field.

    Args:
        text: The number, as it was typed.
        form: How the field is written.
    """
    return f"{show(text)[1:-1]} is out of range; expected {bounds_text(form)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known name; empty where none is close.

    Args:
        name: Name that was typed.
        known: Names that there are.
    """
    close = get_close_matches(name[:60].lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""
