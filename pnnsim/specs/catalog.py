"""List what a description can hold: sections, kinds and keys.

Everything is derived from the models that the loader checks, so a new kind appears here by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from pnnsim.common.forms import Form, forms_of
from pnnsim.common.hints import did_you_mean, expectation, readable
from pnnsim.common.units import DIMENSIONS, readable_quantity, show
from pnnsim.devices.laws import laws_of
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import kinds, params_class, parts
from pnnsim.errors import Problem, SpecError
from pnnsim.networks.kinds import KINDS, network_class
from pnnsim.specs.control import ControlParams, EnvironmentParams
from pnnsim.specs.experiment import BLOCKS

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
    wanted = (*parts(), *SURROUNDINGS) if part is None else (_known_section(part),)
    return [(name, *row) for name in wanted for row in _summaries(models_of(name))]


def kinds_of_blocks() -> list[tuple[str, str, str]]:
    """Return (block, kind, summary) of what an experiment holds beside its machine.

    A block without kinds has an empty one.
    """
    return [(name, *row) for name in BLOCKS for row in _summaries(models_of(name))]


def _summaries(models: Mapping[str, type[BaseModel]]) -> list[tuple[str, str]]:
    return [
        (kind, (model.__doc__ or "").strip().partition("\n")[0]) for kind, model in models.items()
    ]


def fields_of_kind(name: str) -> list[tuple[str, str, str, str, str]]:
    """Return (key, unit, bounds, default, meaning) of every key of a kind.

    Args:
        name: Section and kind, such as `weight_banks.mrr`; a block without kinds by its name.

    Raises:
        SpecError: If there is no such section or kind.
    """
    section, _, kind = name.partition(".")
    models = models_of(_known_section(section))
    if kind not in models:
        choice = " or ".join(f"'{known}'" for known in models)
        what = f"unknown kind {show(kind)}; expected {choice}"
        raise SpecError([Problem(section, what, did_you_mean(kind, models))])
    return [_row(models[kind], key) for key in models[kind].model_fields if key != "kind"]


def _row(model: type[BaseModel], key: str) -> tuple[str, str, str, str, str]:
    info = model.model_fields[key]
    form = forms_of(model, key)[0]
    if form.dimension is None:
        unit = expectation(forms_of(model, key))
    else:
        unit = DIMENSIONS[form.dimension].si or "1 or %"
    default = "required" if info.is_required() else _default(info.default, form.dimension)
    known = laws_of(model, key)
    if known:
        default += f", or law {', '.join(known)}"
    return key, unit, _bounds(form), default, " ".join((info.description or "").split())


def _known_section(name: str) -> str:
    known = (*parts(), *SURROUNDINGS, *BLOCKS)
    if name not in known:
        what = f"unknown part {show(name)}; expected one of {', '.join(known)}"
        raise SpecError([Problem("", what, did_you_mean(name, known))])
    return name


def models_of(name: str) -> Mapping[str, type[BaseModel]]:
    """Return what each kind of a section is described by; kinds without a description left out.

    A block of an experiment has one kind without a name, but for the network.
    """
    if name == "network":
        return {kind: network_class(kind) for kind in KINDS}
    if name in BLOCKS:
        return {"": BLOCKS[name]}
    if name in SURROUNDINGS:
        model = SURROUNDINGS[name]
        return {str(get_args(model.model_fields["kind"].annotation)[0]): model}
    models = {kind: params_class(name, kind) for kind in kinds(name)}
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
