"""List what a description can hold: parts, kinds, keys, and the same as JSON Schema for editors.

Everything is derived from the `Params` models, so a new kind appears here by itself.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, get_args

from pydantic import BaseModel

from pnnsim.common.forms import Form, forms_of
from pnnsim.common.hints import did_you_mean, example, expectation, readable
from pnnsim.common.units import DIMENSIONS, readable_quantity, show
from pnnsim.devices.laws import ByLaw, Input, laws_of
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import kinds, params_class, parts
from pnnsim.errors import Problem, SpecError
from pnnsim.specs.control import ControlParams, EnvironmentParams
from pnnsim.specs.hardware import SCHEMA_VERSION, Header

_SURROUNDINGS: dict[str, type[Params]] = {
    "environment": EnvironmentParams,
    "control": ControlParams,
}


def kinds_of_parts(part: str | None = None) -> list[tuple[str, str, str]]:
    """Return (part, kind, summary) of every kind, or of the kinds of one part.

    Raises:
        SpecError: If there is no such part.
    """
    wanted = (*parts(), *_SURROUNDINGS) if part is None else (_known_part(part),)
    return [
        (name, kind, (model.__doc__ or "").strip().partition("\n")[0])
        for name in wanted
        for kind, model in _models(name).items()
    ]


def fields_of_kind(name: str) -> list[tuple[str, str, str, str, str]]:
    """Return (key, unit, bounds, default, meaning) of every key of a kind.

    Args:
        name: Part and kind, such as `weight_banks.mrr`.

    Raises:
        SpecError: If there is no such part or kind.
    """
    part, _, kind = name.partition(".")
    models = _models(_known_part(part))
    if kind not in models:
        choice = " or ".join(f"'{known}'" for known in models)
        what = f"unknown kind {show(kind)}; expected {choice}"
        raise SpecError([Problem(part, what, did_you_mean(kind, models))])
    model = models[kind]
    rows = []
    for key, info in model.model_fields.items():
        if key == "kind":
            continue
        form = forms_of(model, key)[0]
        if form.dimension is None:
            unit = expectation(forms_of(model, key))
        else:
            unit = DIMENSIONS[form.dimension].si or "1 or %"
        default = "required" if info.is_required() else _default(info.default, form.dimension)
        known = laws_of(model, key)
        if known:
            default += f", or law {', '.join(known)}"
        rows.append((key, unit, _bounds(form), default, info.description or ""))
    return rows


def hardware_schema() -> dict[str, Any]:
    """Return the JSON Schema of a machine's description."""
    header = Header.model_json_schema()
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {"schema": {"const": SCHEMA_VERSION}, **header["properties"]}
    properties["source"] = {"type": "string"}
    for part in (*parts(), *_SURROUNDINGS):
        choices = []
        for kind, model in _models(part).items():
            definitions[f"{part}.{kind}"] = _section_schema(model, definitions)
            choices.append({"$ref": f"#/$defs/{part}.{kind}"})
        properties[part] = choices[0] if len(choices) == 1 else {"oneOf": choices}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pnnsim machine",
        "type": "object",
        "properties": properties,
        "required": ["schema", *header["required"], *parts(), "environment"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _section_schema(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one kind; each value may also stand beside notes such as its range."""
    section = deepcopy(model.model_json_schema())
    definitions.update(section.pop("$defs", {}))
    for key, value in section["properties"].items():
        if key == "kind":
            continue
        description = value.pop("description", "")
        value.pop("title", None)
        value.pop("default", None)
        plain = _without_null(value)
        if "x-unit" in plain:
            plain["examples"] = [example(forms_of(model, key)[0])]
        wrapped = {
            "type": "object",
            "properties": {
                "value": plain,
                "range": {"type": "array", "minItems": 2, "maxItems": 2},
                "group": {"type": "string", "minLength": 1},
                "drawn": {"type": "boolean"},
                "source": {"type": "string", "minLength": 1},
            },
            "required": ["value"],
            "additionalProperties": False,
        }
        laws = [_law_schema(marker) for marker in laws_of(model, key).values()]
        section["properties"][key] = {"description": description, "anyOf": [plain, wrapped, *laws]}
    section["properties"]["source"] = {"type": "string", "minLength": 1}
    if "kind" in section["properties"] and model not in _SURROUNDINGS.values():
        section["required"] = sorted({"kind", *section.get("required", [])})
    return section


def _law_schema(marker: ByLaw) -> dict[str, Any]:
    """Return the schema of a law in the place of a value."""
    parameters = {item.name: _parameter_schema(item) for item in marker.parameters()}
    return {
        "type": "object",
        "description": f"{marker.law.formula}. {marker.law.source}",
        "properties": {
            "law": {"const": marker.law.name},
            **parameters,
            "value": {"description": "What the law gave; it is evaluated anew."},
            "source": {"type": "string", "minLength": 1},
        },
        "required": [
            "law", *(item.name for item in marker.parameters() if item.default is None)
        ],
        "additionalProperties": False,
    }  # fmt: skip


def _parameter_schema(item: Input) -> dict[str, Any]:
    if item.choices:
        return {"enum": list(item.choices), "description": item.meaning}
    if item.dimension is None:
        return {"type": "number", "description": item.meaning}
    dimension = DIMENSIONS[item.dimension]
    return {
        "type": "string",
        "description": item.meaning,
        "examples": [dimension.example],
        "x-unit": dimension.si or "1",
    }


def _without_null(value: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without null: a value that is not given is left out."""
    choices = [choice for choice in value.get("anyOf", []) if choice != {"type": "null"}]
    if not choices:
        return value
    return choices[0] if len(choices) == 1 else {**value, "anyOf": choices}


def _known_part(part: str) -> str:
    known = (*parts(), *_SURROUNDINGS)
    if part not in known:
        what = f"unknown part {show(part)}; expected one of {', '.join(known)}"
        raise SpecError([Problem("", what, did_you_mean(part, known))])
    return part


def _models(part: str) -> dict[str, type[Params]]:
    if part in _SURROUNDINGS:
        model = _SURROUNDINGS[part]
        return {str(get_args(model.model_fields["kind"].annotation)[0]): model}
    models = {kind: params_class(part, kind) for kind in kinds(part)}
    return {kind: model for kind, model in models.items() if model is not None}


def _default(value: Any, dimension: str | None) -> str:
    if value is None:
        return "derived"
    if dimension is not None:
        return readable_quantity(value, dimension)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bounds(form: Form) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return ", ".join(
        f"{sign} {readable(form.bounds[name], form)}"
        for name, sign in signs.items()
        if name in form.bounds
    )
