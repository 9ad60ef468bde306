"""Write validated descriptions back as plain data: texts that read back exactly, and their hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from pnnsim.common.units import format_quantity
from pnnsim.devices.laws import LawUse
from pnnsim.devices.quantities import forms_of

_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")


def digest(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain data in canonical JSON, as 64 hexadecimal digits."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def section_tree(
    model: BaseModel,
    prefix: str,
    sources: Mapping[str, str],
    ranges: Mapping[str, tuple[str, str]],
    laws: Mapping[str, LawUse] | None = None,
) -> dict[str, Any]:
    """Return a section as plain data, values with a unit as text that reads back exactly.

    Fields that are None are left out: they are derived from others and have no text.

    Args:
        model: The section.
        prefix: Its dotted path.
        sources: Source of each value, by dotted path.
        ranges: Span of each value, likewise.
        laws: Law that gives a value, likewise.
    """
    tree: dict[str, Any] = {}
    for key in type(model).model_fields:
        value: Any = getattr(model, key)
        if value is None:
            continue
        dimension = forms_of(type(model), key)[0].dimension
        if dimension is not None:
            value = format_quantity(value, dimension)
        elif isinstance(value, tuple):
            value = list(value)
        path = f"{prefix}.{key}"
        if laws is not None and path in laws:
            use = laws[path]
            value = {"law": use.law.name, **use.typed, "value": value}
            if use.note:
                value["source"] = use.note
        elif path in sources or path in ranges:
            value = {"value": value}
            if path in ranges:
                # Whole numbers without quotes; both spellings read back as the same text.
                value["range"] = [int(t) if _WHOLE.fullmatch(t) else t for t in ranges[path]]
            if path in sources:
                value["source"] = sources[path]
        tree[key] = value
    return tree
