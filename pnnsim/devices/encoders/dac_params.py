"""Describe the converters between numbers and lines that a part has."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pnnsim.devices.family_params import EncoderParams
from pnnsim.devices.quantities import Area, Count, Params, Power


class ConverterParams(Params):
    """Converters that the lines of a part share: how many, and how large one is."""

    shared_by: Count = 1
    """Lines that share one converter and take turns at it."""
    converter_area: Annotated[Area, Field(ge=0)] | None = None
    """Area of one converter; where it is not given, the cost of areas leaves the part out."""

    def converters(self, lines: int) -> int:
        """Return how many converters serve so many lines."""
        return -(-lines // self.shared_by)

    def turns(self, lines: int) -> int:
        """Return how many conversions follow each other until all of so many lines are done."""
        return min(self.shared_by, lines)

    def converters_area(self, lines: int) -> float | None:
        """Return the area of the converters of so many lines [m^2]; None where it is not known."""
        if self.converter_area is None:
            return None
        return self.converters(lines) * self.converter_area


class DacParams(ConverterParams, EncoderParams):
    """Digital-to-analog converters of an encoder, with their power between conversions."""

    dac_static_power: Annotated[Power, Field(ge=0)] | None = None
    """Power of one converter between conversions; where it is not given, that of a conversion is
    all it takes."""

    def standing_power(self, lines: int) -> float:
        """Return the power of the converters of so many lines between conversions [W]."""
        return self.converters(lines) * (self.dac_static_power or 0.0)
