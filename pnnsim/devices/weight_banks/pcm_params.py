"""Describe weight banks of optical phase-change cells."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import (
    Count,
    Energy,
    Fraction,
    Length,
    Power,
    RatioDb,
    Time,
)


class PcmParams(WeightBankParams):
    """Non-volatile banks: two phase-change cells for each weight, read by light."""

    kind: Literal["pcm"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank: pairs of waveguides, one for each sign."""
    cols: Count
    """Inputs of one bank: one wavelength each."""

    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of a cell in its most transparent, amorphous state."""
    extinction: Annotated[RatioDb, Field(gt=0, le=60)]
    """Transmission of a cell when amorphous over that when crystalline."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of coupling, routing and bringing all wavelengths of an output together, without the
    power split over the rows and the two cells."""
    read_power_limit: Annotated[Power, Field(gt=0)]
    """Power at a cell beyond which reading heats it towards crystallization; a warning."""
    path_length: Annotated[Length, Field(ge=0, le=1e4)]
    """Waveguide from modulator to photodiode."""
    group_index: Annotated[float, Field(ge=1, le=6)]
    """Group index of the waveguide."""
    cell_pitch: Annotated[Length, Field(gt=0, le=1e-2)]
    """Distance of neighboring cells; its square is the area of one cell."""

    levels: Annotated[int, Field(ge=2, le=65536)]
    """Levels of one cell, evenly spaced in transmission."""
    programming_error: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a programmed weight, in weight units, from one programming to the
    next."""
    drift_exponent: Annotated[float, Field(ge=0, le=1)]
    """Mean exponent with which a cell's level falls with time; 0 for none."""
    drift_spread: Annotated[float, Field(ge=0, le=1)]
    """Standard deviation of the exponent from cell to cell, once per chip."""
    drift_reference_time: Annotated[Time, Field(gt=0)]
    """Time after programming at which levels are what was wanted, and drift sets in."""
    read_noise: Annotated[Fraction, Field(ge=0, le=1)]
    """1/f noise of a cell: relative deviation for each root of e-folds of time since the write."""
    read_time: Annotated[Time, Field(gt=0)]
    """Length of one reading, the short end of the 1/f spectrum."""

    write_time: Annotated[Time, Field(gt=0)]
    """Time of one programming pulse."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one programming pulse of one cell."""
    pulses: Annotated[int, Field(ge=1, le=10_000)]
    """Pulses until a cell is at its level, verification included."""
    parallel_cells: Count
    """Cells of one bank that are programmed at the same time."""
    rest_time: Annotated[Time, Field(ge=0)]
    """Time that a machine rests between programming and its first sample; drift goes on."""
    endurance: Annotated[float, Field(ge=1, le=1e18)]
    """Programmings that a cell survives; a warning, not a model."""
