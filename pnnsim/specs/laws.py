"""Read the laws of a description, evaluate them, and compare given values with them.

A law's value replaces the stand-in that its field has while sections are checked. What a law is,
and in which order laws are evaluated, is `pnnsim.devices.laws`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import ValidationError

from pnnsim.common.description import TextError, read_text
from pnnsim.common.forms import Form, forms_of
from pnnsim.common.hints import bounds_text, did_you_mean, expected, readable, within
from pnnsim.common.units import show
from pnnsim.devices.laws import (
    Argument,
    ByLaw,
    Evaluation,
    Input,
    LawEvaluationError,
    LawUse,
    laws_of,
)
from pnnsim.devices.quantities import Params
from pnnsim.specs.document import Document, KeyPath
from pnnsim.specs.plain_data import Notes, section_tree

#: Law of each field that has one, by section and key.
Uses = dict[tuple[str, str], LawUse]

#: Relative difference up to which a shown value is the law's own.
_SAME = 1e-9


def read_laws(document: Document, path: KeyPath, model: type[Params]) -> Uses:
    """Return the laws of a section that can be read, after reporting what is wrong with others.

    Args:
        document: Description that has been read; problems are added to it.
        path: The section.
        model: What the section is.
    """
    section = str(path[-1])
    uses: Uses = {}
    for key in model.model_fields:
        at = (*path, key)
        known = laws_of(model, key)
        if at in document.laws and known:
            use = _read_law(document, at, known)
            if use is not None:
                uses[section, key] = use
    return uses


def _read_law(document: Document, at: KeyPath, known: Mapping[str, ByLaw]) -> LawUse | None:
    given = document.laws[at]
    name = given["law"]
    marker = known.get(name) if isinstance(name, str) else None
    if marker is None:
        choice = " or ".join(f"'{each}'" for each in known)
        got = f"unknown law {show(name)}" if isinstance(name, str) else "is not a name"
        hint = did_you_mean(name, known) if isinstance(name, str) else ""
        document.report((*at, "law"), f"{got}; expected {choice}", hint)
        return None
    parameters = {item.name: item for item in marker.parameters()}
    before = len(document.problems)
    for key in given:
        if key not in ("law", "value", *parameters):
            _report_unknown(document, (*at, key), marker, parameters)
    found: dict[str, Argument] = {}
    texts: dict[str, str] = {}
    for name, item in parameters.items():
        text = given.get(name)
        try:
            if name in given:
                if not isinstance(text, str):
                    raise TextError(f"is not a value; expected {_expected(item)}")
                found[name], texts[name] = _argument(text, item), text
            elif item.default is not None:
                found[name] = item.default
            else:
                document.report(
                    at, f"law '{marker.law.name}' without {name}; expected {_expected(item)}"
                )
        except TextError as error:
            document.report((*at, name), str(error))
    if len(document.problems) > before:
        return None
    return LawUse(marker, found, texts, document.sources.get(at, ""))


def _report_unknown(
    document: Document, at: KeyPath, marker: ByLaw, parameters: Mapping[str, Input]
) -> None:
    """Report a key beside `law:` that the law does not take."""
    name = str(at[-1])
    if name in marker.inputs:
        where = marker.inputs[name]
        places = where if isinstance(where, str) else " + ".join(where)
        what = f"is an input that the description has already ({places})"
        document.report(at, f"{what}; expected it there", key=True)
        return
    what = f"unknown parameter of law '{marker.law.name}'; expected one of {', '.join(parameters)}"
    document.report(at, what, did_you_mean(name, parameters), key=True)


def _argument(text: str, item: Input) -> Argument:
    """Return a parameter of a law.

    Raises:
        TextError: If the text is not one.
    """
    value = read_text(text, (_form(item),))
    if not isinstance(value, str) and value < item.least:
        raise TextError(f"{text} is out of range; expected at least {_text(item.least, item)}")
    return value if isinstance(value, str) else float(value)


def _form(item: Input) -> Form:
    kind: Any = Literal[item.choices] if item.choices else float
    return Form(kind, item.dimension, {})


def _expected(item: Input) -> str:
    return f"{item.meaning}: {expected(_form(item))}"


def _text(value: Argument, item: Input) -> str:
    return str(value) if isinstance(value, str) else readable(value, _form(item))


def settle_laws(
    document: Document, prefix: KeyPath, found: Mapping[str, Params], uses: Uses
) -> tuple[dict[str, Any], dict[str, LawUse]]:
    """Return the sections with the values of their laws, and the laws with these values.

    Args:
        document: Description that has been read; problems are added to it.
        prefix: Where in it the machine stands.
        found: Every section, checked, with stand-ins for what laws give.
        uses: The laws.
    """
    evaluation = Evaluation(found, uses)
    sections: dict[str, Any] = dict(found)
    settled: dict[str, LawUse] = {}
    for (section, key), use in uses.items():
        at = (*prefix, section, key)
        form = forms_of(type(found[section]), key)[0]
        try:
            value = evaluation.value(section, key)
        except LawEvaluationError as failure:
            document.report((*prefix, *failure.path), str(failure))
            return dict(found), {}
        if not within(value, form):
            what = f"law '{use.law.name}' gives {readable(value, form)}, which is out of range"
            document.report(at, f"{what}; expected {bounds_text(form)}")
            continue
        sections[section] = sections[section].model_copy(update={key: value})
        arguments = evaluation.arguments(section, key)
        settled[f"{section}.{key}"] = replace(use, value=value, arguments=arguments)
    for name in {section for section, _ in uses}:
        part = sections[name]
        try:
            sections[name] = type(part).model_validate(section_tree(part, name, Notes()))
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            why = str(detail.get("ctx", {}).get("error", detail["msg"]))
            document.report((*prefix, name, *detail["loc"][:1]), f"by its law, {why}")
    return sections, settled


def law_warnings(
    document: Document,
    prefix: KeyPath,
    sections: Mapping[str, Params],
    settled: Mapping[str, LawUse],
) -> Iterator[str]:
    """Yield a sentence for each law beyond its data, and for each value that contradicts its law.

    Args:
        document: Description without problems.
        prefix: Where in it the machine stands.
        sections: Every section, with the values of its laws.
        settled: The laws.
    """
    for path, use in settled.items():
        section, _, key = path.partition(".")
        yield from _outside_data(path, use)
        shown = document.laws.get((*prefix, section, key), {}).get("value")
        if isinstance(shown, str):
            yield from _other_than_shown(path, shown, use, sections[section], key)
    uses: Uses = {(p.split(".")[0], p.split(".")[1]): use for p, use in settled.items()}
    evaluation = Evaluation(sections, uses)
    for section, part in sections.items():
        for key, value in part:
            if f"{section}.{key}" not in settled:
                yield from _contradiction(evaluation, section, key, value)


def _outside_data(path: str, use: LawUse) -> Iterator[str]:
    for item in use.law.outside_span(use.arguments):
        low, high = _text(item.low, item), _text(item.high, item)
        got = _text(use.arguments[item.name], item)
        yield (
            f"{path}: law '{use.law.name}' is extrapolated to a {item.meaning} of {got}; its data "
            f"span {low} to {high}"
        )


def _other_than_shown(path: str, shown: str, use: LawUse, part: Params, key: str) -> Iterator[str]:
    form = forms_of(type(part), key)[0]
    try:
        value = _argument(shown, Input(key, key, form.dimension))
    except TextError:
        value = ""
    if isinstance(value, str) or abs(value - use.value) > _SAME * abs(use.value):
        given = readable(use.value, form)
        yield f"{path}: {shown} is shown, but law '{use.law.name}' gives {given}, which is used"


def _contradiction(evaluation: Evaluation, section: str, key: str, value: Any) -> Iterator[str]:
    """Yield a sentence where a value is farther from its usual law than published parts are.

    Nothing is said where nothing was given, or where the law has no data, needs what the
    description does not have, or gives nothing.
    """
    model = type(evaluation.sections[section])
    marker = next(iter(laws_of(model, key).values()), None)
    default = model.model_fields[key].default
    if marker is None or not isinstance(value, float) or value == default:
        return
    usual = _usual(evaluation, section, key, marker)
    if not usual or usual[-1] == 0.0:
        return
    low, high = marker.law.scatter[0] * usual[0], marker.law.scatter[1] * usual[-1]
    if low <= value <= high:
        return
    form = forms_of(model, key)[0]
    ends = dict.fromkeys(readable(_round(each), form) for each in (usual[0], usual[-1]))
    law = " to ".join(ends)
    span = " to ".join(readable(_round(end), form) for end in (low, high))
    yield (
        f"{section}.{key}: {readable(value, form)} contradicts law '{marker.law.name}', which "
        f"gives {law} ({span})"
    )


def _usual(evaluation: Evaluation, section: str, key: str, marker: ByLaw) -> list[float]:
    """Return what a law gives with its own defaults, ascending; one for each of its words."""
    arguments: dict[str, Argument] = {}
    words: list[dict[str, Argument]] = [{}]
    try:
        for item in marker.law.inputs:
            if item.name in marker.inputs:
                arguments[item.name] = evaluation.read((section, key), marker.inputs[item.name])
            elif item.choices:
                words = [{**each, item.name: word} for each in words for word in item.choices]
            elif item.default is not None:
                arguments[item.name] = item.default
            else:
                return []
        if marker.law.outside_span({**arguments, **words[0]}):
            return []
        return sorted(
            evaluation.apply((section, key), marker.law, {**arguments, **each}) for each in words
        )
    except LawEvaluationError:
        return []


def _round(value: float) -> float:
    return float(f"{value:.3g}")
