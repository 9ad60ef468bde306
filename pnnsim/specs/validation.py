"""Check one section of a description against its pydantic model, in words of our own.

Texts are read strictly here, so that neither YAML's nor pydantic's guesses (`yes` is true, `1.0` is
the integer 1, `1_000` is a number) get in. Every problem goes to the document's list; nothing is
raised, so that all problems of a file appear at once. Nothing here depends on a part of a machine
or on a file format.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pnnsim.common.units import UnitError, read_quantity, show
from pnnsim.devices.laws import laws_of
from pnnsim.devices.quantities import Form, forms_of, forms_of_type
from pnnsim.specs.document import MAX_PROBLEMS, Document, KeyPath, Tree
from pnnsim.specs.hints import bounds_text, example, expectation, expected, within
from pnnsim.specs.renamed import name_of_today

Model = TypeVar("Model", bound=BaseModel)

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class TextError(ValueError):
    """Reason why a text cannot be the value of its field.

    Args:
        why: The message.
        index: Place in a list that the message is about.
    """

    def __init__(self, why: str, index: int | None = None) -> None:
        super().__init__(why)
        self.index = index


def check_section(
    document: Document, path: KeyPath, model: type[Model], others: Collection[str] = ()
) -> Model | None:
    """Return a section as its model, or None after reporting all that is wrong with it.

    Args:
        document: Description that has been read; problems are added to it.
        path: Section to check; a section that is not there counts as empty.
        model: What the section must be.
        others: Keys of the section that are read elsewhere.
    """
    tree = section_at(document.tree, path)
    if not isinstance(tree, dict):
        if path not in document.refused:
            document.report(path, f"{_got(tree)}; expected a section with keys")
        return None
    before = len(document.problems)
    values: dict[str, Any] = {}
    settled: set[str] = set()  # fields with a problem already
    unknown_keys(document, path, [*model.model_fields, *others])
    for key, item in tree.items():
        at = (*path, key)
        if key in others or key not in model.model_fields:
            continue
        try:
            if at in document.refused:
                settled.add(key)
            elif at in document.laws:
                values[key] = _stand_in(model, key)
            else:
                values[key] = _read(item, forms_of(model, key))
        except TextError as error:
            settled.add(key)
            document.report(at if error.index is None else (*at, error.index), str(error))
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(document, path, model, detail, settled)
        return None
    return found if len(document.problems) == before and not settled else None


def section_at(tree: Tree, path: KeyPath) -> Tree:
    """Return what stands at a path; an empty section where there is nothing.

    Args:
        tree: Where to begin.
        path: Keys from there.
    """
    for part in path:
        if not isinstance(tree, dict) or not isinstance(part, str) or part not in tree:
            return {}
        tree = tree[part]
    return tree


def unknown_keys(document: Document, path: KeyPath, known: Collection[str]) -> None:
    """Report the keys of a section that are never read, with the ones that were probably meant.

    Args:
        document: Description that has been read; problems are added to it.
        path: The section.
        known: Keys that are read.
    """
    tree = section_at(document.tree, path)
    strange = [key for key in tree if key not in known] if isinstance(tree, dict) else []
    for number, key in enumerate(strange):
        today = name_of_today((*path, key), section_at(tree, (key,)))
        if today is not None:
            expected_name, hint = today
            document.report((*path, key), f"unknown key; {expected_name}", hint, key=True)
            continue
        # Only the first problems of a file are shown, and a hint takes 0.3 ms to find.
        hint = did_you_mean(key, known) if number < MAX_PROBLEMS else ""
        what = "unknown key" if hint else f"unknown key; expected one of {', '.join(known)}"
        document.report((*path, key), what, hint, key=True)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known name; empty where none is close.

    Args:
        name: Name that was typed.
        known: Names that there are.
    """
    close = get_close_matches(name[:60].lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


def read_number(text: str, model: type[BaseModel], field: str) -> tuple[float, Form]:
    """Return a text as the number that a numeric field would hold, and how it is written.

    Args:
        text: Number, with its unit where the field has one.
        model: Description.
        field: One of its fields.

    Raises:
        TextError: If the field is not a number or the text is not its kind of number.
    """
    for form in forms_of(model, field):
        if form.dimension is not None:
            return _quantity(text, form), form
        if form.type in (int, float):
            return float(_number(text, form)), form
    raise TextError("is given for something that is not a number")


def _stand_in(model: type[BaseModel], field: str) -> str | float:
    """Return any value that a field takes, for as long as its law has not been evaluated."""
    forms = forms_of(model, field)
    if not laws_of(model, field):
        raise TextError(f"has no law; expected {expectation(forms)}")
    if forms[0].dimension is not None:
        return example(forms[0])
    ends = (1.0, *forms[0].bounds.values())
    return next(end for end in ends if within(end, forms[0]))


def _read(item: Tree, forms: tuple[Form, ...]) -> Any:
    """Return a value as Python data for pydantic, which checks bounds and choices."""
    lists = [form for form in forms if get_origin(form.type) in (tuple, list)]
    if isinstance(item, list):
        if not lists:
            raise TextError(f"got a list; expected {expectation(forms)}")
        inner = forms_of_type(get_args(lists[0].type)[0])
        return [_entry(i, entry, inner) for i, entry in enumerate(item)]
    texts = [form for form in forms if form not in lists]
    if not isinstance(item, str) or not texts:
        raise TextError(f"{_got(item)}; expected {expectation(forms)}")
    return typed(item, texts, forms)


def _entry(index: int, item: Tree, forms: tuple[Form, ...]) -> Any:
    """Return one value of a list."""
    try:
        return _read(item, forms)
    except TextError as error:
        raise TextError(str(error), index) from None


def typed(text: str, forms: Sequence[Form], all_forms: tuple[Form, ...]) -> Any:
    """Return a text as the first form that can be it, or raise a TextError.

    Args:
        text: What was typed.
        forms: Ways to write it.
        all_forms: All ways to write the field, for messages.
    """
    for form in forms:
        if get_origin(form.type) is Literal:
            if text in map(str, get_args(form.type)) or len(forms) == 1:
                return _choice(text, form)
        elif form.type is bool:
            if text not in ("true", "false"):
                raise TextError(f"{show(text)} is not a truth value; expected true or false")
            return text == "true"
        elif form.dimension is not None:
            return text  # read by its field, which checks its bounds as well
        elif form.type in (int, float):
            return _number(text, form)
        else:
            return text
    raise TextError(f"unknown value {show(text)}; expected {expectation(all_forms)}")


def _quantity(text: str, form: Form) -> float:
    """Return the value of a text with a unit."""
    assert form.dimension is not None, "only physical values have units"
    try:
        return read_quantity(text, form.dimension)
    except UnitError:
        raise TextError(_no_quantity(text, form)) from None


def _no_quantity(text: str, form: Form) -> str:
    """Return why a text is no value with a unit, with an example that the field accepts."""
    assert form.dimension is not None, "only physical values have units"
    try:
        read_quantity(text, form.dimension, example(form))
    except UnitError as error:
        return str(error)
    raise AssertionError("a value with a unit was refused as none")


def _choice(text: str, form: Form) -> Any:
    """Return the one of a field's choices that a text names, which may be a number."""
    choices = {str(choice): choice for choice in get_args(form.type)}
    if text in choices:
        return choices[text]
    hint = did_you_mean(text, choices)
    tail = f"; {hint}" if hint and len(choices) > 1 else ""
    raise TextError(f"unknown value {show(text)}; expected {expected(form)}{tail}")


def _number(text: str, form: Form) -> int | float:
    """Return a text as an int or a float; the spellings that YAML 1.1 adds are refused."""
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


def _got(tree: Tree) -> str:
    if tree is None:
        return "has no value"
    if isinstance(tree, dict):
        return "got a section"
    return "got a list" if isinstance(tree, list) else f"got {show(tree)}"


def _report(
    document: Document,
    path: KeyPath,
    model: type[BaseModel],
    detail: ErrorDetails,
    settled: set[str],
) -> None:
    """Put one of pydantic's findings into our own words."""
    field = str(detail["loc"][0]) if detail["loc"] else ""
    if field in settled:
        return
    if not field:
        # A check across fields has nothing to add while single fields are wrong.
        if not settled:
            document.report(path, _plain(detail))
        return
    item = section_at(document.tree, (*path, field))
    forms = forms_of(model, field)
    is_list = isinstance(item, list)
    form = next((f for f in forms if (get_origin(f.type) in (tuple, list)) == is_list), forms[0])
    if detail["type"] == "missing":
        document.report((*path, field), f"is missing; expected {expectation(forms)}", key=True)
        return
    index = next((part for part in reversed(detail["loc"]) if isinstance(part, int)), None)
    at: KeyPath = (*path, field) if index is None else (*path, field, index)
    if is_list:
        if detail["type"] == "literal_error":
            return  # the other way to write this field; a list was not meant to be it
        entry = item[index] if isinstance(item, list) and index is not None else None
        form = forms_of_type(get_args(form.type)[0])[0]
        text = entry if isinstance(entry, str) else ""
    else:
        text = item if isinstance(item, str) else ""
    if detail["type"] in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        document.report(at, out_of_range(text, form))
    elif detail["type"] == "quantity":
        document.report(at, _no_quantity(text, form))
    else:
        document.report(at, _plain(detail))


def out_of_range(text: str, form: Form) -> str:
    """Return the message for a number beyond the bounds of its field.

    Args:
        text: The number, as it was typed.
        form: How the field is written.
    """
    return f"{show(text)[1:-1]} is out of range; expected {bounds_text(form)}"


def _plain(detail: ErrorDetails) -> str:
    """Return a validator's own sentence."""
    error = detail.get("ctx", {}).get("error")
    return str(error) if error is not None else detail["msg"]
