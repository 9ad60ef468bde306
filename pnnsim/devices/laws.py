"""Laws: what a value must be where nothing but physics and published parts decide it.

Resolution, speed, noise and heat have a price. A field of a description names the laws that may
give it (`ByLaw`); a description then says `law: dac` instead of a value. A law is a function of the
description alone and stands beside the kind whose field it prices. Nothing here reads files, and
nothing here imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any, Literal

from pydantic import BaseModel

#: Published points below which a law counts as an assumption with a formula.
ENOUGH_POINTS = 8

#: What a law takes: a number in SI units, or a word of a list.
Argument = float | str


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that a law depends on.

    Args:
        name: Its name; the key beside `law:` where the description does not have it already.
        meaning: What it is, in a few words.
        dimension: Key of `pnnsim.common.units.DIMENSIONS`; None for a pure number or a word.
        low: Lower end of the span of data behind the law.
        high: Upper end of that span.
        default: Value where none is given; None where one must be given.
        least: Value below which the law has no meaning.
        choices: Words that may be given; empty for a number.
    """

    name: str
    meaning: str
    dimension: str | None = None
    low: float = -math.inf
    high: float = math.inf
    default: Argument | None = None
    least: float = 0.0
    choices: tuple[str, ...] = ()

    def within_span(self, value: Argument) -> bool:
        """Return whether a value lies in the span of data, but for rounding."""
        if isinstance(value, str):
            return True
        slack = 1e-9 * abs(value)
        return self.low - slack <= value <= self.high + slack


#: What every law takes beside its own inputs.
FACTOR = Input("factor", "this part over the law's usual one", default=1.0)


@dataclass(frozen=True, slots=True)
class Law:
    """Price of a property: a function, and the published points behind it.

    Args:
        name: Name in a description.
        formula: What it says, for people.
        source: Where its points come from.
        points: How many published points it was compared with.
        scatter: Factors on the law within which four of five published points lie.
        inputs: What it depends on.
        function: Function of the inputs by name, all in SI units.
        basis: `law` where the points are published ones; `derived` for a formula of textbooks.
    """

    name: str
    formula: str
    source: str
    points: int
    scatter: tuple[float, float]
    inputs: tuple[Input, ...]
    function: Callable[..., float]
    basis: Literal["law", "derived"] = "law"

    def input(self, name: str) -> Input:
        """Return an input by name; KeyError where there is none."""
        return {item.name: item for item in (*self.inputs, FACTOR)}[name]

    def outside_span(self, arguments: Mapping[str, Argument]) -> list[Input]:
        """Return the inputs for which there are no data."""
        return [item for item in self.inputs if not item.within_span(arguments[item.name])]


@dataclass(frozen=True, slots=True)
class ByLaw:
    """Marker of a field that a law may give.

    Args:
        law: The law.
        inputs: Where the description has an input of the law: a field or property of the same
            section, such as `bits`, one of another section, such as `environment.temperature`, a
            product, such as `cols * ring_pitch`, or several of these whose sum it is.
    """

    law: Law
    inputs: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def parameters(self) -> tuple[Input, ...]:
        """Return the inputs that are given beside `law:`."""
        own = (item for item in self.law.inputs if item.name not in self.inputs)
        return (*own, FACTOR)


def by_law(law: Law, **inputs: str | tuple[str, ...]) -> ByLaw:
    """Return the marker of a field that a law may give.

    Args:
        law: The law.
        inputs: Where the description has its inputs; see `ByLaw`.
    """
    return ByLaw(law, inputs)


def laws_of(model: type[BaseModel], key: str) -> dict[str, ByLaw]:
    """Return the laws that may give a field, by name, the usual one first.

    Args:
        model: Description.
        key: One of its fields.
    """
    found = [item for item in model.model_fields[key].metadata if isinstance(item, ByLaw)]
    return {item.law.name: item for item in found}


@dataclass(frozen=True, slots=True)
class LawUse:
    """Law that gives a field of one description.

    Args:
        marker: The law, and where its inputs are.
        parameters: What was given beside `law:`, in SI units, defaults filled in.
        typed: The same as it was typed.
        note: Source that was given beside it; empty for none.
        value: What the law gives.
        arguments: All of its inputs, those of the description as well.
    """

    marker: ByLaw
    parameters: Mapping[str, Argument]
    typed: Mapping[str, str]
    note: str = ""
    value: float = math.nan
    arguments: Mapping[str, Argument] = field(default_factory=dict)

    @property
    def law(self) -> Law:
        """Return the law."""
        return self.marker.law

    @property
    def ends(self) -> tuple[float, float]:
        """Return the values between which four of five published parts would lie."""
        low, high = (factor * self.value for factor in self.law.scatter)
        return low, high


