"""Describe the parts that hold weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.params.base import (
    Bits,
    Count,
    Energy,
    Fraction,
    Length,
    LengthPerTemperature,
    LossPerLengthDb,
    Params,
    Power,
    RatioDb,
    Temperature,
    Time,
)


class MrrParams(Params):
    """Describe broadcast-and-weight banks: one add-drop micro-ring for each weight."""

    kind: Literal["mrr"]
    count: Count
    """Physical banks, all powered all the time."""
    rows: Count
    """Outputs of one bank: balanced photodiodes, each behind a bus of its own."""
    cols: Count
    """Inputs of one bank: wavelengths times buses."""
    channels_per_bus: Annotated[int, Field(ge=1, le=1024)]
    """Wavelengths in one free spectral range; inputs beyond take further buses."""

    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the middle channel."""
    ring_radius: Annotated[Length, Field(gt=0, le=1e-3)]
    """Radius of a weight ring."""
    group_index: Annotated[float, Field(ge=1, le=6)]
    """Group index of the waveguide."""
    self_coupling: Annotated[float, Field(gt=0, lt=1)]
    """Amplitude that stays in the bus at each of the two couplers of a ring, r."""
    ring_loss: Annotated[LossPerLengthDb, Field(ge=0)]
    """Propagation loss inside a ring."""
    through_loss: Annotated[RatioDb, Field(ge=0, le=10)]
    """Loss of passing one ring that is off resonance."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of coupling and routing, without the power split over the rows."""
    ring_power_limit: Annotated[Power, Field(gt=0)]
    """Power at a ring beyond which it heats itself; a warning, not a model."""
    path_length: Annotated[Length, Field(ge=0, le=1e4)]
    """Waveguide from modulator to photodiode."""
    ring_pitch: Annotated[Length, Field(gt=0, le=1e-2)]
    """Distance of neighbouring rings; its square is the area of one weight."""

    bits: Bits
    """Levels of a weight over [-1, 1], and depth to which a write settles."""
    usable_range: Annotated[Fraction, Field(gt=0, lt=1)]
    """Part of the achievable weight interval that is used; the resonance itself has no slope."""
    resonance_error: Annotated[Length, Field(ge=0, le=1e-9)]
    """Standard deviation of a ring's resonance from its calibration, once per chip."""
    write_repeatability: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a weight from one programming to the next."""
    thermal_shift: Annotated[LengthPerTemperature, Field(ge=0, le=1e-9)]
    """Shift of a resonance with temperature."""
    temperature_error: Annotated[Temperature, Field(ge=0, le=10)]
    """Standard deviation of a ring's temperature from its set point."""
    temperature_time: Annotated[Time, Field(gt=0)]
    """Correlation time of that temperature."""

    hold_power: Annotated[Power, Field(ge=0, le=1)]
    """Mean heater power of one ring, drawn all the time."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Fast thermal time constant of a heater."""
    slow_time_constant: Annotated[Time, Field(gt=0)]
    """Slow thermal time constant of the substrate."""
    slow_fraction: Annotated[Fraction, Field(ge=0, lt=1)]
    """Part of the response that follows the slow time constant."""
    calibration_rounds: Annotated[int, Field(ge=1, le=10_000)]
    """Rounds of set, settle and measure in one programming."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait in one round; from time constant and bits where it is not given."""
    round_energy: Annotated[Energy, Field(ge=0)]
    """Energy of setting one heater once: its converter. Heat itself is hold power."""
