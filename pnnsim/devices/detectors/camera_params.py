"""Description of a camera with two pixels for each output."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Current,
    Energy,
    Fraction,
    Length,
    Params,
    Power,
    Time,
)


class CameraParams(Params):
    """Describe a camera that counts photoelectrons: two pixels for each output."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("power",)

    kind: Literal["camera"]
    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the light."""
    quantum_efficiency: Annotated[Fraction, Field(gt=0, le=1)]
    """Electrons for each photon."""
    exposure: Annotated[Time, Field(gt=0)]
    """Time during which light is collected."""
    readout_time: Annotated[Time, Field(ge=0)]
    """Time from the end of the exposure to the numbers."""
    full_well: Annotated[float, Field(gt=0, le=1e12)]
    """Electrons that a pixel holds; more are lost."""
    bits: Bits
    """Resolution of the converter from an empty to a full pixel."""
    dark_current: Annotated[Current, Field(ge=0, le=1e-6)]
    """Dark current of one pixel."""
    read_noise: Annotated[float, Field(ge=0, le=1e6)]
    """Standard deviation of one reading of one pixel in electrons."""
    pixel_energy: Annotated[Energy, Field(ge=0)]
    """Energy of reading one pixel beyond the static power."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the camera."""
