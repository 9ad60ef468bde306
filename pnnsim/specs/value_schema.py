"""JSON Schema of single values: what may stand behind one key of a description.

A value is written plainly, beside notes (`{value: 3 mW, range: [1 mW, 5 mW], source: …}`), or by a
law. Which of these is meant is decided by `if`, so that an editor's message is about one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from pnnsim.common.forms import Form, forms_of, forms_of_type, is_list
from pnnsim.common.hints import bounds_text, example, readable
from pnnsim.common.unit_patterns import NUMBER, quantity_pattern
from pnnsim.common.units import DIMENSIONS
from pnnsim.devices.laws import ByLaw, Input, laws_of

Schema = dict[str, Any]

#: A text that is not empty.
TEXT: Schema = {"type": "string", "minLength": 1}

_BOUNDS = {
    "ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum",
}  # fmt: skip


def field_schema(model: type[BaseModel], key: str, *, drawn: bool) -> Schema:
    """Return the schema of what stands behind a key.

    Args:
        model: Description that has the key.
        key: The key.
        drawn: Whether bands are drawn from its range, so that `group` and `drawn` have a meaning.
    """
    forms = forms_of(model, key)
    plain = forms_schema(forms)
    notes: Schema = {"range": {"type": "array", "minItems": 2, "maxItems": 2}, "source": TEXT}
    if drawn:
        notes |= {"group": TEXT, "drawn": {"type": "boolean"}}
    noted = {
        "properties": {"value": plain, **notes},
        "required": ["value"],
        "additionalProperties": False,
    }
    laws = laws_of(model, key)
    if laws:
        noted = {"if": {"required": ["law"]}, "then": _laws_schema(laws), "else": noted}
    described = _described(model, key, forms, tuple(laws))
    return {**described, "if": {"type": "object"}, "then": noted, "else": plain}


def forms_schema(forms: Sequence[Form]) -> Schema:
    """Return the schema of a value that is written in one of some forms, without notes."""
    lists = [form for form in forms if is_list(form)]
    single = [_form_schema(form) for form in forms if form not in lists]
    if not lists:
        return single[0] if len(single) == 1 else {"anyOf": single}
    entries = forms_schema(forms_of_type(get_args(lists[0].type)[0]))
    array: Schema = {"type": "array", "items": entries}
    return {"if": {"type": "array"}, "then": array, "else": single[0]} if single else array


def _form_schema(form: Form) -> Schema:
    """Return the schema of one form; YAML reads `1e6` as text, so numbers may be text."""
    if form.dimension is not None:
        read = {"allOf": [{"$ref": f"#/definitions/a.{form.dimension}"}]}
        bounds = {} if DIMENSIONS[form.dimension].si else _limits(form)
        return {**read, "examples": [example(form)], **bounds}
    if get_origin(form.type) is Literal:
        return {"enum": list(get_args(form.type))}
    if form.type is bool:
        return {"type": "boolean"}
    if form.type is int:
        return {"type": "integer", **_limits(form)}
    if form.type is float:
        return {"type": ["number", "string"], "pattern": f"^{NUMBER}$", **_limits(form)}
    return {"type": "string"}


def quantity_schemas() -> dict[str, Schema]:
    """Return the schema of a value of each dimension, by `a.` and its name."""
    return {
        f"a.{name}": {
            "type": "string" if dimension.si else ["string", "number"],
            "pattern": quantity_pattern(name),
            "description": f"{dimension.name} such as '{dimension.example}'",
        }
        for name, dimension in DIMENSIONS.items()
    }


def _limits(form: Form) -> Schema:
    return {_BOUNDS[name]: value for name, value in form.bounds.items()}


def _described(
    model: type[BaseModel], key: str, forms: Sequence[Form], laws: Sequence[str]
) -> Schema:
    """Return what an editor shows of a key: its meaning, unit, bounds, default and laws."""
    info, form = model.model_fields[key], forms[0]
    parts = [" ".join((info.description or "").split())]
    if form.dimension is not None:
        parts.append(f"Unit: {DIMENSIONS[form.dimension].si or '1 or %'}.")
    if form.bounds:
        parts.append(f"Bounds: {bounds_text(form)}.")
    if info.is_required():
        parts.append("Required.")
    elif info.default is not None:
        parts.append(f"Default: {_default(info.default, form)}.")
    if laws:
        parts.append(f"By law: {', '.join(laws)}.")
    return {"description": " ".join(part for part in parts if part)}


def _default(value: Any, form: Form) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return readable(value, form) if isinstance(value, int | float) else str(value)


def _laws_schema(laws: dict[str, ByLaw]) -> Schema:
    """Return the schema of a law in the place of a value, chosen by its name."""
    chosen: Schema = {"properties": {"law": {"enum": list(laws)}}}
    if len(laws) == 1:
        return _law_schema(next(iter(laws.values())))
    chosen["allOf"] = [
        {"if": {"properties": {"law": {"const": name}}}, "then": _law_schema(marker)}
        for name, marker in laws.items()
    ]
    return chosen


def _law_schema(marker: ByLaw) -> Schema:
    parameters = {item.name: _parameter_schema(item) for item in marker.parameters()}
    shown = {"description": "What the law gave; it is evaluated anew."}
    return {
        "description": f"{marker.law.formula}. {marker.law.source}",
        "properties": {
            "law": {"const": marker.law.name}, **parameters, "value": shown, "source": TEXT,
        },
        "required": [
            "law", *(item.name for item in marker.parameters() if item.default is None)
        ],
        "additionalProperties": False,
    }  # fmt: skip


def _parameter_schema(item: Input) -> Schema:
    if item.choices:
        return {"enum": list(item.choices), "description": item.meaning}
    kind = Form(float, item.dimension, {"ge": item.least})
    return {**_form_schema(kind), "description": item.meaning}
