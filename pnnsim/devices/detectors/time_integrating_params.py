"""Description of receivers that collect charge until they are read."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import DetectorParams
from pnnsim.devices.quantities import (
    Capacitance,
    Carrier,
    Current,
    Energy,
    Power,
    Responsivity,
    Time,
    Voltage,
)


class TimeIntegratingParams(DetectorParams):
    """Balanced photodiodes on a capacitor for each output, which is read and reset."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("power", "stream")

    kind: Literal["time_integrating"]
    responsivity: Annotated[Responsivity, Field(gt=0, le=2)]
    """Photocurrent per optical power."""
    integration_time: Annotated[Time, Field(gt=0)] | None = None
    """Time over which lines that come side by side are collected; symbols that follow each other
    are collected as long as they last."""
    readout_time: Annotated[Time, Field(ge=0)]
    """Time to read and to reset the capacitor, light off."""
    capacitance: Annotated[Capacitance, Field(gt=0)]
    """Capacitance of the integrating node, photodiodes included."""
    voltage_limit: Annotated[Voltage, Field(gt=0, le=100)]
    """Voltage of either sign beyond which the node collects no more."""
    double_sampling: bool
    """Whether the level behind the reset is read as well and subtracted: no noise of the reset, and
    twice the variance of reading."""
    dark_current: Annotated[Current, Field(ge=0, le=1e-3)]
    """Dark current of one photodiode."""
    read_noise: Annotated[float, Field(ge=0, le=1e9)]
    """Standard deviation of one reading, in electrons."""
    read_energy: Annotated[Energy, Field(ge=0)]
    """Energy to read and to reset one output."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one output."""
