"""Description of the analog-to-digital converters of a readout."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_params import ConverterParams
from pnnsim.devices.family_params import ReadoutParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import Bits, Energy, Power, Time
from pnnsim.devices.readouts.adc_law import ADC, ENOB


class AdcParams(ConverterParams, ReadoutParams):
    """Analog-to-digital converters that hand the result to the host."""

    kind: Literal["adc"]
    bits: Bits
    """Resolution over the range of the state."""
    conversion_time: Annotated[Time, Field(gt=0)]
    """Time of one conversion."""
    figure_of_merit: Annotated[
        Energy, Field(ge=0), by_law(ADC, enob="enob", rate="conversion_rate")
    ]
    """Walden figure of merit: energy per conversion step."""
    enob: Annotated[float, Field(gt=0, le=24), by_law(ENOB, bits="bits")]
    """Effective number of bits; a conversion costs figure_of_merit * 2^enob."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one converter between conversions."""

    @property
    def conversion_rate(self) -> float:
        """Return the conversions per time of one converter [Hz]."""
        return 1.0 / self.conversion_time
