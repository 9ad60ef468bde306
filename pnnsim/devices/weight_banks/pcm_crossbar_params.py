"""Describe weight banks of electrical phase-change cells in crossbars."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import (
    Area,
    Bits,
    Capacitance,
    Carrier,
    Count,
    Energy,
    Fraction,
    Resistance,
    Time,
)

Statistics = Literal["nandakumar_2019", "joshi_2020"]


class PcmCrossbarParams(WeightBankParams):
    """Crossbars of electrical phase-change cells: analog conductances that are written in steps."""

    carrier: ClassVar[Carrier] = "voltage"

    kind: Literal["pcm_crossbar"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank: driven lines of each of its sub-arrays."""

    signs: Literal["pair", "offset"]
    """How a weight gets its sign: `pair` by two groups of cells, one of which is at its lowest;
    `offset` by one group, from which a column of half conductance subtracts, one for all outputs of
    a bank."""
    devices: Annotated[int, Field(ge=1, le=64)]
    """Cells of one group, in parallel and at the same level."""
    levels: Annotated[int, Field(ge=2, le=65536)]
    """Levels that a cell is programmed to, evenly spaced in conductance; what a cell holds is as
    close as the programming error allows."""
    full_resistance: Annotated[Resistance, Field(gt=0, le=1e9)]
    """Resistance of a cell at its highest level, fully crystalline."""
    reset_resistance: Annotated[Resistance, Field(gt=0, le=1e12)]
    """Resistance of a cell at its lowest level, amorphous."""

    bits: Bits
    """Depth to which the wires settle."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for the wires; from their resistance and capacitance where it is not given."""
    row_resistance: Annotated[Resistance, Field(ge=0)]
    """Resistance of a driven line from one cell to the next."""
    column_resistance: Annotated[Resistance, Field(ge=0)]
    """Resistance of a sense line from one cell to the next."""
    cell_capacitance: Annotated[Capacitance, Field(ge=0)]
    """Capacitance of a line for each of its cells."""
    cell_area: Annotated[Area, Field(gt=0)]
    """Area of one cell with its transistors."""

    statistics: Statistics
    """Publication whose programming error is drawn, as a function of the conductance."""
    programming_scale: Annotated[Fraction, Field(ge=0, le=100)]
    """Factor on that error; 1 for cells as published."""
    drift_scale: Annotated[Fraction, Field(ge=0, le=100)]
    """Factor on the published exponents of drift, which depend on the conductance; 0 for none."""
    drift_reference_time: Annotated[Time, Field(gt=0)]
    """Time after programming at which levels are what was wanted, and drift sets in."""
    drift_compensation: bool
    """Whether outputs are scaled up by what the sum of all conductances has lost."""
    read_noise_scale: Annotated[Fraction, Field(ge=0, le=100)]
    """Factor on the published 1/f noise, which depends on the conductance; 0 for none."""
    read_time: Annotated[Time, Field(gt=0)]
    """Length of one reading, the short end of the 1/f spectrum."""

    write_time: Annotated[Time, Field(gt=0)]
    """Time of one programming pulse with its reading."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one programming pulse of one cell with its reading."""
    pulses: Annotated[int, Field(ge=1, le=10_000)]
    """Pulses until a cell is at its level, verification included."""
    parallel_cells: Count
    """Cells of one bank that are programmed at the same time."""
    rest_time: Annotated[Time, Field(ge=0)]
    """Time that a machine rests between programming and its first sample; drift goes on."""
    endurance: Annotated[float, Field(ge=1, le=1e18)]
    """Pulses that a cell survives; a warning, not a model."""

    mean_square: Annotated[Fraction, Field(ge=0, le=1)]
    """Mean square of what a line carries, by which the crossbar's power is priced."""
    mean_level: Annotated[Fraction, Field(ge=0, le=1)]
    """Mean level of a cell, for power, thermal noise and wire estimates."""

    @model_validator(mode="after")
    def _check_contrast(self) -> Self:
        """Refuse cells whose lowest level conducts as well as their highest."""
        if self.reset_resistance <= self.full_resistance:
            raise ValueError(
                f"reset_resistance is {self.reset_resistance:g} ohm and full_resistance "
                f"{self.full_resistance:g} ohm; expected the first to be larger"
            )
        return self
