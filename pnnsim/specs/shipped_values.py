"""Values that the shipped machines have, beside the keys of a kind."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from pnnsim.common.forms import forms_of
from pnnsim.common.units import readable_quantity
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs

#: Different values of one key that are listed one by one; of more numbers the ends are.
_LISTED = 2


def shipped_values(name: str) -> dict[str, str]:
    """Return what stands for each key of a kind in the shipped machines, as text.

    Args:
        name: Part and kind, such as `weight_banks.mrr`; blocks of experiments are in no machine.
    """
    part, _, kind = name.partition(".")
    sections = [
        section
        for machine in available_specs()
        for found, section in load_spec(machine).sections().items()
        if found == part and section.kind == kind
    ]
    if not sections:
        return {}
    return {key: _texts(sections, key) for key in type(sections[0]).model_fields}


def _texts(sections: Sequence[BaseModel], key: str) -> str:
    """Return the values of a key, or the least and the greatest of many numbers."""
    dimension = forms_of(type(sections[0]), key)[0].dimension
    values = {dict(section)[key] for section in sections} - {None}
    if all(isinstance(value, int | float) for value in values):
        ordered = sorted(values)
    else:
        ordered = sorted(values, key=str)
    texts = [str(v) if dimension is None else readable_quantity(v, dimension) for v in ordered]
    texts = [text.lower() if text in ("True", "False") else text for text in dict.fromkeys(texts)]
    if len(texts) <= _LISTED:
        return ", ".join(texts)
    if isinstance(ordered[0], str | tuple):
        return ", ".join(texts)
    return f"{texts[0]} to {texts[-1]}"
