"""Write validated descriptions back as plain data: texts that read back exactly, and their hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from pnnsim.common.forms import forms_of, forms_of_type
from pnnsim.common.units import format_quantity
from pnnsim.devices.laws import LawUse

_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes beside the values of a description, by dotted path.

    Args:
        sources: Literature or reason of a value.
        ranges: Published or plausible span of a value, as typed.
        groups: Name that ties such a span to others.
        chosen: Values whose span is not drawn from.
        laws: Law that gives a value.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, bool] = field(default_factory=dict)
    laws: Mapping[str, LawUse] = field(default_factory=dict)


def digest(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain data in canonical JSON, as 64 hexadecimal digits."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def section_tree(model: BaseModel, prefix: str, notes: Notes) -> dict[str, Any]:
    """Return a section as plain data, values with a unit as text that reads back exactly.

    Fields that are None are left out: they are derived from others and have no text. A mapping is
    one of sections.

    Args:
        model: The section.
        prefix: Its dotted path.
        notes: What stands beside the values.
    """
    tree: dict[str, Any] = {}
    for key, field_value in model:
        value = field_value
        if value is None or value == {}:
            continue
        if isinstance(value, Mapping):
            tree[key] = {
                name: section_tree(each, f"{prefix}.{key}.{name}", notes)
                for name, each in value.items()
            }
            continue
        dimension = forms_of(type(model), key)[0].dimension
        if dimension is not None:
            value = format_quantity(value, dimension)
        elif isinstance(value, tuple):
            value = _texts(value, type(model), key)
        path = f"{prefix}.{key}"
        if path in notes.laws:
            use = notes.laws[path]
            value = {"law": use.law.name, **use.typed, "value": value}
            if use.note:
                value["source"] = use.note
        elif path in notes.sources or path in notes.ranges:
            value = {"value": value}
            if path in notes.ranges:
                # Whole numbers without quotes; both spellings read back as the same text.
                ends = notes.ranges[path]
                value["range"] = [int(t) if _WHOLE.fullmatch(t) else t for t in ends]
            if path in notes.groups:
                value["group"] = notes.groups[path]
            if path in notes.chosen:
                value["drawn"] = False
            if path in notes.sources:
                value["source"] = notes.sources[path]
        tree[key] = value
    return tree


def _texts(values: tuple[Any, ...], model: type[BaseModel], key: str) -> list[Any]:
    """Return a list of values, those with a unit as text that reads back exactly."""
    lists = [form.type for form in forms_of(model, key) if get_origin(form.type) is tuple]
    dimension = forms_of_type(get_args(lists[0])[0])[0].dimension if lists else None
    return [each if dimension is None else format_quantity(each, dimension) for each in values]
