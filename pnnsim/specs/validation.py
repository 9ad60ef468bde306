"""Check one section of a description against its model, and say what is wrong in words of our own.

Every problem goes to the document's list; nothing is raised, so that all problems of a file appear
at once. Fields read their own text (`pnnsim.common.description`). Nothing here depends on a part of
a machine or on a file format.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pnnsim.common.description import Description, TextError, read_number
from pnnsim.common.forms import Form, forms_of, forms_of_type, is_list
from pnnsim.common.hints import did_you_mean, example, expectation, out_of_range, within
from pnnsim.common.units import show
from pnnsim.devices.laws import laws_of
from pnnsim.specs.document import MAX_PROBLEMS, Document, KeyPath, Tree
from pnnsim.specs.renamed import name_of_today

Model = TypeVar("Model", bound=Description)

_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


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
            got = "has no value" if tree is None else f"got {_shown(tree)}"
            document.report(path, f"{got}; expected a section with keys")
        return None
    before = len(document.problems)
    unknown_keys(document, path, [*model.model_fields, *others])
    refused = {str(at[-1]) for at in document.refused if at[:-1] == path}
    values: dict[str, Any] = {}
    for key, item in tree.items():
        if key in others or key not in model.model_fields or key in refused:
            continue
        try:
            stands_in = (*path, key) in document.laws
            values[key] = _stand_in(model, key) if stands_in else _given(item, model, key)
        except TextError as error:
            document.report((*path, key), str(error))
            refused.add(key)
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        wrong = [each for each in details if each["loc"] and each["loc"][0] not in refused]
        # What is not given takes its value from other fields, which are reported if they are wrong.
        given = [e for e in wrong if e["loc"][0] in values or e["type"] == "missing"]
        for detail in given or wrong:
            _report(document, path, model, detail)
        # A check across fields has nothing to add while single fields are wrong.
        if not wrong and not refused:
            document.report(path, _plain(details[0]))
        return None
    return found if len(document.problems) == before and not refused else None


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


def field_number(text: str, model: type[Description], field: str) -> tuple[float, Form]:
    """Return a text as the number that a numeric field would hold, and how it is written.

    Args:
        text: Number, with its unit where the field has one.
        model: Description.
        field: One of its fields.

    Raises:
        TextError: If the field is not a number or the text is not its kind of number.
    """
    for form in forms_of(model, field):
        if form.dimension is not None or form.type in (int, float):
            return float(read_number(text, form)), form
    raise TextError("is given for something that is not a number")


def _given(item: Tree, model: type[Description], field: str) -> Tree:
    """Return what was typed for a field; only Python code can say that there is none."""
    if item is None:
        raise TextError(f"has no value; expected {expectation(forms_of(model, field))}")
    return item


def _stand_in(model: type[Description], field: str) -> str | float:
    """Return any value that a field takes, for as long as its law has not been evaluated."""
    forms = forms_of(model, field)
    if not laws_of(model, field):
        raise TextError(f"has no law; expected {expectation(forms)}")
    if forms[0].dimension is not None:
        return example(forms[0])
    ends = (1.0, *forms[0].bounds.values())
    return next(end for end in ends if within(end, forms[0]))


def _shown(tree: Tree) -> str:
    if isinstance(tree, dict):
        return "a section"
    return "a list" if isinstance(tree, list) else show(str(tree))


def _report(
    document: Document, path: KeyPath, model: type[Description], detail: ErrorDetails
) -> None:
    """Put one of pydantic's findings about a field into our own words, with its address."""
    field, *inner = detail["loc"]
    at: KeyPath = (*path, str(field))
    forms = forms_of(model, str(field))
    item = section_at(document.tree, at)
    if detail["type"] == "missing":
        document.report(at, f"is missing; expected {expectation(forms)}", key=True)
        return
    index = detail.get("ctx", {}).get("index")
    index = next((part for part in reversed(inner) if isinstance(part, int)), index)
    if index is not None:
        at = (*at, index)
    if detail["type"] in _BOUNDS:
        form = next((f for f in forms if is_list(f) == isinstance(item, list)), forms[0])
        if isinstance(item, list) and index is not None:
            item, form = item[index], forms_of_type(get_args(form.type)[0])[0]
        text = item if isinstance(item, str) else str(detail["input"])
        document.report(at, out_of_range(text, form))
    elif detail["type"] != "literal_error":  # the other way to write what is given as a list
        document.report(at, _plain(detail))


def _plain(detail: ErrorDetails) -> str:
    """Return a validator's own sentence."""
    error = detail.get("ctx", {}).get("error")
    return str(error) if error is not None else detail["msg"]
