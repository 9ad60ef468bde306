"""Description of loops that hold a state as a signal on its way."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.quantities import (
    Count,
    Energy,
    Length,
    LossPerLengthDb,
    Params,
    Power,
    RatioDb,
)


class DelayLineParams(Params):
    """Describe a loop that holds the state as a signal on its way, in fiber, waveguide or cable."""

    digital: ClassVar[bool] = False

    kind: Literal["delay_line"]
    length: Annotated[Length, Field(gt=0, le=1e7)]
    """Length of the loop; it gives a state back after one round, neither sooner nor later."""
    group_index: Annotated[float, Field(ge=1, le=6)]
    """Group index of the medium."""
    loss: Annotated[LossPerLengthDb, Field(ge=0)]
    """Propagation loss."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of coupling into the loop and out of it."""
    capacity: Count
    """Samples that may be in the loop, one behind the other."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one round of one line's state."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the loop of one line."""
