"""Description of converters with a digital function behind them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_params import ConverterParams
from pnnsim.devices.family_params import NonlinearityParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import Bits, Energy, Power, Time
from pnnsim.devices.readouts.adc_law import ADC, ENOB


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
    figure_of_merit: Annotated[
        Energy, Field(ge=0), by_law(ADC, enob="enob", rate="conversion_rate")
    ]
    """Walden figure of merit: energy per conversion step."""
    enob: Annotated[float, Field(gt=0, le=24), by_law(ENOB, bits="bits")]
    """Effective number of bits; a conversion costs figure_of_merit * 2^enob."""
    function_time: Annotated[Time, Field(ge=0)]
    """Time of table and register."""
    function_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one function of one line, its register included."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one converter and its table between conversions."""

    @property
    def operators(self) -> frozenset[str]:
        """Return the name of the function, where it is an operator."""
        return frozenset({self.function} & {"relu", "tanh", "sigmoid"})

    @property
    def linear(self) -> bool:
        """Return whether the function is `linear`."""
        return self.function == "linear"

    @property
    def conversion_rate(self) -> float:
        """Return the conversions per time of one converter [Hz]."""
        return 1.0 / self.conversion_time
