"""Frozen descriptions whose fields read their own text, strictly.

Texts are read here before pydantic sees them, so that neither YAML's nor pydantic's guesses (`yes`
is true, `1.0` is the integer 1, `1_000` is a number) get in; pydantic checks bounds. What is no
text, such as a number that Python code passes, goes to pydantic as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from pnnsim.common.forms import Form, forms_of, forms_of_type, is_list
from pnnsim.common.hints import did_you_mean, example, expectation, expected
from pnnsim.common.units import DIMENSIONS, UnitError, read_quantity, show

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class Description(BaseModel):
    """Base of every section of a description: frozen, unknown keys are errors."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        defer_build=True,  # a validator takes milliseconds to build
    )

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Any:
        """Return a text as what its field holds."""
        assert info.field_name is not None, "validators of a field have its name"
        try:
            return read_value(value, forms_of(cls, info.field_name))
        except TextError as error:
            why, index = str(error), error.index
            raise PydanticCustomError("text", "{why}", {"why": why, "index": index}) from None


class TextError(ValueError):
    """Reason why a text cannot be the value of its field.

    Args:
        why: The message.
        index: Place in a list that the message is about.
    """

    def __init__(self, why: str, index: int | None = None) -> None:
        super().__init__(why)
        self.index = index


def read_value(item: Any, forms: Sequence[Form]) -> Any:
    """Return a text, or a list of texts, as the value of a field; all else as it is.

    Args:
        item: What was typed.
        forms: Ways to write the field.

    Raises:
        TextError: If it cannot be read in any of these ways.
    """
    if isinstance(item, str):
        return read_text(item, forms)
    if isinstance(item, dict):
        raise TextError(f"got a section; expected {expectation(forms)}")
    if isinstance(item, list | tuple):
        lists = [form for form in forms if is_list(form)]
        if not lists:
            raise TextError(f"got a list; expected {expectation(forms)}")
        inner = forms_of_type(get_args(lists[0].type)[0])
        return [_entry(index, entry, inner) for index, entry in enumerate(item)]
    dimension = next((form.dimension for form in forms if form.dimension), None)
    if dimension is not None and item is not None:
        name, usual = DIMENSIONS[dimension].name, DIMENSIONS[dimension].example
        raise TextError(f"got {item!r}; expected text with a unit: {name} such as '{usual}'")
    return item


def read_text(text: str, forms: Sequence[Form]) -> Any:
    """Return a text as the first form of a field that can be it.

    Args:
        text: What was typed.
        forms: Ways to write the field.

    Raises:
        TextError: If it cannot be any of them.
    """
    single = [form for form in forms if not is_list(form)]
    for form in single:
        if get_origin(form.type) is Literal:
            if text in map(str, get_args(form.type)) or len(single) == 1:
                return _choice(text, form)
        elif form.type is bool:
            if text not in ("true", "false"):
                raise TextError(f"{show(text)} is not a truth value; expected true or false")
            return text == "true"
        elif form.dimension is not None or form.type in (int, float):
            return read_number(text, form)
        else:
            return text
    got = f"unknown value {show(text)}" if single else f"got {show(text)}"
    raise TextError(f"{got}; expected {expectation(forms)}")


def read_number(text: str, form: Form) -> int | float:
    """Return a text as a number; the spellings that YAML 1.1 adds are refused.

    Args:
        text: Number, with its unit where the form has a dimension.
        form: How the number is written.

    Raises:
        TextError: If the text is not such a number.
    """
    if form.dimension is not None:
        return _quantity(text, form)
    wanted = f"expected {expected(form)}"
    if form.type is int:
        if not _INTEGER.fullmatch(text):
            hint = " without point, exponent or underscore" if re.match(r"[+-]?[0-9]", text) else ""
            raise TextError(f"{show(text)} is not a whole number; {wanted}{hint}")
        return int(text)
    if not _FLOAT.fullmatch(text) or len(text) > 60:
        tail = ""
        if re.match(r"[+-]?[0-9.]+\s*[A-Za-z%µ]", text) and "0x" not in text.lower():
            tail = " without a unit"
        raise TextError(f"{show(text)} is not a number; {wanted}{tail}")
    value = float(text)
    if not math.isfinite(value):
        raise TextError(f"{show(text)} is not a finite number; {wanted}")
    return value


def _entry(index: int, item: Any, forms: Sequence[Form]) -> Any:
    """Return one value of a list."""
    try:
        return read_value(item, forms)
    except TextError as error:
        raise TextError(str(error), index) from None


def _quantity(text: str, form: Form) -> float:
    """Return the value of a text with a unit; a refusal has an example that the field accepts."""
    assert form.dimension is not None, "only physical values have units"
    try:
        return read_quantity(text, form.dimension)
    except UnitError:
        pass
    try:
        return read_quantity(text, form.dimension, example(form))
    except UnitError as error:
        raise TextError(str(error)) from None


def _choice(text: str, form: Form) -> Any:
    """Return the one of a field's choices that a text names, which may be a number."""
    choices = {str(choice): choice for choice in get_args(form.type)}
    if text in choices:
        return choices[text]
    hint = did_you_mean(text, choices)
    tail = f"; {hint}" if hint and len(choices) > 1 else ""
    raise TextError(f"unknown value {show(text)}; expected {expected(form)}{tail}")