class LawEvaluationError(ValueError):
    """Reason why a law gives no value.

    Args:
        path: Section and key of the field.
        why: The message.
    """

    def __init__(self, path: tuple[str, str], why: str) -> None:
        super().__init__(why)
        self.path = path


class Evaluation:
    """Values of the laws of one description, each computed when another, or the caller, reads it.

    Args:
        sections: Every section, with any value in the place of those that a law gives.
        uses: Law of each such field, by section and key.
        factors: Factor on the values of a law, by its name; a band draws them from the scatter.
    """

    def __init__(
        self,
        sections: Mapping[str, BaseModel],
        uses: Mapping[tuple[str, str], LawUse],
        factors: Mapping[str, float] | None = None,
    ) -> None:
        self.sections = sections
        self.uses = uses
        self.factors = factors or {}
        self._found: dict[tuple[str, str], tuple[float, dict[str, Argument]]] = {}
        self._open: list[tuple[str, str]] = []

    def value(self, section: str, key: str) -> float:
        """Return the value that its law gives a field.

        Args:
            section: Name of the section.
            key: The field.

        Raises:
            LawEvaluationError: If the law needs its own value, or gives none.
        """
        return self._result((section, key))[0]

    def arguments(self, section: str, key: str) -> dict[str, Argument]:
        """Return all inputs of the law of a field; see `value`.

        Args:
            section: Name of the section.
            key: The field.
        """
        return self._result((section, key))[1]

    def _result(self, path: tuple[str, str]) -> tuple[float, dict[str, Argument]]:
        if path not in self._found:
            if path in self._open:
                way = [*self._open[self._open.index(path) :], path]
                names = " -> ".join(".".join(each) for each in way)
                raise LawEvaluationError(path, f"its law needs its own value: {names}")
            self._open.append(path)
            try:
                self._found[path] = self._computed(path)
            finally:
                self._open.pop()
        return self._found[path]

    def _computed(self, path: tuple[str, str]) -> tuple[float, dict[str, Argument]]:
        use = self.uses[path]
        arguments = dict(use.parameters)
        for name, places in use.marker.inputs.items():
            arguments[name] = self.read(path, places)
        factor = arguments["factor"]
        assert not isinstance(factor, str), "a factor is a number"
        return self.apply(path, use.law, arguments) * factor, arguments

    def apply(self, path: tuple[str, str], law: Law, arguments: Mapping[str, Argument]) -> float:
        """Return what a law gives for its inputs, without a part's own factor.

        Args:
            path: Section and key of the field, for messages.
            law: The law.
            arguments: Its inputs.
        """
        own = {item.name: arguments[item.name] for item in law.inputs}
        try:
            value = law.function(**own)
        except (ArithmeticError, ValueError) as error:
            raise LawEvaluationError(
                path, f"law '{law.name}' gives no value here: {error}"
            ) from None
        if not math.isfinite(value):
            raise LawEvaluationError(
                path, f"law '{law.name}' gives {value} here; expected a number"
            )
        return value * self.factors.get(law.name, 1.0)

    def read(self, path: tuple[str, str], places: str | tuple[str, ...]) -> float:
        """Return an input of a law: a value, a product of values, or the sum of several.

        Args:
            path: Section and key of the law's field.
            places: Fields or properties, as of `ByLaw`.

        Raises:
            LawEvaluationError: If the input cannot be computed.
        """
        if isinstance(places, tuple):
            return math.fsum(self.read(path, place) for place in places)
        product = 1.0
        for place in places.split(" * "):
            section, _, key = place.rpartition(".")
            try:
                product *= float(_Reading(self, section or path[0]).read(key))
            except (ArithmeticError, AttributeError, TypeError):
                why = f"its law needs {place}, which is no number in this description"
                raise LawEvaluationError(path, why) from None
        return product


class _Reading:
    """Section whose fields are computed by their laws while properties read them."""

    def __init__(self, evaluation: Evaluation, section: str) -> None:
        self._evaluation = evaluation
        self._section = section

    def read(self, key: str) -> Any:
        """Return a field, or what a property or method makes of fields."""
        if (self._section, key) in self._evaluation.uses:
            return self._evaluation.value(self._section, key)
        part = self._evaluation.sections[self._section]
        if key in type(part).model_fields:
            return dict(part)[key]
        found = getattr(type(part), key)
        if isinstance(found, property) and found.fget is not None:
            return found.fget(self)
        return MethodType(found, self) if isinstance(found, FunctionType) else found

    __getattr__ = read  # properties read what they need as of their part
