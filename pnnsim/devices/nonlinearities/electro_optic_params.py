"""Description of a nonlinearity that modulates light by the detected signal."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.quantities import (
    Bits,
    Energy,
    Fraction,
    Frequency,
    Params,
    Power,
    Time,
    Voltage,
)


class ElectroOpticActivationParams(Params):
    """Describe an interferometer whose phase the detected signal drives."""

    digital: ClassVar[bool] = False

    kind: Literal["electro_optic"]
    carrier: Literal["pump", "signal"]
    """Light that is modulated: a pump of constant power, or what is left of the signal itself."""
    v_pi: Annotated[Voltage, Field(gt=0, le=100)]
    """Voltage for a phase of pi."""
    drive_voltage: Annotated[Voltage, Field(gt=0, le=100)]
    """Voltage at pre-activation 1; the driver saturates at plus and minus this."""
    bias_voltage: Annotated[Voltage, Field(ge=-100, le=100)]
    """Voltage at pre-activation 0."""
    tap_fraction: Annotated[Fraction, Field(ge=0, lt=1)]
    """Part of the light that is detected and so lost to the output."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of the driver."""
    bits: Bits
    """Depth to which the driver settles."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for the driver; from bandwidth and bits where it is not given."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one activation of one neuron."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one driver."""
