"""Description of the amplifiers at the sense lines of a crossbar."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.detectors.tia_laws import TIA_ENERGY, TIA_NOISE, TIA_POWER
from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Current,
    CurrentNoise,
    Energy,
    Frequency,
    Power,
    Time,
    Voltage,
    VoltageNoise,
)


class CrossbarTiaParams(DetectorParams):
    """Transimpedance amplifiers that hold the sense lines at virtual ground."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("voltage",)

    kind: Literal["crossbar_tia"]
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of the closed loop, one pole: noise has pi / 2 of it."""
    bits: Bits
    """Depth to which the amplifier settles before the value is captured."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait before the capture; from bandwidth and bits where it is not given."""
    amplifier_noise: Annotated[
        CurrentNoise, Field(ge=0, le=1e-6), by_law(TIA_NOISE, bandwidth="bandwidth")
    ]
    """Input-referred current noise density of the amplifier, one-sided."""
    voltage_noise: Annotated[VoltageNoise, Field(ge=0, le=1e-3)] = 0.0
    """Input-referred voltage noise density of the amplifier, one-sided; it drives a current through
    all cells on the amplifier."""
    input_offset: Annotated[Voltage, Field(ge=0, le=1)] = 0.0
    """Standard deviation of the voltage by which an amplifier misses virtual ground, from amplifier
    to amplifier, once per chip; it drives a current through all cells, too."""
    current_limit: Annotated[Current, Field(gt=0)]
    """Difference current beyond which the output stays at its rail."""
    static_power: Annotated[
        Power,
        Field(ge=0),
        by_law(TIA_POWER, bandwidth="bandwidth", noise="amplifier_noise"),
    ]
    """Power of one amplifier."""
    detection_energy: Annotated[
        Annotated[Energy, Field(ge=0)] | None,
        by_law(TIA_ENERGY, bandwidth="bandwidth", noise="amplifier_noise", bits="bits"),
    ] = None
    """Energy of one detection by one amplifier beyond its static power; none where not given."""
