"""Description of converters that time the discharge of a column of resistances."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.quantities import Capacitance, Carrier, Energy, Power, Time, Voltage


class TimeToDigitalParams(DetectorParams):
    """Node, comparator and time-to-digital converter for each column of resistances."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("gate",)

    kind: Literal["time_to_digital"]
    capacitance: Annotated[Capacitance, Field(gt=0)]
    """Capacitance that a column discharges."""
    supply: Annotated[Voltage, Field(gt=0, le=10)]
    """Voltage to which it is charged."""
    threshold: Annotated[Voltage, Field(gt=0, le=10)]
    """Voltage at which the comparator trips, below the supply."""
    comparator_noise: Annotated[Voltage, Field(ge=0, le=1)]
    """Standard deviation of the threshold from reading to reading."""
    resolution: Annotated[Time, Field(gt=0)]
    """Step of the time-to-digital converter."""
    jitter: Annotated[Time, Field(ge=0)]
    """Standard deviation of the converter's clock over one reading."""
    window: Annotated[Time, Field(gt=0)]
    """Time that is waited for the comparator; a slower column reads as the end of it."""
    charge_time: Annotated[Time, Field(ge=0)]
    """Time to charge the node again."""
    conversion_energy: Annotated[Energy, Field(ge=0)]
    """Energy of comparator and converter for one reading."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one column's comparator and converter."""

    @model_validator(mode="after")
    def _falls(self) -> Self:
        """Refuse a threshold that is passed before the discharge begins."""
        if self.threshold >= self.supply:
            raise ValueError(
                f"threshold is {self.threshold:g} V and supply {self.supply:g} V; expected the "
                "first to be smaller"
            )
        return self
