"""Page of all laws, with the fields that they give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pnnsim.common.units import readable_quantity
from pnnsim.devices.builtin_kinds import BUILTIN
from pnnsim.devices.laws import Input, Law, laws_of
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import params_class
from pnnsim.specs.control import EnvironmentParams
from reference.tables import NOTE, row

_LAWS_HEAD = """# Laws

What may stand in the place of a value as `law:`. *Scatter* is the span, as factors on the law, in
which four of five published parts lie; beyond the *span* of its data a law is extrapolated, with a
warning. Inputs with a place are read from the description; the others are parameters that stand
beside `law:`, as may `factor`, for a part that is better or worse than usual. How laws are used,
and how published points lie around them: [How to price a machine by laws](../how-to/laws.md).
"""


def laws_page() -> str:
    """Return the page of all laws, with the fields that they give."""
    lines = [NOTE, _LAWS_HEAD]
    for law, places in _laws().values():
        lines += [f"## `{law.name}`\n", f"`{law.formula}`\n"]
        low, high = law.scatter
        lines.append(f"Points: {law.points}. Scatter: {low:g} to {high:g}. Source: {law.source}.\n")
        lines += ["| gives | input | from | default | span of data |", "|---|---|---|---|---|"]
        for place, inputs in places:
            for item in law.inputs:
                where = inputs.get(item.name, "beside `law:`")
                cells = (
                    f"`{place}`", f"`{item.name}`: {item.meaning}",
                    where if isinstance(where, str) else " + ".join(where),
                    "" if item.default is None else _amount(item.default, item), _span(item),
                )  # fmt: skip
                lines.append(row(cells))
        lines.append("")
    return "\n".join(lines)


def _laws() -> dict[str, tuple[Law, list[tuple[str, Mapping[str, Any]]]]]:
    """Return every law with the fields that it gives and where their inputs are."""
    models: dict[str, type[Params]] = {"environment": EnvironmentParams}
    for part, kinds in BUILTIN.items():
        for kind in kinds:
            model = params_class(part, kind)
            assert model is not None, "a kind that is built in has a description"
            models[f"{part}.{kind}"] = model
    found: dict[str, tuple[Law, list[tuple[str, Mapping[str, Any]]]]] = {}
    for owner, model in models.items():
        for key in model.model_fields:
            for name, marker in laws_of(model, key).items():
                places = found.setdefault(name, (marker.law, []))[1]
                places.append((f"{owner}: {key}", marker.inputs))
    return dict(sorted(found.items()))


def _amount(value: float | str, item: Input) -> str:
    if isinstance(value, str) or item.dimension is None:
        return str(value) if isinstance(value, str) else f"{value:g}"
    return readable_quantity(value, item.dimension)


def _span(item: Input) -> str:
    if item.choices:
        return " or ".join(item.choices)
    if not math.isfinite(item.low):
        return ""
    return f"{_amount(item.low, item)} to {_amount(item.high, item)}"
