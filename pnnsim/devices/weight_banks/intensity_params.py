"""Description of integrated arrays of intensity weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import (
    Bits,
    Count,
    Energy,
    Fraction,
    Length,
    Power,
    RatioDb,
    Time,
)


class IntensityParams(WeightBankParams):
    """Integrated arrays of intensity weights, which electronics loads word by word.

    A cell shares the light of its line between two rails, by a modulator with two outputs or by a
    photodiode whose current a converter steers; photocurrents of a rail add up.
    """

    kind: Literal["intensity"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank."""

    bits: Bits
    """Resolution of a weight over both signs, 0 among its `2^bits - 1` levels, and depth to which a
    write settles."""
    gain_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a cell's gain that calibration leaves, once per chip."""
    cell_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of one cell at weight 1."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of coupling and routing, without the power split over the rows."""
    path_length: Annotated[Length, Field(ge=0, le=10)]
    """Waveguide from modulator to photodiode."""
    group_index: Annotated[float, Field(ge=1, le=6)]
    """Group index of the waveguide."""
    cell_pitch: Annotated[Length, Field(gt=0, le=1e-2)]
    """Distance of neighboring cells; its square is the area of one weight."""

    cells_per_word: Count
    """Weights of one bank that arrive together, in one word."""
    word_time: Annotated[Time, Field(gt=0)]
    """Time from one word to the next."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant with which a cell settles on a new weight."""
    write_energy: Annotated[Energy, Field(ge=0)]
    """Energy to bring one weight to its cell."""
    cell_power: Annotated[Power, Field(ge=0)]
    """Power that holds one weight."""
