"""What a message gives as an example is accepted where the message stands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import BaseModel

from pnnsim.common.forms import dimension_of
from pnnsim.devices.builtin_kinds import BUILTIN
from pnnsim.devices.registry import kinds, params_class, parts
from pnnsim.specs.control import ControlParams, EnvironmentParams
from pnnsim.specs.document import from_data
from pnnsim.specs.experiment import BLOCKS
from pnnsim.specs.json_schema import definitions
from pnnsim.specs.validation import check_section

MODELS: dict[str, type[BaseModel]] = {
    **{f"{part}.{kind}": params_class(part, kind) for part in parts() for kind in kinds(part)},
    "environment.package": EnvironmentParams,
    "control.sequencer": ControlParams,
    **BLOCKS,
}  # type: ignore[dict-item]

#: Every field that measures something, of every kind and block.
FIELDS = [
    (name, key)
    for name, model in MODELS.items()
    for key in model.model_fields
    if dimension_of(model, key) is not None
]

#: One text for each way to be wrong: no value, text, no unit, another unit, unknown unit, a list.
WRONG: list[Any] = [None, "", "qqq", "3 qqq", "3 dB", "3 W", "1,5 m", "1_0 s", ["1 s"], "9" * 99, 3]


def problems(model: type[BaseModel], key: str, value: Any) -> list[str]:
    """Return what is said of one value of a section that has no other."""
    document = from_data({"section": {key: value}})
    check_section(document, ("section",), model)
    return [p.what for p in document.problems if re.fullmatch(rf"section\.{key}([.[].*)?", p.where)]


def test_there_are_fields_of_every_part() -> None:
    assert len(FIELDS) > 150
    assert set(BUILTIN) <= {name.partition(".")[0] for name, _ in FIELDS}


@pytest.mark.parametrize(("name", "key"), FIELDS)
def test_the_example_of_a_message_is_accepted_by_its_field(name: str, key: str) -> None:
    model = MODELS[name]
    examples: set[str] = set()
    for value in WRONG:
        for problem in problems(model, key, value):
            examples.update(re.findall("such as '([^']*)'", problem))
    assert len(examples) == 1
    assert problems(model, key, examples.pop()) == []


def test_the_examples_of_the_schema_are_accepted_by_their_fields() -> None:
    seen = 0
    for name, section in definitions().items():
        if name not in MODELS:
            continue
        for key, value in section["properties"].items():
            for example in value.get("else", value).get("examples", ()):
                assert problems(MODELS[name], key, example) == [], (name, key)
                seen += 1
    assert seen > 150
