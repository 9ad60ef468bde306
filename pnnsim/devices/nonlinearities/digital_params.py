"""Description of converters with a digital function behind them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_params import ConverterParams
from pnnsim.devices.quantities import Bits, Energy, Power, Time


class DigitalActivationParams(ConverterParams):
    """Describe converters and the digital function behind them.

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
