"""Description of columns of magnetic junctions in series, whose resistances add."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import Area, Carrier, Count, Energy, Fraction, Resistance, Time


class MramColumnParams(WeightBankParams):
    """Columns of cells in series, each of two junctions of which the input chooses one."""

    carrier: ClassVar[Carrier] = "gate"

    kind: Literal["mram_column"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank: columns of cells, each with a node of its own."""
    cols: Count
    """Inputs of one bank: cells of one column, in series."""
    resistance: Annotated[Resistance, Field(gt=0, le=1e9)]
    """Resistance of a junction when parallel."""
    tmr: Annotated[Fraction, Field(gt=0, le=20)]
    """Magnetoresistance ratio; a junction sees a small part of the voltage of its column."""
    transistor_resistance: Annotated[Resistance, Field(ge=0, le=1e9)]
    """Resistance of the transistor that opens one path of a cell."""
    resistance_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a junction's resistance over its mean, log-normal, once per chip."""
    tmr_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """The same of the magnetoresistance ratio."""
    transistor_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """The same of a transistor's resistance."""
    stuck_fraction: Annotated[Fraction, Field(ge=0, le=1)]
    """Share of the junctions that stay in one state, either of both as often."""
    offset_calibration: bool
    """Whether what a column reads without regard to its inputs is measured and subtracted."""
    calibration_time: Annotated[Time, Field(ge=0)]
    """Time of that measurement, all columns of a bank together; part of writing it."""
    calibration_energy: Annotated[Energy, Field(ge=0)]
    """Energy of that measurement of one column."""
    settling_time: Annotated[Time, Field(ge=0)]
    """Wait for the paths of all cells and for the start of the discharge."""
    write_cycle: Annotated[Time, Field(gt=0)]
    """Time to write one row of cells, both junctions."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy of writing one junction."""
    write_error_rate: Annotated[Fraction, Field(ge=0, le=0.5)]
    """Chance that one pulse fails."""
    endurance: Annotated[float, Field(ge=1, le=1e18)]
    """Writes that a junction survives; a warning, not a model."""
    cell_area: Annotated[Area, Field(gt=0)]
    """Area of one cell: two junctions and their transistors."""

    @property
    def swing(self) -> float:
        """Return by how much a cell's resistance rises from sign to sign, halved [Ohm]."""
        return self.resistance * self.tmr / 2.0

    @property
    def mean_resistance(self) -> float:
        """Return the mean resistance of a cell [Ohm]."""
        return self.resistance + self.swing + self.transistor_resistance
