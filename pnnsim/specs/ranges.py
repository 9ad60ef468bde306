"""Check the spans beside the values of a description, by the bounds of the fields themselves.

What is drawn from a span is decided in `pnnsim.analysis.bands`.
"""

from __future__ import annotations

from pnnsim.common.description import Description, TextError
from pnnsim.common.hints import out_of_range, within
from pnnsim.common.units import show
from pnnsim.specs.document import USER_SOURCE, Document, KeyPath, dotted
from pnnsim.specs.validation import field_number, section_at


def check_ranges(document: Document, path: KeyPath, model: type[Description]) -> None:
    """Report the ranges of a section that leave the bounds of their field, or run backwards.

    Args:
        document: Description that has been read; problems are added to it.
        path: The section.
        model: What the section is.
    """
    for field in model.model_fields:
        at = (*path, field)
        if at not in document.ranges:
            continue
        ends = []
        try:
            for text in document.ranges[at]:
                value, form = field_number(text, model, field)
                if not within(value, form):
                    raise TextError(out_of_range(text, form))
                ends.append(value)
        except TextError as error:
            document.report((*at, "range"), str(error))
            continue
        if ends[0] > ends[1]:
            texts = " above ".join(show(text) for text in document.ranges[at])
            document.report((*at, "range"), f"has {texts}; expected the lowest value first")


def check_values_in_ranges(document: Document, path: KeyPath, model: type[Description]) -> None:
    """Report the ranges of a section that do not hold their value, as nothing can be drawn there.

    A value that was set over the one in the file may leave its range: `outside_ranges` warns.

    Args:
        document: Description whose values and ranges are right by themselves; problems are added.
        path: The section.
        model: What the section is.
    """
    for at, text, low, high in _outside(document, path, model):
        if document.sources.get(at) != USER_SOURCE:
            what = f"{show(low)} to {show(high)} does not hold the value {show(text)}"
            hint = "a value that is given by --set may leave its range"
            document.report((*at, "range"), f"{what}; expected a range around it", hint)


def outside_ranges(
    document: Document, path: KeyPath, model: type[Description], prefix: KeyPath = ()
) -> list[str]:
    """Return a sentence for each value of a section that lies outside its `range:`.

    Args:
        document: Description without problems.
        path: The section.
        model: What the section is.
        prefix: Where the machine stands in the document; the sentences leave it out.
    """
    return [
        f"{dotted(at[len(prefix) :])}: {text} is outside its published range, {low} to {high}"
        for at, text, low, high in _outside(document, path, model)
    ]


def _outside(
    document: Document, path: KeyPath, model: type[Description]
) -> list[tuple[KeyPath, str, str, str]]:
    """Return path, text, lowest and highest of each value that lies outside its range."""
    found = []
    tree = section_at(document.tree, path)
    for field in model.model_fields:
        at = (*path, field)
        text = tree.get(field) if isinstance(tree, dict) else None
        if at not in document.ranges or not isinstance(text, str):
            continue
        low, high = document.ranges[at]
        lowest, value, highest = (field_number(t, model, field)[0] for t in (low, text, high))
        if not lowest <= value <= highest:
            found.append((at, text, low, high))
    return found
