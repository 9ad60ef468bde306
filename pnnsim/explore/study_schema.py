"""JSON Schema of a study, and of any description of pnnsim, which its keys tell apart."""

from __future__ import annotations

from typing import Any

from pnnsim.explore.axes import MOST_VALUES
from pnnsim.explore.figures import dimensions
from pnnsim.explore.study_file import KEYS, MOST_REPLICAS, MOST_TRIALS, SAMPLERS
from pnnsim.specs.hardware import SCHEMA_VERSION
from pnnsim.specs.json_schema import DIALECT, definitions, experiment_object, machine_schema
from pnnsim.specs.value_schema import TEXT, Schema

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_WHOLE: Schema = {"type": "integer", "minimum": 1}


def study_schema() -> Schema:
    """Return the JSON Schema of a study's description."""
    return {
        "$schema": DIALECT,
        "title": "pnnsim study",
        **_study_object(),
        "definitions": definitions(),
    }


def any_schema() -> Schema:
    """Return one JSON Schema of machines, experiments and studies, for all files of a folder."""
    return {
        "$schema": DIALECT,
        "title": "pnnsim machine, experiment or study",
        "if": {"required": ["base"]},
        "then": _study_object(),
        "else": {
            "if": {"required": ["hardware"]},
            "then": experiment_object(),
            "else": machine_schema(),
        },
        "definitions": definitions(),
    }


def _study_object() -> Schema:
    figure = {"enum": list(dimensions())}
    pairs = {
        "type": "object",
        "additionalProperties": {**_SCALAR, "type": [*_SCALAR["type"], "array"]},
    }
    described: dict[str, tuple[str, Schema]] = {
        "schema": ("Version of the format.", {"const": SCHEMA_VERSION}),
        "base": ("Machine or experiment, by name or path, or the description itself.", _base()),
        "set": ("Values that are the same in every trial, by dotted key.", pairs),
        "vary": ("What is varied, by dotted key.", _vary()),
        "latin_hypercube": ("Points over the spans that have no n.", _WHOLE),
        "replicas": ("Trials of a point, each with its seed.", _WHOLE | {"maximum": MOST_REPLICAS}),
        "seed": ("Seed of what is drawn.", {"type": "integer", "minimum": 0}),
        "objectives": ("Figures to minimize or maximize.", _objectives(figure)),
        "constraints": ("Requirements such as 'latency_s.first <= 1 us'.", _list(TEXT)),
        "require": ("What a chip must meet to count for yield.", TEXT),
        "figures": ("Further columns.", _list(figure)),
        "trials": ("Trials of a search.", _WHOLE | {"maximum": MOST_TRIALS}),
        "search": ("How a search proposes trials.", _search()),
        "storage": ("Address of a PostgreSQL database.", {"type": "string"}),
    }  # fmt: skip
    assert tuple(described) == KEYS, "a key of studies has no schema"
    return {
        "type": "object",
        "properties": {
            key: {"description": text, **schema} for key, (text, schema) in described.items()
        },
        "required": ["schema", "base", "vary"],
        "additionalProperties": False,
    }


def _base() -> Schema:
    described = {
        "if": {"required": ["hardware"]},
        "then": experiment_object(),
        "else": machine_schema(),
    }
    return {"if": {"type": "string"}, "then": TEXT, "else": described}


def _vary() -> Schema:
    """Return the schema of what is varied: a list of values, or a span."""
    ends = {"type": "array", "items": _SCALAR, "minItems": 2, "maxItems": 2}
    names = ("log", "linear", "random")
    span: Schema = {
        "type": "object",
        "properties": {
            **dict.fromkeys(names, ends),
            "n": _WHOLE | {"maximum": MOST_VALUES},
            "scale": {"enum": ["linear", "log"]},
        },
        "oneOf": [{"required": [name]} for name in names],
        "if": {"required": ["random"]},
        "then": {"required": ["n"]},
        "else": {"properties": {"scale": False}},
        "additionalProperties": False,
    }
    values = {"type": "array", "minItems": 1, "maxItems": MOST_VALUES, "uniqueItems": True}
    entry = {"if": {"type": "array"}, "then": values, "else": span}
    return {"type": "object", "minProperties": 1, "additionalProperties": entry}


def _objectives(figure: Schema) -> Schema:
    entry: Schema = {
        "type": "object",
        "properties": {"minimize": figure, "maximize": figure},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    return _list(entry)


def _search() -> Schema:
    properties: dict[str, Any] = {
        "sampler": {"enum": list(SAMPLERS)},
        "generation": _WHOLE | {"maximum": 10_000},
        "keep": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "epochs": {"if": {"type": "array"}, "then": _list(_WHOLE), "else": _WHOLE},
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _list(entry: Schema) -> Schema:
    return {"type": "array", "items": entry}
