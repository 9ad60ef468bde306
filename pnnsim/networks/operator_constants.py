"""Constants of an operator: which it has, of what type, and within what bounds.

A constant is data, so that a workload can be a file. What an operator does is not decided here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pnnsim.errors import WorkloadError
from pnnsim.networks.parts import Constant

Kind = Literal["int", "float", "bool", "text", "ints", "pair"]

#: Greatest number of an index, a size or a step.
MOST = 2**40


@dataclass(frozen=True, slots=True)
class Setting:
    """One constant of an operator.

    Args:
        kind: Type; `pair` is two integers, (vertical, horizontal), `ints` any number of them.
        default: Value where it is not given; None where it has to be.
        least: Least value of a number, or of each of several.
        choices: Texts that are known; empty for no texts.
    """

    kind: Kind
    default: Constant | None = None
    least: float = -math.inf
    choices: tuple[str, ...] = ()

    def read(self, name: str, value: Constant) -> Constant:
        """Return a value in the type of the setting.

        Args:
            name: Name, for the message.
            value: What was given.

        Raises:
            WorkloadError: If it is of another type or out of bounds.
        """
        if self._fits(value):
            return float(cast(float, value)) if self.kind == "float" else value
        expected = {
            "int": "a whole number",
            "float": "a finite number",
            "bool": "true or false",
            "text": f"one of {', '.join(self.choices)}",
            "ints": "whole numbers",
            "pair": "two whole numbers, (vertical, horizontal)",
        }[self.kind]
        bound = f" of at least {self.least:g}" if math.isfinite(self.least) else ""
        raise WorkloadError(f"{name} is {shown(value)}; expected {expected}{bound}")

    def _fits(self, value: object) -> bool:
        """Return whether a value has the type and lies within the bounds."""
        if self.kind == "bool":
            return isinstance(value, bool)
        if self.kind == "text":
            return isinstance(value, str) and value in self.choices
        if self.kind == "float":
            return is_number(value) and cast(float, value) >= self.least
        if self.kind == "int":
            return is_whole(value) and self._bounded(value)
        several = isinstance(value, tuple) and all(is_whole(entry) for entry in value)
        if not several or (self.kind == "pair" and len(cast(tuple[int, ...], value)) != 2):
            return False
        return all(self._bounded(entry) for entry in cast(tuple[int, ...], value))

    def _bounded(self, value: object) -> bool:
        """Return whether a number lies within the bounds."""
        return self.least <= cast(float, value) <= MOST


class Settings:
    """Constants of one step, those that were left out included.

    Args:
        known: Constants of the operator.
        given: Constants of the step, sorted by name.

    Raises:
        WorkloadError: If one is unknown, missing, out of order or out of bounds.
    """

    __slots__ = ("_known", "_values")

    def __init__(
        self, known: Mapping[str, Setting], given: Iterable[tuple[str, Constant]] = ()
    ) -> None:
        given = tuple(given)
        names = [name for name, _ in given]
        if names != sorted(set(names)):
            raise WorkloadError(f"constants are {shown(names)}; expected each once, sorted by name")
        for name in names:
            if name not in known:
                expected = ", ".join(sorted(known)) or "no constants"
                raise WorkloadError(f"unknown constant {shown(name)}; expected {expected}")
        values = dict(given)
        self._known = known
        self._values: dict[str, Constant] = {}
        for name, setting in known.items():
            value = values.get(name, setting.default)
            if value is None:
                raise WorkloadError(f"constant {name} is missing; expected {setting.kind}")
            self._values[name] = setting.read(name, value)

    def canonical(self) -> tuple[tuple[str, Constant], ...]:
        """Return the constants that differ from their default, sorted by name."""
        return tuple(
            (name, value)
            for name, value in sorted(self._values.items())
            if value != self._known[name].default
        )

    def has(self, name: str) -> bool:
        """Return whether the operator has a setting of this name."""
        return name in self._values

    def whole(self, name: str) -> int:
        """Return a whole number."""
        return cast(int, self._values[name])

    def number(self, name: str) -> float:
        """Return a number."""
        return cast(float, self._values[name])

    def flag(self, name: str) -> bool:
        """Return whether something is switched on."""
        return cast(bool, self._values[name])

    def text(self, name: str) -> str:
        """Return a text."""
        return cast(str, self._values[name])

    def wholes(self, name: str) -> tuple[int, ...]:
        """Return several whole numbers."""
        return cast(tuple[int, ...], self._values[name])

    def pair(self, name: str) -> tuple[int, int]:
        """Return two whole numbers, (vertical, horizontal)."""
        return cast(tuple[int, int], self._values[name])


def is_whole(value: object) -> bool:
    """Return whether something is an integer; truth values are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether something is a finite number, which an integer of too many digits is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max and float(value) == value


def shown(value: object) -> str:
    """Return something for a message, at most 60 characters of it."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
