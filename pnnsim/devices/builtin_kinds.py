"""Table of the kinds that come along: where the description and the component of each are.

Both are named by module, so that reading a description imports no torch. Nothing here is imported
until `pnnsim.devices.registry` finds a kind by its name.
"""

from __future__ import annotations

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
