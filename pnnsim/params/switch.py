"""Describe the parts that choose the weight bank."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.params.base import Bits, Count, Energy, Params, Power, RatioDb, Time


class ElectroOpticSwitchParams(Params):
    """Describe a tree of 1x2 Mach-Zehnder switches driven by carriers or by a field."""

    kind: Literal["electro_optic"]
    count: Count
    """Parallel switch trees: one for each bus that carries wavelengths."""
    rise_time: Annotated[Time, Field(gt=0)]
    """10-90 % rise time of one 1x2 switch."""
    bits: Bits
    """Depth to which the switch settles before light may cross."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait after a move; from rise time and bits where it is not given."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of one 1x2 switch."""
    crosstalk: Annotated[RatioDb, Field(ge=0, le=100)]
    """Extinction of the unselected path of one 1x2 switch, a positive number."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move of one 1x2 switch."""
    static_power: Annotated[Power, Field(ge=0)]
    """Bias and trimming power of one 1x2 switch."""
