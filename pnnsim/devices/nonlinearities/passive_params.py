"""Descriptions of passive optical nonlinearities."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pnnsim.devices.quantities import (
    Bits,
    Energy,
    Fraction,
    Frequency,
    Params,
    Power,
    Time,
)


class SquareLawParams(Params):
    """Describe a photodiode that squares the field which carries the signal."""

    digital: ClassVar[bool] = False

    kind: Literal["square_law"]
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of modulator and photodiode together."""
    bits: Bits
    """Depth to which the photodiode settles."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for the photodiode; from bandwidth and bits where it is not given."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one activation of one neuron."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one neuron: bias and light."""


class SaturableAbsorberParams(Params):
    """Describe an absorber that strong light bleaches."""

    digital: ClassVar[bool] = False

    kind: Literal["saturable_absorber"]
    saturable_absorption: Annotated[Fraction, Field(ge=0, le=1)]
    """Absorption of weak light that strong light bleaches."""
    residual_absorption: Annotated[Fraction, Field(ge=0, lt=1)]
    """Absorption that always remains."""
    saturation_power: Annotated[Power, Field(gt=0)]
    """Power at which half of the saturable absorption is bleached."""
    full_scale_power: Annotated[Power, Field(gt=0)]
    """Power at pre-activation 1; beyond there is no light."""
    source_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of the light that carries the signal."""
    response_time: Annotated[Time, Field(ge=0)]
    """Wait for the absorber to follow its light."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one activation of one neuron beyond the light."""

    @model_validator(mode="after")
    def _absorb_no_more_than_all(self) -> Self:
        """Refuse an absorber that takes more light than there is."""
        total = self.saturable_absorption + self.residual_absorption
        if total > 1.0:
            why = (
                f"saturable_absorption and residual_absorption add to {total:g}; expected at most "
                "1, all of the light"
            )
            raise PydanticCustomError("absorption", "{why}", {"why": why})
        return self
