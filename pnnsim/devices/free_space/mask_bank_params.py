"""Describe parts that work with beams in free space: light modulators, mirrors, cameras."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pnnsim.devices.encoders.dac_params import DacParams
from pnnsim.devices.family_params import (
    DetectorParams,
    EncoderParams,
    SwitchParams,
    WeightBankParams,
)
from pnnsim.devices.quantities import (
    Bits,
    Count,
    Current,
    Energy,
    Fraction,
    Frequency,
    Length,
    NoiseDbc,
    Power,
    RatioDb,
    Time,
)


class SlmParams(WeightBankParams):
    """Banks of liquid-crystal masks: a pair of pixels for each weight."""

    kind: Literal["slm"]
    count: Count
    """Physical banks: pairs of masks side by side."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank."""
    banks_per_panel: Count
    """Banks that share one light modulator and its power."""

    bits: Bits
    """Gray levels of one pixel."""
    contrast: Annotated[RatioDb, Field(gt=0, le=100)]
    """Light of a bright pixel over that of a dark one."""
    pixel_leak: Annotated[Fraction, Field(ge=0, lt=1)]
    """Part of a pixel's light that ends on its four neighbors together."""
    pixel_spread: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of the transmission from pixel to pixel, once per chip."""
    mask_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss of a fully bright mask."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of spreading and collecting beams, without the power split over rows and masks."""
    path_length: Annotated[Length, Field(ge=0, le=1e3)]
    """Free path from source to photodiode."""

    frame_time: Annotated[Time, Field(gt=0)]
    """Wait for a new pair of masks: one frame."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant of the liquid crystal; what a frame leaves of the old mask."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one light modulator with its driver."""


class DmdSwitchParams(SwitchParams):
    """Array of micro-mirrors that lights the masks of one bank."""

    kind: Literal["dmd"]
    rows: Count
    """Rows of mirrors that are loaded for a move: the whole frame, or a region."""
    clocks_per_row: Count
    """Clock cycles to load one row."""
    clock: Annotated[Frequency, Field(gt=0)]
    """Data clock."""
    mirror_time: Annotated[Time, Field(ge=0)]
    """Wait after the reset until the mirrors rest; they are dark meanwhile."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss at a mirror that is on: diffraction, fill factor, window."""
    contrast: Annotated[RatioDb, Field(ge=0, le=100)]
    """Light from a mirror that is on over that from one that is off."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move beyond the static power."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the array with its controller."""


class SourceArrayParams(DacParams):
    """Array of directly modulated light sources, one for each line."""

    kind: Literal["source_array"]
    bits: Bits
    """Resolution of the digital-to-analog converters, and depth to which a symbol settles."""
    conversion_time: Annotated[Time, Field(ge=0)]
    """Time of one conversion."""
    dac_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one conversion of one line."""
    bandwidth: Annotated[Frequency, Field(gt=0)]
    """3 dB bandwidth of a source."""
    settling_time: Annotated[Time, Field(ge=0)] | None = None
    """Wait for a symbol to settle; from bandwidth and bits where it is not given."""
    electrical_power: Annotated[Power, Field(gt=0)]
    """Electrical power of one source at full scale, drawn all the time."""
    efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power at full scale over electrical power."""
    intensity_noise: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of one source, one-sided."""


class DmdRowsParams(EncoderParams):
    """Micro-mirrors that set the brightness of each line by how many of them are on."""

    kind: Literal["dmd_rows"]
    lines: Count
    """Lines that can be set at once: a patch of mirrors each."""
    mirrors_per_line: Count
    """Mirrors of one patch; they give one level more than that, and one mirror is a binary line."""
    rows: Count
    """Rows of mirrors that are loaded for a pattern."""
    clocks_per_row: Count
    """Clock cycles to load one row."""
    clock: Annotated[Frequency, Field(gt=0)]
    """Data clock."""
    mirror_time: Annotated[Time, Field(ge=0)]
    """Wait after the reset until the mirrors rest."""
    contrast: Annotated[RatioDb, Field(gt=0, le=100)]
    """Light from a patch that is on over that from one that is off."""
    insertion_loss: Annotated[RatioDb, Field(ge=0, le=40)]
    """Loss at a mirror that is on."""
    pattern_energy: Annotated[Energy, Field(ge=0)]
    """Energy of turning one line's value into its pattern."""
    source_power: Annotated[Power, Field(gt=0, le=10)]
    """Optical power on the patch of one line."""
    source_efficiency: Annotated[Fraction, Field(gt=0, lt=1)]
    """Optical power over electrical power of the source."""
    source_noise: Annotated[NoiseDbc, Field(ge=-200, le=-80)]
    """Relative intensity noise of the light on one patch, one-sided."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the array with its controller."""


class CameraParams(DetectorParams):
    """Camera that counts photoelectrons: two pixels for each output."""

    kind: Literal["camera"]
    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the light."""
    quantum_efficiency: Annotated[Fraction, Field(gt=0, le=1)]
    """Electrons for each photon."""
    exposure: Annotated[Time, Field(gt=0)]
    """Time during which light is collected."""
    readout_time: Annotated[Time, Field(ge=0)]
    """Time from the end of the exposure to the numbers."""
    full_well: Annotated[float, Field(gt=0, le=1e12)]
    """Electrons that a pixel holds; more are lost."""
    bits: Bits
    """Resolution of the converter from an empty to a full pixel."""
    dark_current: Annotated[Current, Field(ge=0, le=1e-6)]
    """Dark current of one pixel."""
    read_noise: Annotated[float, Field(ge=0, le=1e6)]
    """Standard deviation of one reading of one pixel in electrons."""
    pixel_energy: Annotated[Energy, Field(ge=0)]
    """Energy of reading one pixel beyond the static power."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the camera."""
