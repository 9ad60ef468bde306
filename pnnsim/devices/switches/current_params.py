"""Description of transmission gates on the sense lines of a crossbar."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import SwitchParams
from pnnsim.devices.quantities import (
    Bits,
    Carrier,
    Charge,
    Count,
    Energy,
    Fraction,
    Power,
    Resistance,
    Time,
)


class CurrentSwitchParams(SwitchParams):
    """Transmission gates, one on each sense line, that connect one bank."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("voltage",)

    kind: Literal["current"]
    gates_per_output: Count
    """Sense lines of one bank that make up one output: both polarities, every junction."""
    decoder_time: Annotated[Time, Field(ge=0)]
    """Time from the address to the gate, in which nothing moves yet."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant of a sense line with its gate."""
    bits: Bits
    """Depth to which a sense line settles."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Time of a whole move; from decoder, time constant and bits where it is not given."""
    on_resistance: Annotated[Resistance, Field(gt=0)]
    """Resistance of a closed gate. It costs leakage only: the amplifier senses behind the gate."""
    off_resistance: Annotated[Resistance, Field(gt=0)]
    """Resistance of an open gate."""
    injected_charge: Annotated[Charge, Field(ge=0)]
    """Charge that one gate leaves on its line when it moves; what is alike in the gates of both
    polarities cancels."""
    injection_mismatch: Annotated[Fraction, Field(ge=0, le=1)]
    """Relative standard deviation of that charge from gate to gate, once per chip."""
    injection_time: Annotated[Time, Field(gt=0)]
    """Time constant with which the amplifier takes the charge off the line."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move of one gate."""
    static_power: Annotated[Power, Field(ge=0)]
    """Leakage power of one gate."""
