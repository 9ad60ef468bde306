"""Describe the parts that put the state onto lines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.params.base import (
    Bits,
    Count,
    Energy,
    Fraction,
    Frequency,
    NoiseDbc,
    Params,
    Power,
    RatioDb,
    Time,
)


class MrmParams(Params):
    """Describe micro-ring modulators, one per line, each on a laser line of its own."""

    kind: Literal["mrm"]
    lines: Count
    """Lines that can be driven at once."""
    bits: Bits
    """Resolution of the digital-to-analog converters, and depth to which a symbol settles."""
    symbol_rate: Annotated[Frequency, Field(gt=0)]
    """Conversion rate of each converter; one conversion takes its inverse."""
    dac_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one conversion of one line."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of the modulator."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for a symbol to settle; from bandwidth and bits where it is not given."""
    symbol_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one symbol on one line."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power that keeps one modulator on its wavelength."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of one modulator at full transmission."""
    laser_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power of the laser of one line."""
    laser_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of a laser."""
    laser_rin: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of one laser, one-sided."""
