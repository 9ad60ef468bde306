"""Description of micro-mirrors that select a bank."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.quantities import (
    Carrier,
    Count,
    Energy,
    Frequency,
    Params,
    Power,
    RatioDb,
    Time,
)


class DmdSwitchParams(Params):
    """Describe an array of micro-mirrors that lights the masks of one bank."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("power",)

    kind: Literal["dmd"]
    rows: Count
    """Rows of mirrors that are loaded for a move: the whole frame, or a region."""
    clocks_per_row: Count
    """Clock cycles to load one row."""
    clock: Annotated[Frequency, Field(gt=0)]
    """Data clock."""
    mirror_time: Annotated[Time, Field(ge=0)]
    """Wait after the reset until the mirrors rest; they are dark meanwhile."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss at a mirror that is on: diffraction, fill factor, window."""
    contrast: Annotated[RatioDb, Field(ge=0, le=100)]
    """Light from a mirror that is on over that from one that is off."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move beyond the static power."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the array with its controller."""
