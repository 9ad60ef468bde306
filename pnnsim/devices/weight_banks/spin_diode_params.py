"""Description of chains of spin diodes, tuned against the frequencies of their lines."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import (
    Area,
    Bits,
    Carrier,
    Count,
    Energy,
    Fraction,
    Frequency,
    Power,
    RatioDb,
    Resistance,
    Time,
    VoltagePerPower,
)


class SpinDiodeParams(WeightBankParams):
    """Chains of spin diodes in series, one chain for each output and one diode for each line."""

    carrier: ClassVar[Carrier] = "microwave"

    kind: Literal["spin_diode"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank: chains, which share the power of every line."""
    cols: Count
    """Inputs of one bank: diodes of one chain."""
    spacing: Annotated[Frequency, Field(gt=0)]
    """Distance of the frequencies of neighboring lines."""
    linewidth: Annotated[Frequency, Field(gt=0)]
    """Full width at half maximum of one diode's resonance."""
    sensitivity: Annotated[VoltagePerPower, Field(gt=0)]
    """Largest voltage of one diode over the microwave power that it meets."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of a line's power by mismatch on its way, without its share among all chains."""
    diode_resistance: Annotated[Resistance, Field(gt=0, le=1e9)]
    """Resistance of one diode; those of a chain add, and their thermal noise with them."""
    usable_range: Annotated[Fraction, Field(gt=0, le=1)]
    """Weight of one diode, over its largest, that is logical 1; the rest is for correcting what
    the other diodes of a chain add."""
    bits: Bits
    """Resolution of the tuning over the usable range."""
    calibration_rounds: Annotated[int, Field(ge=1, le=100)]
    """Measurements of a programming, each of which corrects what the last has found."""
    frequency_error: Annotated[Frequency, Field(ge=0)]
    """Standard deviation of the resonances that calibration leaves, once per chip."""
    write_repeatability: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a weight from programming to programming."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait for the voltages of a chain; from linewidth and bits where it is not given."""
    write_time: Annotated[Time, Field(gt=0)]
    """Time of tuning all diodes of one bank in one round."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy of tuning one diode in one round, with its measurement."""
    hold_power: Annotated[Power, Field(ge=0)]
    """Power that keeps one diode tuned; 0 where a magnetic state keeps it."""
    endurance: Annotated[float, Field(ge=1, le=1e18)]
    """Tunings that a diode survives; a warning, not a model."""
    cell_area: Annotated[Area, Field(gt=0)]
    """Area of one diode with its tuning."""
