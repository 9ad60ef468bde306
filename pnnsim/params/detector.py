"""Describe the parts that turn what leaves a bank into an electrical signal."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.params.base import (
    Bits,
    Current,
    CurrentNoise,
    Frequency,
    Params,
    Power,
    RatioDb,
    Responsivity,
    Time,
)


class BalancedPhotodiodeParams(Params):
    """Describe balanced photodiodes, each pair with a transimpedance amplifier."""

    kind: Literal["balanced_photodiode"]
    responsivity: Annotated[Responsivity, Field(gt=0, le=2)]
    """Photocurrent per optical power."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of photodiode and amplifier together; also the noise bandwidth."""
    bits: Bits
    """Depth to which the amplifier settles before the value is captured."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait before the capture; from bandwidth and bits where it is not given."""
    dark_current: Annotated[Current, Field(ge=0, le=1e-3)]
    """Dark current of one photodiode."""
    amplifier_noise: Annotated[CurrentNoise, Field(ge=0, le=1e-6)]
    """Input-referred current noise density of the amplifier, one-sided."""
    saturation_power: Annotated[Power, Field(gt=0)]
    """Optical power at which the response of one photodiode has halved."""
    common_mode_rejection: Annotated[RatioDb, Field(ge=0, le=100)]
    """Rejection of what both photodiodes see, in electrical power."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one amplifier."""
