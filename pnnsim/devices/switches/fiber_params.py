"""Descriptions of switches between fibers: moved mirrors and amplifying gates."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pnnsim.devices.family_params import ParallelSwitchParams
from pnnsim.devices.quantities import (
    Bits,
    Count,
    Energy,
    Length,
    Power,
    RatioDb,
    Time,
)


class FiberMemsSwitchParams(ParallelSwitchParams):
    """1xL switches that move a fiber or a micro-mirror."""

    kind: Literal["fiber_mems"]
    count: Count
    """Parallel switches: one for each fiber that carries wavelengths."""
    switching_time: Annotated[Time, Field(gt=0)]
    """Wait after a move; there is no light until then."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of the whole switch, however many banks it serves."""
    crosstalk: Annotated[RatioDb, Field(ge=0, le=120)]
    """Extinction of each unselected output, a positive number."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move of one switch."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one switch at rest; none if it latches."""
    endurance: Annotated[float, Field(ge=1, le=1e18)]
    """Moves that a switch survives; a warning, not a model."""


class SoaSwitchParams(ParallelSwitchParams):
    """Splitter with a semiconductor optical amplifier as the gate of each bank."""

    kind: Literal["soa"]
    count: Count
    """Parallel splitters: one for each bus that carries wavelengths."""
    rise_time: Annotated[Time, Field(gt=0)]
    """10-90 % rise time of one gate."""
    bits: Bits
    """Depth to which a gate settles before light may cross."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait after a move; from rise time and bits where it is not given."""
    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the middle channel."""
    gain: Annotated[RatioDb, Field(ge=-20, le=40)]
    """Power gain of an open gate, coupling included; negative for a loss."""
    splitter_loss: Annotated[RatioDb, Field(ge=0, le=10)]
    """Loss of one 1x2 splitter, without the split itself."""
    extinction: Annotated[RatioDb, Field(ge=0, le=100)]
    """Transmission of an open gate over that of a closed one."""
    noise_figure: Annotated[RatioDb, Field(ge=0, le=30)]
    """Noise figure of an open gate."""
    saturation_power: Annotated[Power, Field(gt=0)]
    """Output power at which the gain has halved; a warning, not a model."""
    channels: Count
    """Lines that share one gate, and so its saturation power."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move of one splitter: one gate closes, another opens."""
    gate_power: Annotated[Power, Field(ge=0)]
    """Power of one open gate; a closed one takes none."""

    @model_validator(mode="after")
    def _noise_is_possible(self) -> Self:
        """Refuse a gate that would add less noise than an attenuator."""
        if self.noise_figure < -self.gain:
            why = (
                f"a gain of {self.gain:g} dB with a noise figure of {self.noise_figure:g} dB; "
                f"expected a noise figure of at least {-self.gain:g} dB, that of an attenuator"
            )
            raise PydanticCustomError("noise", "{why}", {"why": why})
        return self
