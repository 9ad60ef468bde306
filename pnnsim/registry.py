"""Find the kinds of parts: a literal table, `register()`, and entry points.

A kind is a pair: its `Params`, which describes, and its component, which computes. The table names
both by module so that reading a description imports no torch. A spec can never name a module.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pnnsim.components.base import Component
    from pnnsim.params.base import Params

ENTRY_POINT_GROUP = "pnnsim.components"

#: part → kind → (description, component). The parts come in the order in which a wave meets them.
BUILTIN: dict[str, dict[str, tuple[str, str]]] = {
    "front_end": {
        "digital": (
            "pnnsim.params.front_end:DigitalParams",
            "pnnsim.components.front_end:DigitalFrontEnd",
        ),
    },
    "encoder": {
        "mrm": ("pnnsim.params.encoder:MrmParams", "pnnsim.components.encoder:ModulatorEncoder"),
        "mzm": ("pnnsim.params.encoder:MzmParams", "pnnsim.components.encoder:MachZehnderEncoder"),
        "source_array": (
            "pnnsim.params.freespace:SourceArrayParams",
            "pnnsim.components.freespace:SourceArray",
        ),
        "dmd_rows": (
            "pnnsim.params.freespace:DmdRowsParams",
            "pnnsim.components.freespace:MirrorEncoder",
        ),
        "line_driver": (
            "pnnsim.params.crossbar:LineDriverParams",
            "pnnsim.components.crossbar_periphery:LineDriver",
        ),
    },
    "switch": {
        "electro_optic": (
            "pnnsim.params.switch:ElectroOpticSwitchParams",
            "pnnsim.components.switch:ElectroOpticSwitch",
        ),
        "thermo_optic": (
            "pnnsim.params.switch:ThermoOpticSwitchParams",
            "pnnsim.components.switch:ThermoOpticSwitch",
        ),
        "plzt": ("pnnsim.params.switch:PlztSwitchParams", "pnnsim.components.switch:PlztSwitch"),
        "fiber_mems": (
            "pnnsim.params.fiber:FiberMemsSwitchParams",
            "pnnsim.components.fiber:FiberMemsSwitch",
        ),
        "soa": ("pnnsim.params.fiber:SoaSwitchParams", "pnnsim.components.fiber:SoaSwitch"),
        "dmd": (
            "pnnsim.params.freespace:DmdSwitchParams",
            "pnnsim.components.freespace:MirrorSwitch",
        ),
        "current": (
            "pnnsim.params.crossbar:CurrentSwitchParams",
            "pnnsim.components.crossbar_periphery:CurrentSwitch",
        ),
    },
    "weight_banks": {
        "mrr": ("pnnsim.params.weight_bank:MrrParams", "pnnsim.components.weight_bank:RingBank"),
        "pcm": (
            "pnnsim.params.phase_change:PcmParams",
            "pnnsim.components.phase_change:PhaseChangeBank",
        ),
        "slm": ("pnnsim.params.freespace:SlmParams", "pnnsim.components.freespace:MaskBank"),
        "mzi_mesh": ("pnnsim.params.mzi_mesh:MziMeshParams", "pnnsim.components.mzi_mesh:MziMesh"),
        "mtj_crossbar": (
            "pnnsim.params.mtj:MtjCrossbarParams",
            "pnnsim.components.mtj_crossbar:MtjCrossbar",
        ),
    },
    "detector": {
        "balanced_photodiode": (
            "pnnsim.params.detector:BalancedPhotodiodeParams",
            "pnnsim.components.detector:BalancedPhotodiode",
        ),
        "photodiode": (
            "pnnsim.params.detector:PhotodiodeParams",
            "pnnsim.components.photodiode:Photodiode",
        ),
        "camera": ("pnnsim.params.freespace:CameraParams", "pnnsim.components.camera:Camera"),
        "crossbar_tia": (
            "pnnsim.params.crossbar:CrossbarTiaParams",
            "pnnsim.components.crossbar_periphery:CrossbarTia",
        ),
    },
    "nonlinearity": {
        "electro_optic": (
            "pnnsim.params.nonlinearity:ElectroOpticActivationParams",
            "pnnsim.components.nonlinearity:ElectroOpticActivation",
        ),
        "square_law": (
            "pnnsim.params.nonlinearity:SquareLawParams",
            "pnnsim.components.passive_activation:SquareLaw",
        ),
        "saturable_absorber": (
            "pnnsim.params.nonlinearity:SaturableAbsorberParams",
            "pnnsim.components.passive_activation:SaturableAbsorber",
        ),
        "digital": (
            "pnnsim.params.digital:DigitalActivationParams",
            "pnnsim.components.digital:DigitalActivation",
        ),
        "electronic_analog": (
            "pnnsim.params.electric_activation:ElectronicAnalogParams",
            "pnnsim.components.electric_activation:ElectronicAnalog",
        ),
        "mtj_sigmoid": (
            "pnnsim.params.electric_activation:MtjSigmoidParams",
            "pnnsim.components.electric_activation:MtjSigmoid",
        ),
        "spin_oscillator": (
            "pnnsim.params.electric_activation:SpinOscillatorParams",
            "pnnsim.components.electric_activation:SpinOscillator",
        ),
    },
    "memory": {
        "sample_hold": (
            "pnnsim.params.memory:SampleHoldParams",
            "pnnsim.components.memory:SampleHold",
        ),
        "delay_line": ("pnnsim.params.fiber:DelayLineParams", "pnnsim.components.fiber:DelayLine"),
        "sram": ("pnnsim.params.digital:SramParams", "pnnsim.components.digital:Sram"),
    },
    "readout": {
        "adc": ("pnnsim.params.memory:AdcParams", "pnnsim.components.readout:Adc"),
        "register": ("pnnsim.params.digital:RegisterParams", "pnnsim.components.digital:Register"),
    },
}

_registered: dict[tuple[str, str], type[Component[Any]]] = {}


def parts() -> tuple[str, ...]:
    """Return the names of the parts of a machine, in the order in which a wave meets them."""
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
        ValueError: If the part is unknown or the kind is already taken by another class.
    """
    if part not in BUILTIN:
        raise ValueError(f"unknown part '{part}'; expected one of {', '.join(BUILTIN)}")
    kind = component.kind
    owner = _registered.get((part, kind))
    if kind in BUILTIN[part] or (owner is not None and owner is not component):
        other = "pnnsim" if owner is None else f"{owner.__module__}.{owner.__qualname__}"
        raise ValueError(
            f"{part}.{kind} is claimed by {other} and by "
            f"{component.__module__}.{component.__qualname__}; give yours another name"
        )
    _registered[part, kind] = component


