"""Find the kinds of parts: a literal table (`builtin_kinds`), `register()`, and entry points.

A kind is a pair: its `Params`, which describes, and its component, which computes. A spec can never
name a module.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from pnnsim.devices.builtin_kinds import BUILTIN

if TYPE_CHECKING:
    from pnnsim.devices.base import Component
    from pnnsim.devices.quantities import Params

ENTRY_POINT_GROUP = "pnnsim.components"

_registered: dict[tuple[str, str], type[Component[Any]]] = {}


def parts() -> tuple[str, ...]:
    """Return the names of the parts of a machine, in the order in which a sample meets them."""
    return tuple(BUILTIN)


def kinds(part: str) -> tuple[str, ...]:
    """Return every kind known for a part, sorted: built in, registered, and by entry point."""
    names = set(BUILTIN[part])
    names.update(kind for owner, kind in _registered if owner == part)
    names.update(
        point.name.partition(".")[2]
        for point in _installed()
        if point.name.partition(".")[0] == part
    )
    return tuple(sorted(names))


def register(part: str, component: type[Component[Any]]) -> None:
    """Make a component class usable from specs in this process.

    Args:
        part: Name of the part, such as `weight_banks`.
        component: Final class with a `Params` of its own; its kind is the YAML name.

    Raises:
        ValueError: If the part is unknown, the kind is already taken by another class, or its
            description is not one of the part's family.
    """
    if part not in BUILTIN:
        raise ValueError(f"unknown part '{part}'; expected one of {', '.join(BUILTIN)}")
    kind = component.kind
    _check_family(part, component)
    owner = _registered.get((part, kind))
    if kind in BUILTIN[part] or (owner is not None and owner is not component):
        other = "pnnsim" if owner is None else f"{owner.__module__}.{owner.__qualname__}"
        raise ValueError(
            f"{part}.{kind} is claimed by {other} and by "
            f"{component.__module__}.{component.__qualname__}; give yours another name"
        )
    _registered[part, kind] = component


def params_class(part: str, kind: str) -> type[Params] | None:
    """Return the description of a kind, or None where there is no such kind.

    Args:
        part: Name of the part.
        kind: YAML name of the kind.

    Raises:
        ValueError: If several packages have the kind, or its description is of another family.
    """
    if kind in BUILTIN[part]:
        params: type[Params] = _builtin(BUILTIN[part][kind][0])
        return params
    component = _foreign(part, kind)
    return None if component is None else component.Params


def component_class(part: str, kind: str) -> type[Component[Any]]:
    """Return the component of a kind; see `params_class`.

    Args:
        part: Name of the part.
        kind: YAML name of the kind.

    Raises:
        KeyError: If there is no such kind.
    """
    if kind in BUILTIN[part]:
        component: type[Component[Any]] = _builtin(BUILTIN[part][kind][1])
        return component
    foreign = _foreign(part, kind)
    if foreign is None:
        raise KeyError(f"{part}.{kind}")
    return foreign


def _builtin(place: str) -> Any:
    """Return the class at a place of the table, written `module:name`."""
    module, name = place.split(":")
    return vars(import_module(f"pnnsim.devices.{module}"))[name]


def non_idealities(part: str, kind: str) -> tuple[str, ...]:
    """Return the names of the non-idealities of a kind, such as `weight_banks.crosstalk`.

    This imports the component, and torch with it.

    Args:
        part: Name of the part.
        kind: YAML name of the kind.

    Raises:
        KeyError: If there is no such kind.
    """
    return tuple(f"{part}.{name}" for name in component_class(part, kind).non_idealities)


@lru_cache(1)
def _installed() -> tuple[EntryPoint, ...]:
    """Return the entry points of installed packages; read once, as that opens every package."""
    return tuple(entry_points(group=ENTRY_POINT_GROUP))


def _foreign(part: str, kind: str) -> type[Component[Any]] | None:
    """Return a registered component, or the one entry point of exactly this name."""
    if (part, kind) in _registered:
        return _registered[part, kind]
    points = [point for point in _installed() if point.name == f"{part}.{kind}"]
    if not points:
        return None
    if len(points) > 1:
        owners = " and ".join(sorted(point.value for point in points))
        raise ValueError(f"{part}.{kind} is claimed by {owners}; uninstall one of them")
    component: type[Component[Any]] = points[0].load()
    _check_family(part, component)
    return component


def _check_family(part: str, component: type[Component[Any]]) -> None:
    """Refuse a component whose description lacks what a machine is put together from.

    Raises:
        ValueError: If its `Params` is not a description of the part's family.
    """
    from pnnsim.devices.family_params import FAMILIES

    family, params = FAMILIES[part], component.Params
    if not issubclass(params, family):
        raise ValueError(
            f"{part}.{component.kind}: {params.__qualname__} is not a description of this part; "
            f"expected a subclass of {family.__module__}.{family.__qualname__}"
        )
