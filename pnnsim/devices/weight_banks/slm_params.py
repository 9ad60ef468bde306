"""Description of banks of liquid-crystal masks."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Count,
    Fraction,
    Length,
    Params,
    Power,
    RatioDb,
    Time,
)


class SlmParams(Params):
    """Describe banks of liquid-crystal masks: a pair of pixels for each weight."""

    carrier: ClassVar[Carrier] = "power"

    kind: Literal["slm"]
    count: Count
    """Physical banks: pairs of masks side by side."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank."""
    banks_per_panel: Count
    """Banks that share one light modulator and its power."""

    bits: Bits
    """Gray levels of one pixel."""
    contrast: Annotated[RatioDb, Field(gt=0, le=100)]
    """Light of a bright pixel over that of a dark one."""
    pixel_leak: Annotated[Fraction, Field(ge=0, lt=1)]
    """Part of a pixel's light that ends on its four neighbors together."""
    pixel_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of the transmission from pixel to pixel, once per chip."""
    mask_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of a fully bright mask."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of spreading and collecting beams, without the power split over rows and masks."""
    path_length: Annotated[Length, Field(ge=0, le=1e3)]
    """Free path from source to photodiode."""

    frame_time: Annotated[Time, Field(gt=0)]
    """Wait for a new pair of masks: one frame."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant of the liquid crystal; what a frame leaves of the old mask."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one light modulator with its driver."""
