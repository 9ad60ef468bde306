"""Description of photodiodes with an amplifier each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.detectors.tia_laws import TIA_ENERGY, TIA_NOISE, TIA_POWER
from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Bits,
    Current,
    CurrentNoise,
    Energy,
    Fraction,
    Frequency,
    Power,
    Responsivity,
    Time,
)


class PhotodiodeParams(DetectorParams):
    """Two photodiodes for each output, each with an amplifier of its own."""

    kind: Literal["photodiode"]
    responsivity: Annotated[Responsivity, Field(gt=0, le=2)]
    """Photocurrent per optical power."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of photodiode and amplifier together, one pole: noise has pi / 2 of it."""
    bits: Bits
    """Depth to which the amplifiers settle before the values are captured."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait before the capture; from bandwidth and bits where it is not given."""
    dark_current: Annotated[Current, Field(ge=0, le=1e-3)]
    """Dark current of one photodiode."""
    amplifier_noise: Annotated[
        CurrentNoise, Field(ge=0, le=1e-6), by_law(TIA_NOISE, bandwidth="bandwidth")
    ]
    """Input-referred current noise density of one amplifier, one-sided."""
    saturation_power: Annotated[Power, Field(gt=0)]
    """Optical power at which the response of one photodiode has halved."""
    gain_mismatch: Annotated[Fraction, Field(ge=-1, le=1)]
    """Gain of the adding amplifier less that of the subtracting one, relative to their mean."""
    static_power: Annotated[
        Power,
        Field(ge=0),
        by_law(TIA_POWER, bandwidth="bandwidth", noise="amplifier_noise"),
    ]
    """Power of one amplifier; an output has two."""
    detection_energy: Annotated[
        Annotated[Energy, Field(ge=0)] | None,
        by_law(TIA_ENERGY, bandwidth="bandwidth", noise="amplifier_noise", bits="bits"),
    ] = None
    """Energy of one detection by one amplifier beyond its static power; none where not given."""
