"""Descriptions of switch trees: electro-optic, thermo-optic, PLZT."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import ParallelSwitchParams
from pnnsim.devices.quantities import Bits, Carrier, Count, Energy, Power, RatioDb, Time


class SwitchTreeParams(ParallelSwitchParams):
    """What all trees of 1x2 interferometric switches have in common; the kinds are below."""

    accepts: ClassVar[tuple[Carrier, ...]] = ("power", "field")

    count: Count
    """Parallel trees: one for each bus of wavelengths, or for each line of a coherent machine."""
    bits: Bits
    """Depth to which a switch settles before light may cross."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of one 1x2 switch."""
    crosstalk: Annotated[RatioDb, Field(ge=0, le=100)]
    """Extinction of the unselected path of one 1x2 switch, a positive number."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move of one 1x2 switch."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power that one 1x2 switch draws all the time: bias, trimming, driver, mean heat."""


class ElectroOpticSwitchParams(SwitchTreeParams):
    """Tree of 1x2 Mach-Zehnder switches driven by carriers or by a field."""

    kind: Literal["electro_optic"]
    rise_time: Annotated[Time, Field(gt=0)]
    """10-90 % rise time of one 1x2 switch."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait after a move; from rise time and bits where it is not given."""

    @property
    def package_heat(self) -> float:
        """Return the heat of one switch of each tree: the banks' chip has at least two banks."""
        return self.count * self.static_power


class ThermoOpticSwitchParams(SwitchTreeParams):
    """Tree of 1x2 Mach-Zehnder switches whose arms are heated."""

    kind: Literal["thermo_optic"]
    time_constant: Annotated[Time, Field(gt=0)]
    """Thermal time constant of one arm."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait after a move; from time constant and bits where it is not given."""

    @property
    def package_heat(self) -> float:
        """Return the heat of one switch of each tree: the banks' chip has at least two banks."""
        return self.count * self.static_power


class PlztSwitchParams(SwitchTreeParams):
    """Tree of 1x2 switches in lead lanthanum zirconate titanate waveguides."""

    kind: Literal["plzt"]
    settling_time: Annotated[Time, Field(gt=0)]
    """Wait after a move, as makers state it; the phase is within half a bit by then."""
