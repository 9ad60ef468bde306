"""Hold a small machine as text, and find places in a text without any YAML parser."""

from __future__ import annotations

from pathlib import Path

from pnnsim.errors import SpecError
from pnnsim.specs.experiment import load_experiment

#: Round numbers chosen for these tests; they describe no real machine.
MACHINE = """\
schema: 1
name: small
summary: A machine for tests
technology: photonic
front_end:
  kind: digital
  clock: 1 GHz
  macs_per_cycle: 4096
  mac_energy: 0.1 pJ
  static_power: 5 mW
encoder:
  kind: mrm
  lines: 64
  bits: 8
  symbol_rate: 1 GHz
  dac_energy: 3.5 pJ
  bandwidth: 20 GHz
  symbol_energy: 50 fJ
  static_power: 1 mW
  insertion_loss: 1 dB
  laser_power: 1 mW
  laser_efficiency: 20 %
  laser_rin: -150 dB/Hz
switch:
  kind: electro_optic
  count: 2
  rise_time: 3.2 ns
  bits: 8
  insertion_loss: 1 dB
  crosstalk: 20 dB
  toggle_energy: 10 pJ
  static_power: 15 mW
weight_banks:
  kind: mrr
  count: 2
  rows: 64
  cols: 64
  channel_crosstalk: 15 dB
  channels_per_bus: 32
  wavelength: 1550 nm
  ring_radius: 5 um
  group_index: 4.2
  self_coupling: 0.99
  ring_loss: 3 dB/cm
  through_loss: 0.02 dB
  excess_loss: 2.7 dB
  ring_power_limit: 0.3 mW
  path_length: 20 mm
  ring_pitch: 25 um
  bits: 8
  usable_range: 98 %
  resonance_error: 0.78 pm
  write_repeatability: 0.0039
  thermal_shift: 0.075 nm/K
  temperature_error: 5 mK
  temperature_time: 10 s
  tuning: thermal
  heater_crosstalk: 1 %
  heater_decay_length: 50 um
  hold_power: 1.1 mW
  time_constant: 10 us
  slow_time_constant: 2 ms
  slow_fraction: 5 %
  calibration_rounds: 10
  round_energy: 3.5 pJ
detector:
  kind: balanced_photodiode
  responsivity: 1.0 A/W
  bandwidth: 5 GHz
  bits: 8
  dark_current: 10 nA
  amplifier_noise: 6.4 pA/Hz^0.5
  saturation_power: 5 mW
  common_mode_rejection: 30 dB
  static_power: 3 mW
nonlinearity:
  kind: electro_optic
  carrier: pump
  v_pi: 1.5 V
  drive_voltage: 0.75 V
  bias_voltage: -0.75 V
  tap_fraction: 0 %
  bandwidth: 20 GHz
  bits: 8
  energy: 50 fJ
  static_power: 0.5 mW
memory:
  kind: sample_hold
  capacity: 1
  hold_time: 0.1 ns
  energy: 0.1 pJ
  droop: 1 %/us
  static_power: 0 mW
readout:
  kind: adc
  bits: 8
  conversion_time: 1 ns
  figure_of_merit: 25 fJ
  enob: 7
  static_power: 0 mW
environment:
  temperature: 300 K
  stabilization_power: 10 W
control:
  block: 1
  overlap: true
"""


def changed(old: str, new: str, text: str = MACHINE) -> str:
    """Return the text with one place changed; the place must be there once."""
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the text"
    return text.replace(old, new)


def place_of(needle: str, text: str) -> str:
    """Return `line:column` of the only place of a needle, both from 1."""
    assert text.count(needle) == 1, f"{needle!r} is {text.count(needle)} times in the text"
    before = text[: text.index(needle)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def problems_of(text: str | bytes, folder: Path) -> list[str]:
    """Return the lines of the error that a file with this text raises, without the folder."""
    file = folder / "m.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    found: SpecError | None = None
    try:
        load_experiment(file)
    except SpecError as error:
        found = error
    if found is None:
        return []
    lines = str(found).split("\n")
    # A person reads this: one line a problem, no words of the libraries underneath.
    assert len(lines) == len(found.problems)
    assert not any("pydantic" in line or "Input should" in line for line in lines)
    return [line.removeprefix(f"{folder}/") for line in lines]
