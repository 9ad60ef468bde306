"""Describe weight banks made of magnetic tunnel junctions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import (
    Area,
    Bits,
    Capacitance,
    Carrier,
    Count,
    Energy,
    Fraction,
    Frequency,
    MagneticField,
    PerTemperature,
    Resistance,
    Time,
    Voltage,
)

Encoding = Literal["binary", "ternary", "thermometer", "area", "series"]


class MtjCrossbarParams(WeightBankParams):
    """Crossbars of magnetic tunnel junctions: two groups of junctions for each weight."""

    carrier: ClassVar[Carrier] = "voltage"

    kind: Literal["mtj_crossbar"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank: driven lines of each of its sub-arrays."""

    encoding: Encoding
    """How junctions make a weight: `binary` and `ternary` take one junction of each polarity,
    `thermometer` equal ones in parallel, `area` ones of areas 1, 2, 4, ..., `series` a string."""
    devices: Annotated[int, Field(ge=1, le=64)]
    """Junctions of one polarity of one weight; 1 for `binary` and `ternary`, bits for `area`."""
    bits: Bits
    """Depth to which the wires settle."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for the wires; from their resistance and capacitance where it is not given."""

    resistance: Annotated[Resistance, Field(gt=0, le=1e9)]
    """Resistance of one junction when parallel, the smallest one of `area`."""
    tmr: Annotated[Fraction, Field(gt=0, le=20)]
    """Magnetoresistance ratio at 300 K and no voltage."""
    half_voltage: Annotated[Voltage, Field(gt=0, le=10)]
    """Voltage at which that ratio has halved."""
    tmr_slope: Annotated[PerTemperature, Field(gt=-0.005, le=0)]
    """Relative change of that ratio with temperature."""
    resistance_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """Relative standard deviation of a junction's resistance."""
    tmr_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """Relative standard deviation of a junction's magnetoresistance ratio."""
    stuck_fraction: Annotated[Fraction, Field(ge=0, le=0.5)]
    """Share of junctions that cannot be written; half of them are parallel."""
    shorted_fraction: Annotated[Fraction, Field(ge=0, le=0.5)]
    """Share of junctions whose barrier is broken."""
    short_resistance: Annotated[Resistance, Field(gt=0, le=1e9)]
    """Resistance of a cell with a broken barrier."""
    trap_fraction: Annotated[Fraction, Field(ge=0, le=1)]
    """Share of junctions with a trap that fills and empties at random."""
    trap_amplitude: Annotated[Fraction, Field(ge=0, le=1)]
    """Relative difference of conductance between the two states of a trap."""
    trap_rate: Annotated[Frequency, Field(gt=0)]
    """Rate at which a trap fills, and at which it empties."""

    barrier: Annotated[float, Field(gt=0, le=200)]
    """Energy barrier between the two states over the thermal energy at 300 K."""
    attempt_time: Annotated[Time, Field(gt=0, le=1e-6)]
    """Inverse of the attempt frequency of thermal flips."""
    read_drive: Annotated[Fraction, Field(ge=0, lt=1)]
    """Read current at full scale over the critical current of switching."""

    write_torque: Literal["stt", "sot"]
    """What switches a junction: current through its barrier, or in the line below it."""
    write_pulse: Annotated[Time, Field(gt=0)]
    """Length of the pulse that switches a junction."""
    write_cycle: Annotated[Time, Field(gt=0)]
    """Time to write all junctions on one line of every sub-array of a bank at once."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy of writing one junction."""
    write_error_rate: Annotated[Fraction, Field(ge=0, le=1)] | None = None
    """Chance that a pulse fails; from the macrospin below where it is not given."""
    overdrive: Annotated[float, Field(gt=1, le=10)] | None = None
    """Write current through the barrier over the critical current."""
    damping: Annotated[float, Field(gt=0, le=1)] | None = None
    """Gilbert damping of the free layer."""
    anisotropy_field: Annotated[MagneticField, Field(gt=0, le=10)] | None = None
    """Effective anisotropy field of the free layer."""

    endurance: Annotated[float, Field(gt=0)]
    """Writes that a junction survives."""

    row_resistance: Annotated[Resistance, Field(ge=0)]
    """Resistance of a driven line from one cell to the next."""
    column_resistance: Annotated[Resistance, Field(ge=0)]
    """Resistance of a sense line from one cell to the next."""
    cell_capacitance: Annotated[Capacitance, Field(ge=0)]
    """Capacitance of a line for each of its cells."""
    cell_area: Annotated[Area, Field(gt=0)]
    """Area of one junction with its transistors."""

    mean_square: Annotated[Fraction, Field(ge=0, le=1)]
    """Mean square of what a line carries, by which the crossbar's power is priced."""
    parallel_fraction: Annotated[Fraction, Field(ge=0, le=1)]
    """Share of junctions taken to be parallel, for power, thermal noise and wire estimates."""

    @model_validator(mode="after")
    def _check_write(self) -> Self:
        """Refuse a write without an error rate, or with two."""
        macrospin = (self.overdrive, self.damping, self.anisotropy_field)
        if self.write_error_rate is not None:
            if any(value is not None for value in macrospin):
                raise ValueError(
                    "has write_error_rate and a macrospin; expected either write_error_rate, or "
                    "overdrive, damping and anisotropy_field"
                )
        elif self.write_torque == "sot" or any(value is None for value in macrospin):
            raise ValueError(
                "write_error_rate is missing; expected it, or for write_torque 'stt' overdrive, "
                "damping and anisotropy_field"
            )
        return self

    @model_validator(mode="after")
    def _check_devices(self) -> Self:
        """Refuse more junctions than an encoding has, and counts that no layout can hold."""
        most = {"binary": 1, "ternary": 1, "area": 16}.get(self.encoding, 64)
        if self.devices > most:
            raise ValueError(
                f"{self.devices} devices for encoding '{self.encoding}'; expected at most {most}"
            )
        if self.write_pulse > self.write_cycle:
            raise ValueError("write_pulse is longer than write_cycle; expected at most as long")
        return self
