"""List what a description can hold: parts, kinds and keys.

Everything is derived from the `Params` models, so a new kind appears here by itself.
"""

from __future__ import annotations

from typing import Any, get_args

from pnnsim.common.units import DIMENSIONS, readable_quantity, show
from pnnsim.devices.laws import laws_of
from pnnsim.devices.quantities import Form, Params, forms_of
from pnnsim.devices.registry import kinds, params_class, parts
from pnnsim.errors import Problem, SpecError
from pnnsim.specs.control import ControlParams, EnvironmentParams
from pnnsim.specs.hints import expectation, readable
from pnnsim.specs.validation import did_you_mean

#: Sections of a machine that are no parts.
SURROUNDINGS: dict[str, type[Params]] = {
    "environment": EnvironmentParams,
    "control": ControlParams,
}


def kinds_of_parts(part: str | None = None) -> list[tuple[str, str, str]]:
    """Return (part, kind, summary) of every kind, or of the kinds of one part.

    Raises:
        SpecError: If there is no such part.
    """
    wanted = (*parts(), *SURROUNDINGS) if part is None else (_known_part(part),)
    return [
        (name, kind, (model.__doc__ or "").strip().partition("\n")[0])
        for name in wanted
        for kind, model in models_of(name).items()
    ]


def fields_of_kind(name: str) -> list[tuple[str, str, str, str, str]]:
    """Return (key, unit, bounds, default, meaning) of every key of a kind.

    Args:
        name: Part and kind, such as `weight_banks.mrr`.

    Raises:
        SpecError: If there is no such part or kind.
    """
    part, _, kind = name.partition(".")
    models = models_of(_known_part(part))
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


def _known_part(part: str) -> str:
    known = (*parts(), *SURROUNDINGS)
    if part not in known:
        what = f"unknown part {show(part)}; expected one of {', '.join(known)}"
        raise SpecError([Problem("", what, did_you_mean(part, known))])
    return part


def models_of(part: str) -> dict[str, type[Params]]:
    """Return what each kind of a part is described by; kinds without a description left out."""
    if part in SURROUNDINGS:
        model = SURROUNDINGS[part]
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
