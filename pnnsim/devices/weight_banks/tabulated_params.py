"""Description of weight banks whose cells are given by a table of scattering parameters."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import (
    Area,
    Bits,
    Count,
    Energy,
    Fraction,
    Length,
    Power,
    RatioDb,
    Time,
)


class TabulatedBankParams(WeightBankParams):
    """Cells that are measured, or simulated elsewhere: their power at two outputs over wavelength.

    `file` is read with the description, and `weight_curve`, `light_curve` and `tuning_span` come
    out.
    """

    kind: Literal["tabulated"]
    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank."""
    channels_per_bus: Count
    """Wavelengths of one bus; cells are taken to meet their own alone."""
    file: str | None = None
    """Table (.sNp, .npz, .json) of one cell, untuned; beside the file of the machine."""
    ports: tuple[str, ...] | None = None
    """Input, adding output, subtracting output, as the table names them; its first three where not
    given."""
    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the light at the cell of the table."""
    tuning_range: Annotated[Length, Field(gt=0, le=1e-6)]
    """Largest shift of the cell's spectrum, towards longer wavelengths."""
    table_sha256: str | None = None
    """Hash of what the table was; filled in when it is read."""
    weight_curve: Annotated[
        tuple[Annotated[Fraction, Field(ge=-1.03, le=1.03)], ...],
        Field(min_length=2, max_length=1025),
    ]
    """Power at the adding output less that at the subtracting one, rising, at evenly spaced
    tunings; read from the table where it is given."""
    light_curve: Annotated[
        tuple[Annotated[Fraction, Field(ge=0, le=1.03)], ...],
        Field(min_length=2, max_length=1025),
    ]
    """Power at both outputs at the same tunings; read likewise."""
    tuning_span: Annotated[Length, Field(ge=-1e-6, le=1e-6)]
    """Tuning from the first point of the curve to the last; negative where weights fall as the
    spectrum is tuned; read likewise."""
    usable_range: Annotated[Fraction, Field(gt=0, le=1)]
    """Part of the weights that the cell reaches with both signs that is logical 1."""
    bits: Bits
    """Resolution of the tuning over its span."""
    tuning_error: Annotated[Length, Field(ge=0, le=1e-6)]
    """Standard deviation of the tuning as calibration leaves it, from cell to cell, once per
    chip."""
    write_repeatability: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a weight from programming to programming."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of a line on its way to the cells, without its split among all rows."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of that split."""
    path_length: Annotated[Length, Field(ge=0)]
    """Length of the way of the light."""
    group_index: Annotated[float, Field(ge=1, le=10)]
    """Group index of that way."""
    response_time: Annotated[Time, Field(ge=0)]
    """Wait until light has settled in a cell."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant of the tuning."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait of one programming round; from time constant and bits where it is not given."""
    calibration_rounds: Annotated[int, Field(ge=1, le=1000)]
    """Rounds of one programming, each with a measurement of every cell."""
    round_energy: Annotated[Energy, Field(ge=0)]
    """Energy of converters for one round of one cell."""
    hold_power: Annotated[Power, Field(ge=0)]
    """Mean power that keeps one cell tuned."""
    cell_area: Annotated[Area, Field(gt=0)]
    """Area of one cell."""

    @property
    def wavelengths(self) -> int:
        """Return the channels of one bus."""
        return self.channels_per_bus

    @property
    def package_heat(self) -> float:
        """Return the heat of every cell of every bank."""
        return self.count * self.rows * self.cols * self.hold_power

    @model_validator(mode="after")
    def _curves_agree(self) -> Self:
        """Refuse curves of different lengths, or that do not rise, or have but one sign."""
        weight, light = self.weight_curve, self.light_curve
        if len(weight) != len(light):
            raise ValueError(
                f"weight_curve has {len(weight)} points and light_curve {len(light)}; expected the "
                "same"
            )
        if any(b < a for a, b in pairwise(weight)):
            raise ValueError("weight_curve falls on its way; expected it to rise")
        if not weight[0] < 0.0 < weight[-1]:
            raise ValueError(
                f"weight_curve goes from {weight[0]:g} to {weight[-1]:g}; expected both signs"
            )
        if not self.tuning_span:
            raise ValueError("tuning_span is 0; expected a distance of either sign")
        return self
