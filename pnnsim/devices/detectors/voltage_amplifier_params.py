"""Description of the amplifiers of voltages behind chains of diodes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Energy,
    Frequency,
    Power,
    Time,
    Voltage,
    VoltageNoise,
)


class VoltageAmplifierParams(DetectorParams):
    """Amplifiers of high input impedance, one for each chain."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("microwave",)

    kind: Literal["voltage_amplifier"]
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth, one pole: noise has pi / 2 of it."""
    bits: Bits
    """Depth to which the amplifier settles before the value is captured."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait before the capture; from bandwidth and bits where it is not given."""
    voltage_noise: Annotated[VoltageNoise, Field(ge=0, le=1e-3)]
    """Input-referred voltage noise density of the amplifier, one-sided."""
    input_offset: Annotated[Voltage, Field(ge=0, le=1)]
    """Standard deviation of the input offset, from amplifier to amplifier, once per chip."""
    voltage_limit: Annotated[Voltage, Field(gt=0, le=100)]
    """Input voltage of either sign beyond which the output stays at its rail."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one amplifier."""
    detection_energy: Annotated[Energy, Field(ge=0)] | None = None
    """Energy of one detection beyond its static power; none where not given."""
