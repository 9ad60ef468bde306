"""Description of balanced photodiodes with one amplifier for each output."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.detectors.tia_laws import TIA_ENERGY, TIA_NOISE, TIA_POWER
from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Current,
    CurrentNoise,
    Energy,
    Fraction,
    Frequency,
    Power,
    RatioDb,
    Responsivity,
    Time,
)


class BalancedPhotodiodeParams(DetectorParams):
    """Balanced photodiodes with a transimpedance amplifier for each output.

    With a local oscillator the pair is a homodyne receiver, which reads a field with its sign;
    without one it subtracts two powers.
    """

    kind: Literal["balanced_photodiode"]
    responsivity: Annotated[Responsivity, Field(gt=0, le=2)]
    """Photocurrent per optical power."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of photodiode and amplifier together, one pole: noise has pi / 2 of it."""
    bits: Bits
    """Depth to which the amplifier settles before the value is captured."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait before the capture; from bandwidth and bits where it is not given."""
    dark_current: Annotated[Current, Field(ge=0, le=1e-3)]
    """Dark current of one photodiode."""
    amplifier_noise: Annotated[
        CurrentNoise, Field(ge=0, le=1e-6), by_law(TIA_NOISE, bandwidth="bandwidth")
    ]
    """Input-referred current noise density of the amplifier, one-sided."""
    saturation_power: Annotated[Power, Field(gt=0)]
    """Optical power at which the response of one photodiode has halved."""
    common_mode_rejection: Annotated[RatioDb, Field(ge=0, le=100)]
    """Rejection of what both photodiodes see, in electrical power."""
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
    local_oscillator_power: Annotated[Power, Field(gt=0, le=1)] | None = None
    """Optical power that the local oscillator gives to one pair, from the laser of the lines; none
    for a receiver of powers."""
    local_oscillator_efficiency: Annotated[Fraction, Field(gt=0, lt=1)] | None = None
    """Optical power over electrical power of the local oscillator; goes with its power."""

    @model_validator(mode="after")
    def _oscillator_is_whole(self) -> Self:
        if (self.local_oscillator_power is None) != (self.local_oscillator_efficiency is None):
            raise ValueError(
                "got one of local_oscillator_power and local_oscillator_efficiency; expected both "
                "for a receiver of fields, or none for a receiver of powers"
            )
        return self

    @property
    def accepts(self) -> tuple[Carrier, ...]:
        """Return what a pair can receive."""
        return ("power",) if self.local_oscillator_power is None else ("field",)
