"""JSON Schema of machines and experiments, for editors and validators.

Everything is derived from the models that the loader checks, so that a new kind appears here by
itself. A section's keys depend on its `kind` by `if` and `then`: a message is about one kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from pnnsim.devices.registry import parts
from pnnsim.specs.catalog import SURROUNDINGS, models_of
from pnnsim.specs.experiment import BLOCKS
from pnnsim.specs.hardware import SCHEMA_VERSION, Header
from pnnsim.specs.value_schema import TEXT, Schema, field_schema, quantity_schemas

#: The version that most editors support.
DIALECT = "http://json-schema.org/draft-07/schema#"

_VERSION: Schema = {"const": SCHEMA_VERSION, "description": "Version of the format."}


def hardware_schema() -> Schema:
    """Return the JSON Schema of a machine's description."""
    return {"$schema": DIALECT, "title": "pnnsim machine", **machine_schema(), **_definitions()}


def experiment_schema() -> Schema:
    """Return the JSON Schema of an experiment's description."""
    return {
        "$schema": DIALECT,
        "title": "pnnsim experiment",
        **experiment_object(),
        **_definitions(),
    }


def machine_schema() -> Schema:
    """Return the schema of a machine as an object, which refers to definitions."""
    header = Header.model_json_schema()
    properties: dict[str, Any] = {"schema": _VERSION, **header["properties"], "source": TEXT}
    for part in (*parts(), *SURROUNDINGS):
        properties[part] = {"$ref": f"#/definitions/{part}"}
    return {
        "type": "object",
        "properties": properties,
        "required": ["schema", *header["required"], *parts(), "environment"],
        "additionalProperties": False,
    }


def experiment_object() -> Schema:
    """Return the schema of an experiment as an object, which refers to definitions."""
    inline = machine_schema()
    inline["required"] = [key for key in inline["required"] if key != "schema"]
    hardware = {
        "description": "Name or path of a machine, or its description.",
        "if": {"type": "string"},
        "then": TEXT,
        "else": inline,
    }
    blocks = {name: {"$ref": f"#/definitions/{name}"} for name in BLOCKS}
    return {
        "type": "object",
        "properties": {"schema": _VERSION, "hardware": hardware, **blocks},
        "required": ["schema", "hardware"],
        "additionalProperties": False,
    }


def definitions() -> dict[str, Schema]:
    """Return every section by name, every kind of it by `part.kind`, and every dimension."""
    found = quantity_schemas()
    for part in (*parts(), *SURROUNDINGS):
        models = models_of(part)
        optional = part in SURROUNDINGS
        _add_section(found, part, models, default=next(iter(models)) if optional else None)
    _add_section(found, "network", models_of("network"), default="relaxnet", drawn=False)
    for name, model in BLOCKS.items():
        if name != "network":
            found[name] = _kind_schema(model, None, drawn=False)
    return found


def _definitions() -> Schema:
    return {"definitions": definitions()}


def _add_section(
    found: dict[str, Schema],
    name: str,
    models: Mapping[str, type[BaseModel]],
    *,
    default: str | None,
    drawn: bool = True,
) -> None:
    """Add a section whose keys depend on its kind.

    Args:
        found: Definitions to add to.
        name: Key of the section.
        models: What each kind is described by.
        default: Kind where none is given; None where one must be.
        drawn: Whether bands are drawn from its ranges.
    """
    for kind, model in models.items():
        found[f"{name}.{kind}"] = _kind_schema(model, kind, drawn=drawn)
    rules = [
        {
            "if": {
                "properties": {"kind": {"const": kind}},
                "required": [] if kind == default else ["kind"],
            },
            "then": {"$ref": f"#/definitions/{name}.{kind}"},
        }
        for kind in models
    ]
    found[name] = {
        "type": "object",
        "properties": {
            "kind": {"enum": list(models), "description": f"Kind of the section {name}."}
        },
        "required": [] if default else ["kind"],
        "allOf": rules,
    }


def _kind_schema(model: type[BaseModel], kind: str | None, *, drawn: bool) -> Schema:
    """Return the schema of a section of one kind."""
    keys = [key for key in model.model_fields if key != "kind"]
    properties: dict[str, Any] = {"source": TEXT} if drawn else {}
    if kind is not None:
        summary = (model.__doc__ or "").strip().partition("\n")[0]
        properties["kind"] = {"const": kind, "description": summary}
    properties |= {key: field_schema(model, key, drawn=drawn) for key in keys}
    return {
        "type": "object",
        "properties": properties,
        "required": [key for key in keys if model.model_fields[key].is_required()],
        "additionalProperties": False,
    }
