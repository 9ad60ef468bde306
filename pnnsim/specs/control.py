"""Describe what surrounds the parts: the digital front end, the environment, the controller."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pnnsim.devices.cooler_law import COOLER
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Count,
    Params,
    Power,
    Temperature,
    Time,
    distinct,
)


class EnvironmentParams(Params):
    """Package around the parts."""

    kind: Literal["package"] = "package"
    temperature: Annotated[Temperature, Field(gt=0, le=500)]
    """Temperature at which noise is evaluated."""
    stabilization_power: Annotated[
        Power,
        Field(ge=0),
        by_law(
            COOLER,
            heat=("encoder.package_heat", "switch.package_heat", "weight_banks.package_heat"),
            temperature="temperature",
        ),
    ]
    """Power of the thermo-electric cooler and its controller."""
    reference_power: Annotated[Power, Field(ge=0)] | None = None
    """Power of voltage and current references; not given where each part counts its own."""
    bias_power: Annotated[Power, Field(ge=0)] | None = None
    """Power of the bias of drivers and analog stages that no part counts as its own."""
    clock_power: Annotated[Power, Field(ge=0)] | None = None
    """Power of the clock's source and its distribution to the parts."""

    @property
    def static_power(self) -> float:
        """Return the power that the package draws while the machine is on [W]."""
        periphery = (self.reference_power, self.bias_power, self.clock_power)
        return self.stabilization_power + sum(power or 0.0 for power in periphery)


class ControlParams(Params):
    """Controller that orders the work of the parts."""

    kind: Literal["sequencer"] = "sequencer"
    block: Count = 1
    """Samples that access a bank before the switch moves."""
    blocks_in_flight: Annotated[int, Field(ge=1, le=4096)] = 1
    """Blocks in the loop at once; more than one take turns, a step each time, where every weight
    set has a bank."""
    policy: Literal["belady", "lru"] = "belady"
    """Bank that is overwritten where weight sets do not fit: the one that is needed again latest,
    which the controller must see ahead, or the one whose last use is the longest ago."""
    overlap: bool = True
    """Whether the switch moves while the state is processed, or afterwards."""
    prefetch: bool = False
    """Whether a bank that is not in use is written while the others compute, where that makes a
    saturated run faster."""
    parallel_tiles: Count | None = None
    """Tiles of one matrix that are multiplied at once; a matrix with more is folded, one part after
    the other. As many as there are banks where it is not given."""
    write_drivers: Count = 1
    """Physical banks that can be written at once; a matrix of several tiles shares them."""
    spare_rows: Literal["average", "idle"] | None = None
    """Rows of a bank that its matrix leaves free: `average` has them repeat its outputs, each of
    which is the mean of its rows; `idle` leaves them dark. Where it is not given, they are averaged
    for networks whose values become numbers on their way, and idle for those of one state."""
    reads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Times that each vector crosses its bank; the mean of what is captured is its product. Of a
    network whose values become numbers on their way."""
    refresh_interval: Annotated[Time, Field(gt=0)] | None = None
    """Age at which a bank is written again with what it holds; samples wait meanwhile. Never where
    it is not given."""
    cores: Annotated[int, Field(ge=1, le=4096)] = 1
    """Copies of the whole machine that one host gives requests to, a block to each in turn; each
    has a front end, a queue and a readout of its own."""
    gating: Annotated[
        tuple[Literal["front_end", "encoder", "detector", "nonlinearity", "readout"], ...],
        AfterValidator(distinct),
    ] = ()
    """Parts that are switched off while they neither work nor hold anything."""

    def averages_rows(self, *, numbers: bool) -> bool:
        """Return whether spare rows repeat outputs.

        Args:
            numbers: Whether values become numbers on their way.
        """
        return numbers if self.spare_rows is None else self.spare_rows == "average"
