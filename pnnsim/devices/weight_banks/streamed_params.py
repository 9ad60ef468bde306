"""Description of weights that are streamed out of a memory, symbol by symbol."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.encoders.dac_law import DAC
from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.memories.sram_law import SRAM_ENERGY, SRAM_LEAKAGE
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Count,
    Energy,
    Fraction,
    Frequency,
    Length,
    Power,
    RatioDb,
)

#: Bits of a byte.
_BYTE = 8


class StreamedParams(WeightBankParams):
    """Weights that a memory sends to one modulator for each output, one symbol for each input."""

    carrier: ClassVar[Carrier] = "stream"

    kind: Literal["streamed"]
    count: Count
    """Matrices that fit in the memory: selecting another one is an address."""
    rows: Count
    """Outputs of one matrix: wavelengths, each with a modulator."""
    cols: Count
    """Inputs of one matrix: symbols of one stream."""
    bits: Bits
    """Resolution of the digital-to-analog converters of the weights."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Weights per time on each output, as many as the symbols of the encoder."""
    dac_energy: Annotated[Energy, Field(ge=0), by_law(DAC, bits="bits", rate="symbol_rate")]
    """Energy of the conversion of one weight."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of one modulator: a slow one mixes each weight with the one before."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one weight on one modulator."""
    level_noise: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a weight from symbol to symbol, of converter and driver."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power that holds the bias of one modulator, with its converter between conversions."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss from the encoder to the receiver: modulator, multiplexers, and the link between."""
    path_length: Annotated[Length, Field(ge=0)]
    """Length of the way of the light from the encoder to the receiver."""
    group_index: Annotated[float, Field(ge=1, le=10)]
    """Group index of that way."""
    weight_memory: Annotated[int, Field(ge=1, le=2**40)]
    """Bytes of the memory that holds all matrices."""
    weight_energy: Annotated[Energy, Field(ge=0), by_law(SRAM_ENERGY, capacity="weight_memory")]
    """Energy to fetch one byte of weights, each time that they are sent; to store one, too."""
    memory_power: Annotated[Power, Field(ge=0), by_law(SRAM_LEAKAGE)]
    """Leakage of one byte of the memory."""
    port_bytes: Count
    """Bytes that are stored in one cycle when a matrix is written."""
    clock: Annotated[Frequency, Field(gt=0)]
    """Clock of the memory's port."""

    @property
    def symbol_time(self) -> float:
        """Return the length of one symbol [s]."""
        return 1.0 / self.symbol_rate

    @property
    def matrix_bytes(self) -> float:
        """Return the bytes of one matrix, packed."""
        return self.rows * self.cols * self.bits / _BYTE

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse a memory that is too small for all matrices."""
        needed = self.count * self.matrix_bytes
        if needed > self.weight_memory:
            raise ValueError(
                f"weight_memory is {self.weight_memory} bytes; {self.count} matrices of "
                f"{self.rows} x {self.cols} weights of {self.bits} bit take {needed:g}"
            )
        return self
