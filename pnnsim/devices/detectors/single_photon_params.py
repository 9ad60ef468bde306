"""Description of detectors of single photons, gated and counted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.quantities import (
    Count,
    Energy,
    Fraction,
    Frequency,
    Length,
    Power,
    Time,
)


class SinglePhotonParams(DetectorParams):
    """Pairs of pixels of avalanche photodiodes, which click or do not in each gate."""

    kind: Literal["single_photon"]
    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the light."""
    efficiency: Annotated[Fraction, Field(gt=0, le=1)]
    """Chance that a photon is detected: quantum efficiency, fill factor and trigger together."""
    cells: Count
    """Diodes of one pixel, which share its light; each clicks at most once in a gate."""
    gates: Count
    """Gates of one detection, over which clicks are counted; 1 distinguishes none from some."""
    gate_time: Annotated[Time, Field(gt=0)]
    """Time during which a diode is sensitive in one gate."""
    dead_time: Annotated[Time, Field(ge=0)]
    """Time from the end of a gate until the next one may begin, quenching and reading included."""
    dark_rate: Annotated[Frequency, Field(ge=0, le=1e9)]
    """Rate at which one diode clicks without light while it is sensitive."""
    afterpulsing: Annotated[Fraction, Field(ge=0, lt=1)]
    """Mean number of clicks that one click brings along, of carriers that were trapped."""
    gate_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one gate of one diode, with its counter."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one pixel."""
