"""Battery of laws that the simulator relies on and that every kind of part must keep.

    from pnnsim.testing import check_component
    check_component("weight_banks", "attenuators", AttenuatorParams(...))

No law is for one kind: every component of a family, shipped or installed, is checked by the same
laws, which `docs/how-to/own-device.md` lists. A device's own physics is for its own tests.
"""

from __future__ import annotations

from typing import Any

from pnnsim.devices.base import Size
from pnnsim.devices.family_params import (
    DetectorParams,
    EncoderParams,
    SwitchParams,
    WeightBankParams,
)
from pnnsim.devices.quantities import Carrier, Params
from pnnsim.devices.registry import component_class, parts
from pnnsim.testing.banks import BANK_LAWS
from pnnsim.testing.declared import ACTIONS, DECLARED_LAWS
from pnnsim.testing.signals import SIGNAL_LAWS
from pnnsim.testing.switches import SWITCH_LAWS
from pnnsim.testing.trial import Law, LawError, Trial

__all__ = ["ACTIONS", "LawError", "check_component", "laws", "small_size"]


def small_size(carrier: Carrier = "power") -> Size:
    """Return a machine that is quick to check, with five widths that all differ."""
    return Size(
        inputs=5,
        hidden=8,
        lines=6,
        detectors=7,
        outputs=3,
        banks=3,
        tiles_out=1,
        tiles_in=1,
        analog_state=True,
        temperature=300.0,
        carrier=carrier,
    )


def check_component(part: str, kind: str, params: Params, *, size: Size | None = None) -> None:
    """Check a kind by every law of its part.

    Args:
        part: Name of the part, such as `weight_banks`.
        kind: YAML name of the kind; built in, registered, or an installed entry point.
        params: Description to check it with; its non-idealities should not be zero.
        size: How much of the machine is used; a small machine, once for each carrier that the
            description allows, where it is not given.

    Raises:
        LawError: With every law that the component breaks, one a line: kind, view, law, and what
            was found of which action or method.
        KeyError: If there is no such kind.
        TypeError: If the description is that of another kind.
        ValueError: If there is no such part.
    """
    battery = laws(part)
    component = component_class(part, kind)
    if not isinstance(params, component.Params):
        raise TypeError(
            f"{part}.{kind}: params is {type(params).__name__}; expected "
            f"{component.Params.__name__}"
        )
    missing = sorted(component.__abstractmethods__)
    if missing:
        raise LawError(
            f"{part}.{kind}: declaration: declarations: {component.__name__} lacks "
            f"{', '.join(missing)}; expected every method of its family"
        )
    sizes = [small_size(carrier) for carrier in _carriers(params)] if size is None else [size]
    for each in sizes:
        trial = Trial(part, kind, component(params, each))
        trial.run(battery)


def laws(part: str) -> tuple[Law[Any], ...]:
    """Return the laws that every kind of a part must keep, in the order in which they are checked.

    Raises:
        ValueError: If there is no such part.
    """
    if part not in parts():
        raise ValueError(f"unknown part '{part}'; expected one of {', '.join(parts())}")
    own = {**SIGNAL_LAWS, "switch": SWITCH_LAWS, "weight_banks": BANK_LAWS}
    return (*DECLARED_LAWS, *own[part])


def _carriers(params: Params) -> tuple[Carrier, ...]:
    """Return what lines may carry to or from a part, by its description."""
    if isinstance(params, WeightBankParams):
        return (params.carrier,)
    if isinstance(params, EncoderParams):
        return (params.sends,)
    if isinstance(params, SwitchParams | DetectorParams):
        return params.accepts
    return ("power",)
