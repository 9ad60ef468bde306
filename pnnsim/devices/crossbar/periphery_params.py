"""Describe the electronics around a crossbar: what drives, selects and reads its lines."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_params import DacParams
from pnnsim.devices.family_params import DetectorParams, SwitchParams
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Charge,
    Count,
    Current,
    CurrentNoise,
    Energy,
    Fraction,
    Frequency,
    Power,
    Resistance,
    Time,
    Voltage,
)


class LineDriverParams(DacParams):
    """Drivers that put the state as voltages onto the lines of a crossbar."""

    sends: ClassVar[Carrier] = "voltage"

    kind: Literal["line_driver"]
    lines: Count
    """Lines that can be driven at once."""
    polarity: Literal["bipolar", "unipolar"]
    """Whether a line carries [-1, 1] or [0, 1]; anything beyond is clipped."""
    voltage: Annotated[Voltage, Field(gt=0, le=10)]
    """Voltage of a line at logical 1."""
    bits: Bits
    """Resolution of the digital-to-analog converters over the range of a line."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Conversion rate of each converter; one conversion takes its inverse."""
    dac_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one conversion of one line."""
    settling_time: Annotated[Time, Field(ge=0)]
    """Wait for a driver to settle on a new voltage."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one new voltage on one line, without what the crossbar then takes."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one driver."""


class CurrentSwitchParams(SwitchParams):
    """Transmission gates, one on each sense line, that connect one bank."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("voltage",)

    kind: Literal["current"]
    gates_per_output: Count
    """Sense lines of one bank that make up one output: both polarities, every junction."""
    decoder_time: Annotated[Time, Field(ge=0)]
    """Time from the address to the gate, in which nothing moves yet."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant of a sense line with its gate."""
    bits: Bits
    """Depth to which a sense line settles."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Time of a whole move; from decoder, time constant and bits where it is not given."""
    on_resistance: Annotated[Resistance, Field(gt=0)]
    """Resistance of a closed gate. It costs leakage only: the amplifier senses behind the gate."""
    off_resistance: Annotated[Resistance, Field(gt=0)]
    """Resistance of an open gate."""
    injected_charge: Annotated[Charge, Field(ge=0)]
    """Charge that one gate leaves on its line when it moves."""
    injection_mismatch: Annotated[Fraction, Field(ge=0, le=1)]
    """Part of that charge that the other polarity does not cancel."""
    injection_time: Annotated[Time, Field(gt=0)]
    """Time constant with which the amplifier takes the charge off the line."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move of one gate."""
    static_power: Annotated[Power, Field(ge=0)]
    """Leakage power of one gate."""


class CrossbarTiaParams(DetectorParams):
    """Transimpedance amplifiers that hold the sense lines at virtual ground."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("voltage",)

    kind: Literal["crossbar_tia"]
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of the closed loop."""
    bits: Bits
    """Depth to which the amplifier settles before the value is captured."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait before the capture; from bandwidth and bits where it is not given."""
    amplifier_noise: Annotated[CurrentNoise, Field(ge=0, le=1e-6)]
    """Input-referred current noise density of the amplifier, one-sided."""
    current_limit: Annotated[Current, Field(gt=0)]
    """Difference current beyond which the output stays at its rail."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one amplifier."""
