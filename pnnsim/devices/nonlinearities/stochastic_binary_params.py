"""Describe binary neurons that are drawn with a chance, and read some times."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.family_params import NonlinearityParams
from pnnsim.devices.quantities import Count, Current, Energy, Power, Time


class StochasticBinaryParams(NonlinearityParams):
    """Low-barrier junctions, each read as 0 or 1 with a chance that is a sigmoid of a current."""

    kind: Literal["stochastic_binary"]
    drive_current: Annotated[Current, Field(gt=0)]
    """Current at pre-activation 1."""
    scale_current: Annotated[Current, Field(gt=0)]
    """Current that biases a junction noticeably, I_0."""
    reads: Count
    """Readings of one activation, which are averaged; 1 is a binary neuron."""
    read_time: Annotated[Time, Field(gt=0)]
    """Time from one reading to the next, and ahead of the first."""
    correlation_time: Annotated[Time, Field(ge=0)]
    """Time in which a junction loses its state; readings that follow faster agree."""
    read_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one reading of one neuron."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one neuron."""
