"""Describe the parts of a loop whose state is a number: converter, function, memory, register."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_params import ConverterParams
from pnnsim.devices.family_params import MemoryParams, NonlinearityParams, ReadoutParams
from pnnsim.devices.quantities import Bits, Count, Energy, Power, Time


class DigitalActivationParams(ConverterParams, NonlinearityParams):
    """Converters and the digital function behind them.

    The converter that brings the number back onto the line is the encoder's.
    """

    digital: ClassVar[bool] = True

    kind: Literal["digital"]
    function: Literal["linear", "relu", "clipped_relu", "tanh", "sigmoid"]
    """Activation f; `linear` is [-1, 1], `clipped_relu` is [0, 1], `relu` ends with the input."""
    input_range: Annotated[float, Field(gt=0, le=100)]
    """Pre-activation at which the analog-to-digital converter is full, either sign."""
    bits: Bits
    """Resolution of the analog-to-digital converter over both signs."""
    conversion_time: Annotated[Time, Field(gt=0)]
    """Time of one analog-to-digital conversion."""
    figure_of_merit: Annotated[Energy, Field(ge=0)]
    """Walden figure of merit: energy per conversion step."""
    enob: Annotated[float, Field(gt=0, le=24)]
    """Effective number of bits; a conversion costs figure_of_merit * 2^enob."""
    function_time: Annotated[Time, Field(ge=0)]
    """Time of table and register."""
    function_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one function of one line, its register included."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one converter and its table between conversions."""

    @property
    def linear(self) -> bool:
        """Return whether the function is `linear`."""
        return self.function == "linear"


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
    energy_per_byte: Annotated[Energy, Field(ge=0)]
    """Energy to write or to read one byte."""
    static_power: Annotated[Power, Field(ge=0)]
    """Leakage of one byte."""


class RegisterParams(ReadoutParams):
    """Registers from which the host reads a state that is digital already."""

    digital: ClassVar[bool] = True

    kind: Literal["register"]
    transfer_time: Annotated[Time, Field(ge=0)]
    """Time until the host has a whole result."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy to hand over one value."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the interface."""
