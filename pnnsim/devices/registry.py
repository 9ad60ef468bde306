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
    from pnnsim.devices.base import Component
    from pnnsim.devices.quantities import Params

ENTRY_POINT_GROUP = "pnnsim.components"

#: part → kind → (description, component). The parts come in the order in which a sample meets them.
BUILTIN: dict[str, dict[str, tuple[str, str]]] = {
    "front_end": {
        "digital": (
            "front_ends.digital_params:DigitalParams",
            "front_ends.digital:DigitalFrontEnd",
        ),
    },
    "encoder": {
        "mrm": ("encoders.modulator_params:MrmParams", "encoders.modulator:ModulatorEncoder"),
        "mzm": ("encoders.modulator_params:MzmParams", "encoders.modulator:MachZehnderEncoder"),
        "source_array": (
            "encoders.source_array_params:SourceArrayParams",
            "encoders.source_array:SourceArray",
        ),
        "dmd_rows": (
            "encoders.dmd_rows_params:DmdRowsParams",
            "encoders.dmd_rows:MirrorEncoder",
        ),
        "line_driver": (
            "encoders.line_driver_params:LineDriverParams",
            "encoders.line_driver:LineDriver",
        ),
        "stream_modulator": (
            "encoders.stream_modulator_params:StreamModulatorParams",
            "encoders.stream_modulator:StreamModulator",
        ),
        "gate_driver": (
            "encoders.gate_driver_params:GateDriverParams",
            "encoders.gate_driver:GateDriver",
        ),
        "microwave_source": (
            "encoders.microwave_source_params:MicrowaveSourceParams",
            "encoders.microwave_source:MicrowaveSource",
        ),
        "register": ("encoders.register_params:RegisterRowParams", "encoders.register:RegisterRow"),
    },
    "switch": {
        "electro_optic": (
            "switches.switch_tree_params:ElectroOpticSwitchParams",
            "switches.switch_tree:ElectroOpticSwitch",
        ),
        "thermo_optic": (
            "switches.switch_tree_params:ThermoOpticSwitchParams",
            "switches.switch_tree:ThermoOpticSwitch",
        ),
        "plzt": ("switches.switch_tree_params:PlztSwitchParams", "switches.switch_tree:PlztSwitch"),
        "fiber_mems": (
            "switches.fiber_params:FiberMemsSwitchParams",
            "switches.fiber:FiberMemsSwitch",
        ),
        "soa": ("switches.fiber_params:SoaSwitchParams", "switches.fiber:SoaSwitch"),
        "dmd": (
            "switches.dmd_params:DmdSwitchParams",
            "switches.dmd:MirrorSwitch",
        ),
        "current": (
            "switches.current_params:CurrentSwitchParams",
            "switches.current:CurrentSwitch",
        ),
        "tabulated": (
            "switches.tabulated_params:TabulatedSwitchParams",
            "switches.tabulated:TabulatedSwitch",
        ),
        "multiplexer": (
            "switches.multiplexer_params:MultiplexerParams",
            "switches.multiplexer:Multiplexer",
        ),
        "none": ("switches.none_params:NoSwitchParams", "switches.none:NoSwitch"),
    },
    "weight_banks": {
        "mrr": ("weight_banks.mrr_params:MrrParams", "weight_banks.mrr:RingBank"),
        "pcm": (
            "weight_banks.pcm_params:PcmParams",
            "weight_banks.pcm:PhaseChangeBank",
        ),
        "slm": ("weight_banks.slm_params:SlmParams", "weight_banks.slm:MaskBank"),
        "mzi_mesh": ("weight_banks.mzi_mesh_params:MziMeshParams", "weight_banks.mzi_mesh:MziMesh"),
        "pcm_crossbar": (
            "weight_banks.pcm_crossbar_params:PcmCrossbarParams",
            "weight_banks.pcm_crossbar:PcmCrossbar",
        ),
        "mtj_crossbar": (
            "weight_banks.mtj_crossbar_params:MtjCrossbarParams",
            "weight_banks.mtj_crossbar:MtjCrossbar",
        ),
        "tabulated": (
            "weight_banks.tabulated_params:TabulatedBankParams",
            "weight_banks.tabulated:TabulatedBank",
        ),
        "streamed": (
            "weight_banks.streamed_params:StreamedParams",
            "weight_banks.streamed:StreamedBank",
        ),
        "mram_column": (
            "weight_banks.mram_column_params:MramColumnParams",
            "weight_banks.mram_column:MramColumn",
        ),
        "spin_diode": (
            "weight_banks.spin_diode_params:SpinDiodeParams",
            "weight_banks.spin_diode:SpinDiodeBank",
        ),
        "digital": (
            "weight_banks.digital_params:DigitalBankParams",
            "weight_banks.digital:DigitalBank",
        ),
        "intensity": (
            "weight_banks.intensity_params:IntensityParams",
            "weight_banks.intensity:IntensityBank",
        ),
    },
    "detector": {
        "balanced_photodiode": (
            "detectors.balanced_photodiode_params:BalancedPhotodiodeParams",
            "detectors.balanced_photodiode:BalancedPhotodiode",
        ),
        "photodiode": (
            "detectors.photodiode_params:PhotodiodeParams",
            "detectors.photodiode:Photodiode",
        ),
        "camera": ("detectors.camera_params:CameraParams", "detectors.camera:Camera"),
        "single_photon": (
            "detectors.single_photon_params:SinglePhotonParams",
            "detectors.single_photon:SinglePhoton",
        ),
        "crossbar_tia": (
            "detectors.crossbar_tia_params:CrossbarTiaParams",
            "detectors.crossbar_tia:CrossbarTia",
        ),
        "time_integrating": (
            "detectors.time_integrating_params:TimeIntegratingParams",
            "detectors.time_integrating:TimeIntegrating",
        ),
        "time_to_digital": (
            "detectors.time_to_digital_params:TimeToDigitalParams",
            "detectors.time_to_digital:TimeToDigital",
        ),
        "voltage_amplifier": (
            "detectors.voltage_amplifier_params:VoltageAmplifierParams",
            "detectors.voltage_amplifier:VoltageAmplifier",
        ),
        "accumulator": (
            "detectors.accumulator_params:AccumulatorParams",
            "detectors.accumulator:Accumulator",
        ),
    },
    "nonlinearity": {
        "electro_optic": (
            "nonlinearities.electro_optic_params:ElectroOpticActivationParams",
            "nonlinearities.electro_optic:ElectroOpticActivation",
        ),
        "square_law": (
            "nonlinearities.passive_params:SquareLawParams",
            "nonlinearities.passive:SquareLaw",
        ),
        "saturable_absorber": (
            "nonlinearities.passive_params:SaturableAbsorberParams",
            "nonlinearities.passive:SaturableAbsorber",
        ),
        "digital": (
            "nonlinearities.digital_params:DigitalActivationParams",
            "nonlinearities.digital:DigitalActivation",
        ),
        "lookup": ("nonlinearities.lookup_params:LookupParams", "nonlinearities.lookup:Lookup"),
        "electronic_analog": (
            "nonlinearities.electronic_params:ElectronicAnalogParams",
            "nonlinearities.electronic:ElectronicAnalog",
        ),
        "mtj_sigmoid": (
            "nonlinearities.electronic_params:MtjSigmoidParams",
            "nonlinearities.electronic:MtjSigmoid",
        ),
        "stochastic_binary": (
            "nonlinearities.stochastic_binary_params:StochasticBinaryParams",
            "nonlinearities.stochastic_binary:StochasticBinary",
        ),
        "spin_oscillator": (
            "nonlinearities.electronic_params:SpinOscillatorParams",
            "nonlinearities.electronic:SpinOscillator",
        ),
    },
    "memory": {
        "sample_hold": (
            "memories.sample_hold_params:SampleHoldParams",
            "memories.sample_hold:SampleHold",
        ),
        "delay_line": (
            "memories.delay_line_params:DelayLineParams",
            "memories.delay_line:DelayLine",
        ),
        "sram": ("memories.sram_params:SramParams", "memories.sram:Sram"),
    },
    "readout": {
        "adc": ("readouts.adc_params:AdcParams", "readouts.adc:Adc"),
        "register": ("readouts.register_params:RegisterParams", "readouts.register:Register"),
    },
}

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
