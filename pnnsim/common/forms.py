"""Forms in which the fields of a description may be written: type, dimension and bounds.

A form is derived from the annotation of a field, so that errors, the list of components and the
schema for editors cannot contradict what a field takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Quantity:
    """Marker of a float field that is a physical value, written with a unit.

    Args:
        dimension: Key of `pnnsim.common.units.DIMENSIONS`.
    """

    dimension: str


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a field: one of its union's members.

    Args:
        type: Plain Python type or a special form such as `Literal["a", "b"]`.
        dimension: Key of `DIMENSIONS`; None where it is not a physical value.
        bounds: Lowest and highest value with their comparison: `gt`, `ge`, `lt`, `le`.
    """

    type: Any
    dimension: str | None
    bounds: dict[str, float]


@lru_cache(maxsize=4096)
def forms_of(model: type[BaseModel], field: str) -> tuple[Form, ...]:
    """Return every way in which a field may be written, `None` left out.

    Args:
        model: Description.
        field: One of its fields.
    """
    info = model.model_fields[field]
    return tuple(_forms(info.annotation, info.metadata))


def dimension_of(model: type[BaseModel], field: str) -> str | None:
    """Return the dimension of a field, or None where it is not a physical value.

    Args:
        model: Description.
        field: One of its fields.
    """
    return next((form.dimension for form in forms_of(model, field) if form.dimension), None)


def forms_of_type(annotation: Any) -> tuple[Form, ...]:
    """Return every way in which a value of an annotation, such as a list's member, is written."""
    return tuple(_forms(annotation, []))


def is_list(form: Form) -> bool:
    """Return whether a form is a list of values."""
    return get_origin(form.type) in (tuple, list)


def _forms(annotation: Any, metadata: list[Any]) -> Iterator[Form]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        yield from _forms(inner, [*extra, *metadata])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            if member is not type(None):
                yield from _forms(member, metadata)
    else:
        dimension = None
        bounds: dict[str, float] = {}
        for marker in metadata:
            if isinstance(marker, Quantity):
                dimension = marker.dimension
            for limit in marker.metadata if isinstance(marker, FieldInfo) else [marker]:
                bounds.update(_bound(limit))
        yield Form(annotation, dimension, bounds)


def _bound(limit: object) -> dict[str, Any]:
    """Return a marker of a field as a bound; nothing where it is another."""
    match limit:
        case Gt(gt):
            return {"gt": gt}
        case Ge(ge):
            return {"ge": ge}
        case Lt(lt):
            return {"lt": lt}
        case Le(le):
            return {"le": le}
    return {}