def params_class(part: str, kind: str) -> type[Params] | None:
    """Return the description of a kind, or None where nobody knows it."""
    if kind in BUILTIN[part]:
        module, name = BUILTIN[part][kind][0].split(":")
        found: type[Params] = getattr(import_module(module), name)
        return found
    component = _foreign(part, kind)
    return None if component is None else component.Params


def component_class(part: str, kind: str) -> type[Component[Any]]:
    """Return the component of a kind that `params_class` knows.

    Raises:
        KeyError: If nobody knows the kind.
    """
    if kind in BUILTIN[part]:
        module, name = BUILTIN[part][kind][1].split(":")
        found: type[Component[Any]] = getattr(import_module(module), name)
        return found
    component = _foreign(part, kind)
    if component is None:
        raise KeyError(f"{part}.{kind}")
    return component


def imperfections(part: str, kind: str) -> tuple[str, ...]:
    """Return the names of the imperfections of a kind, such as `weight_banks.crosstalk`.

    This imports the component, and torch with it.

    Raises:
        KeyError: If nobody knows the kind.
    """
    return tuple(f"{part}.{name}" for name in component_class(part, kind).imperfections)


@lru_cache(1)
def _installed() -> tuple[EntryPoint, ...]:
    """Return the entry points of installed packages: read once, as it takes a look at each."""
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
    return component
