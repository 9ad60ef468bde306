"""Description of systolic arrays that hold their weights in registers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.memories.sram_law import SRAM_ENERGY
from pnnsim.devices.quantities import (
    Area,
    Bits,
    Carrier,
    Count,
    Energy,
    Frequency,
    Power,
)


class DigitalBankParams(WeightBankParams):
    """Arrays of multiply-accumulate cells, each of which keeps its weight in a register."""

    carrier: ClassVar[Carrier] = "number"

    kind: Literal["digital"]
    count: Count
    """Physical banks: arrays with multipliers of their own."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank."""

    bits: Bits
    """Width of a weight's register; weights of either sign, 0 among them."""
    clock: Annotated[Frequency, Field(gt=0)]
    """Clock of the array."""
    dataflow: Literal["systolic", "broadcast"]
    """Whether values move on by one cell in each cycle, so that a vector takes as many cycles as
    the array has rows and columns, less one, while others follow; or reach all cells at once, so
    that adder trees give the sums within one cycle."""
    mac_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one multiply-accumulate."""
    register_energy: Annotated[Energy, Field(ge=0)]
    """Energy to move one value and one partial sum on to the next cell."""

    port_bytes: Count
    """Bytes of weights that their memory delivers in one cycle, to whichever bank."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy to latch one weight in its cell, without fetching it."""
    weight_memory: Annotated[int, Field(ge=1, le=2**40)]
    """Bytes of the memory from which weights are fetched."""
    weight_energy: Annotated[Energy, Field(ge=0), by_law(SRAM_ENERGY, capacity="weight_memory")]
    """Energy to fetch one byte of weights."""

    static_power: Annotated[Power, Field(ge=0)]
    """Power of one cell while the machine is on."""
    cell_area: Annotated[Area, Field(ge=0)] | None = None
    """Area of one cell; where it is not given, the cost of areas leaves the banks out."""
