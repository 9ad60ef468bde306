"""Description of micro-mirrors that set the brightness of lines."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.quantities import (
    Carrier,
    Count,
    Energy,
    Fraction,
    Frequency,
    NoiseDbc,
    Params,
    Power,
    RatioDb,
    Time,
)


class DmdRowsParams(Params):
    """Describe micro-mirrors that set the brightness of each line by how many of them are on."""

    carrier: ClassVar[Carrier] = "power"

    kind: Literal["dmd_rows"]
    lines: Count
    """Lines that can be set at once: a patch of mirrors each."""
    mirrors_per_line: Count
    """Mirrors of one patch; they give one level more than that, and one mirror is a binary line."""
    rows: Count
    """Rows of mirrors that are loaded for a pattern."""
    clocks_per_row: Count
    """Clock cycles to load one row."""
    clock: Annotated[Frequency, Field(gt=0)]
    """Data clock."""
    mirror_time: Annotated[Time, Field(ge=0)]
    """Wait after the reset until the mirrors rest."""
    contrast: Annotated[RatioDb, Field(gt=0, le=100)]
    """Light from a patch that is on over that from one that is off."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss at a mirror that is on."""
    pattern_energy: Annotated[Energy, Field(ge=0)]
    """Energy of turning one line's value into its pattern."""
    source_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power on the patch of one line."""
    source_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of the source."""
    source_noise: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of the light on one patch, one-sided."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the array with its controller."""
