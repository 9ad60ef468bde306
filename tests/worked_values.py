"""Values of machines as they are worked through by hand, where the shipped ones have moved since.

Hand calculations stay as they are when a shipped machine gets a better value: a test gives these to
`load_spec` as overrides.
"""

from __future__ import annotations

_FRONT_END = (("front_end.static_power", "5 mW"), ("front_end.weight_energy", "0 J"))
_DAC = ("encoder.dac_energy", "3.584 pJ")
_ADC = (("readout.figure_of_merit", "25 fJ"), ("readout.enob", "7"))
_DIGITAL = ("nonlinearity.figure_of_merit", "25 fJ")
_DETECTOR = (("detector.static_power", "3 mW"), ("detector.amplifier_noise", "6.4 pA/Hz^0.5"))
_COOLER = ("environment.stabilization_power", "2 W")
_CROSSBAR = (
    *_FRONT_END, ("encoder.dac_energy", "1 pJ"), ("readout.figure_of_merit", "25 fJ"),
    ("readout.enob", "5.5"), ("detector.static_power", "0.1 mW"),
    ("detector.detection_energy", "0 J"),
    ("weight_banks.tmr_slope", "-0.15 %/K"),
)  # fmt: skip

#: Overrides by machine.
WORKED: dict[str, tuple[tuple[str, str], ...]] = {
    "photonic_mrr": (
        *_FRONT_END, _DAC, *_ADC, *_DETECTOR, _COOLER,
        ("encoder.symbol_energy", "50 fJ"), ("encoder.static_power", "1 mW"),
        ("encoder.laser_rin", "-150 dB/Hz"),
        ("weight_banks.hold_power", "1 mW"), ("weight_banks.driver_power", "0 W"),
    ),
    "photonic_mzi": (
        *_FRONT_END, _DAC, _DIGITAL, ("nonlinearity.enob", "7"), *_DETECTOR, _COOLER,
        ("weight_banks.driver_power", "0 W"), ("memory.energy_per_byte", "0.1 pJ"),
        ("memory.static_power", "1 nW"), ("readout.energy", "0.1 pJ"),
        ("switch.settling_time", "10 ns"), ("weight_banks.lock_power", "5 mW"),
    ),
    "freespace_dmd": (
        ("switch.static_power", "12 W"), ("weight_banks.static_power", "5 W"),
        *_FRONT_END, _DAC, _DIGITAL, ("nonlinearity.enob", "11"),
        ("memory.energy_per_byte", "1 pJ"), ("memory.static_power", "0 W"),
        ("readout.energy", "1 pJ"),
    ),
    "spintronic_mtj": _CROSSBAR,
    "spintronic_sto": (*_CROSSBAR, ("nonlinearity.static_power", "0.1 mW")),
}  # fmt: skip
