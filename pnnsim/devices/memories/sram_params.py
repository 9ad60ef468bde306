"""Description of a memory of numbers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import MemoryParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.memories.sram_law import SRAM_ENERGY, SRAM_LEAKAGE
from pnnsim.devices.quantities import Count, Energy, Power, Time


class SramParams(MemoryParams):
    """Memory of numbers, one word per line and sample."""

    digital: ClassVar[bool] = True

    kind: Literal["sram"]
    capacity: Count
    """Samples whose states fit."""
    word_bytes: Annotated[int, Field(ge=1, le=8)]
    """Bytes of one word: wide enough that storing rounds nothing."""
    hold_time: Annotated[Time, Field(ge=0)]
    """Time to write and read a state; 0 where the activation's register is the memory."""
    energy_per_byte: Annotated[
        Energy, Field(ge=0), by_law(SRAM_ENERGY, capacity="capacity * word_bytes * encoder.lines")
    ]
    """Energy to write or to read one byte."""
    static_power: Annotated[Power, Field(ge=0), by_law(SRAM_LEAKAGE)]
    """Leakage of one byte."""
