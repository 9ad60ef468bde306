"""Declare physical fields: what a value measures, between which bounds, and what it means.

Every part of a machine is described by one frozen pydantic model, a `Params`. This package holds
descriptions only and must not import torch, so that `pnnsim validate` is fast; the components
that read a `Params` stand beside it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from pnnsim.common.description import Description
from pnnsim.common.forms import Quantity
from pnnsim.common.units import show

Time = Annotated[float, Quantity("time")]
Frequency = Annotated[float, Quantity("frequency")]
Length = Annotated[float, Quantity("length")]
Area = Annotated[float, Quantity("area")]
Power = Annotated[float, Quantity("power")]
Energy = Annotated[float, Quantity("energy")]
Voltage = Annotated[float, Quantity("voltage")]
Current = Annotated[float, Quantity("current")]
Charge = Annotated[float, Quantity("charge")]
Resistance = Annotated[float, Quantity("resistance")]
Capacitance = Annotated[float, Quantity("capacitance")]
MagneticField = Annotated[float, Quantity("magnetic_field")]
Temperature = Annotated[float, Quantity("temperature")]
TemperatureDifference = Annotated[float, Quantity("temperature_difference")]
Angle = Annotated[float, Quantity("angle")]
Fraction = Annotated[float, Quantity("fraction")]
Rate = Annotated[float, Quantity("rate")]
Responsivity = Annotated[float, Quantity("responsivity")]
CurrentNoise = Annotated[float, Quantity("current_noise")]
VoltageNoise = Annotated[float, Quantity("voltage_noise")]
VoltagePerPower = Annotated[float, Quantity("voltage_per_power")]
LengthPerPower = Annotated[float, Quantity("length_per_power")]
LengthPerTemperature = Annotated[float, Quantity("length_per_temperature")]
LengthPerVoltage = Annotated[float, Quantity("length_per_voltage")]
PerTemperature = Annotated[float, Quantity("per_temperature")]
RatioDb = Annotated[float, Quantity("ratio_db")]
LossPerLengthDb = Annotated[float, Quantity("loss_per_length_db")]
NoiseDbc = Annotated[float, Quantity("noise_dbc")]

#: What a line carries: optical power, an optical field with its sign, a voltage, a number, optical
#: power whose symbols follow each other, a level at gates, or microwave power.
Carrier = Literal["power", "field", "voltage", "number", "stream", "gate", "microwave"]

Bits = Annotated[int, Field(ge=1, le=24)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


#: Names of one list; no machine has as many parts or non-idealities.
_MOST_NAMES = 100


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of a list, none of them twice and not more than any machine has.

    Raises:
        PydanticCustomError: If a name repeats, or there are too many.
    """
    why = ""
    if len(names) > _MOST_NAMES:
        why = f"has {len(names)} names; expected at most {_MOST_NAMES}"
    elif len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        why = f"has {show(repeated)} more than once; expected each name once"
    if why:
        raise PydanticCustomError("names", "{why}", {"why": why})
    return names


class Params(Description):
    """Description of one kind of part; a kind is final and adds fields to those of its family.

    `kind` is the YAML name. Unknown keys are errors, and nothing changes after validation.
    """

    kind: str

    @property
    def package_heat(self) -> float:
        """Return the heat that the part brings into the package of the weight banks [W].

        It is what a cooler must carry away: standing power of what is on the same chip.
        """
        return 0.0
