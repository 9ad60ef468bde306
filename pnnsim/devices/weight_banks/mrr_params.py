"""Description of weight banks of micro-rings."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pnnsim.common.units import level_db, power_ratio
from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.laws import by_law
from pnnsim.devices.quantities import (
    Angle,
    Bits,
    Count,
    Energy,
    Fraction,
    Length,
    LengthPerPower,
    LengthPerTemperature,
    LengthPerVoltage,
    LossPerLengthDb,
    Power,
    RatioDb,
    TemperatureDifference,
    Time,
    Voltage,
)
from pnnsim.devices.weight_banks.ring_law import RING_TRIM
from pnnsim.physics import photonic_channels


class MrrParams(WeightBankParams):
    """Broadcast-and-weight banks: one add-drop micro-ring for each weight."""

    kind: Literal["mrr"]
    count: Count
    """Physical banks, all powered all the time."""
    rows: Count
    """Outputs of one bank: balanced photodiodes, each behind a bus of its own."""
    cols: Count
    """Inputs of one bank: wavelengths times buses."""
    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the middle channel."""
    ring_radius: Annotated[Length, Field(gt=0, le=1e-3)]
    """Radius of a weight ring."""
    group_index: Annotated[float, Field(ge=1, le=6)]
    """Group index of the waveguide."""
    self_coupling: Annotated[float, Field(gt=0, lt=1)]
    """Amplitude that stays in the bus at each of the two couplers of a ring, r."""
    ring_loss: Annotated[LossPerLengthDb, Field(ge=0)]
    """Propagation loss inside a ring."""
    channel_crosstalk: Annotated[RatioDb, Field(gt=0, le=60)]
    """Least suppression of a neighboring channel at a ring; a plan that misses it is refused."""
    channels_per_bus: Annotated[int, Field(ge=1, le=1024)]
    """Wavelengths in one free spectral range; inputs beyond take further buses."""
    through_loss: Annotated[RatioDb, Field(ge=0, le=10)]
    """Loss of passing one ring that is off resonance."""
    bus: Literal["coherent", "incoherent"] = "coherent"
    """Whether light that reaches a photodiode by several rings interferes, as that of a laser does,
    or adds as power: an approximation that is cheaper to compute, and the same on every chip."""
    bus_drift: Annotated[Angle, Field(ge=0, le=10)] | None = None
    """Standard deviation of the drift of the phase from ring to ring and back; it follows the
    temperature. None for none."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of coupling and routing, without the power split over the rows."""
    ring_power_limit: Annotated[Power, Field(gt=0)]
    """Power at a ring beyond which there is a warning that it heats itself."""
    path_length: Annotated[Length, Field(ge=0, le=1e4)]
    """Waveguide from modulator to photodiode."""
    ring_pitch: Annotated[Length, Field(gt=0, le=1e-2)]
    """Distance of neighbouring rings; its square is the area of one weight."""

    bits: Bits
    """Levels of a weight over [-1, 1], and depth to which a write settles."""
    usable_range: Annotated[Fraction, Field(gt=0, lt=1)]
    """Part of the achievable weight interval that is used; the resonance itself has no slope."""
    resonance_error: Annotated[Length, Field(ge=0, le=1e-9)]
    """Standard deviation of a ring's resonance from its calibration, once per chip."""
    write_repeatability: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of a weight from one programming to the next."""
    thermal_shift: Annotated[LengthPerTemperature, Field(ge=0, le=1e-9)]
    """Shift of a resonance with temperature."""
    temperature_error: Annotated[TemperatureDifference, Field(ge=0, le=10)]
    """Standard deviation of a ring's temperature from its set point."""
    temperature_time: Annotated[Time, Field(gt=0)]
    """Correlation time of that temperature."""

    gradient_error: Annotated[TemperatureDifference, Field(ge=0, le=100)] | None = None
    """Standard deviation of the temperature difference between opposite edges of a bank, in either
    direction; it changes within the time of the temperature, and a programming corrects it."""
    self_heating: Annotated[LengthPerPower, Field(ge=0, le=1e-3)] | None = None
    """Shift of a resonance by the light that its ring drops; goes with heating_activity."""
    heating_activity: Annotated[Fraction, Field(ge=0, le=1)] | None = None
    """Mean of a line at work less that during calibration, over full scale: what heat of light is
    not calibrated out."""

    tuning: Literal["thermal", "depletion"] = "thermal"
    """What moves a resonance: heat, or the depletion of a junction, which only reaches so far."""
    voltage_shift: Annotated[LengthPerVoltage, Field(gt=0, le=1e-6)] | None = None
    """Shift of a resonance with voltage; goes with depletion."""
    voltage_limit: Annotated[Voltage, Field(gt=0, le=1000)] | None = None
    """Largest voltage; with the shift it limits the weights. Goes with depletion."""
    heater_crosstalk: Annotated[Fraction, Field(ge=0, lt=1)]
    """Shift of a ring by the heater next to it, relative to its own; none with depletion."""
    heater_decay_length: Annotated[Length, Field(gt=0, le=1e-2)]
    """Distance over which that influence falls by e."""
    bank_spacing: Annotated[Length, Field(gt=0, le=1)] | None = None
    """Distance of the nearest rings of neighboring banks, whose heaters warm each other as within a
    bank; none for banks that heat does not reach."""
    hold_power: Annotated[
        Power,
        Field(ge=0, le=1),
        by_law(
            RING_TRIM,
            linewidth="linewidth",
            spectral_range="spectral_range",
            channels="channels_per_bus",
            span="cols * ring_pitch",
            thermal_shift="thermal_shift",
        ),
    ]
    """Mean tuning power of one ring, drawn all the time: heat; none with depletion."""
    driver_power: Annotated[Power, Field(ge=0, le=1)] | None = None
    """Power of the electronics that hold one ring, on a chip of their own; none where not given."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Fast time constant of tuning: of a heater, or of a junction's charge."""
    slow_time_constant: Annotated[Time, Field(gt=0)]
    """Slow thermal time constant of the substrate."""
    slow_fraction: Annotated[Fraction, Field(ge=0, lt=1)]
    """Part of the response that follows the slow time constant."""
    calibration_rounds: Annotated[int, Field(ge=1, le=10_000)]
    """Rounds of set, settle and measure in one programming."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait in one round; from time constant and bits where it is not given."""
    round_energy: Annotated[Energy, Field(ge=0)]
    """Energy of setting one ring once: its converter. Heat itself is hold power."""

    @field_validator("channels_per_bus")
    @classmethod
    def _channels_fit(cls, channels: int, info: ValidationInfo) -> int:
        """Refuse more channels than one free spectral range holds at the given crosstalk."""
        names = ("wavelength", "group_index", "ring_radius", "self_coupling", "ring_loss")
        if not all(name in info.data for name in (*names, "channel_crosstalk")):
            return channels  # these have problems of their own
        wavelength, index, radius, coupling, loss = (info.data[name] for name in names)
        around = 2.0 * math.pi * radius
        fsr = photonic_channels.free_spectral_range(wavelength, index, around)
        amplitude = photonic_channels.single_pass_amplitude(loss, around)
        width = photonic_channels.linewidth(fsr, coupling, coupling, amplitude)
        asked = info.data["channel_crosstalk"]
        fit = photonic_channels.channels_that_fit(fsr, width, power_ratio(-asked))
        if channels > fit:
            leak = level_db(photonic_channels.neighbor_leak(fsr / channels, width))
            why = (
                f"{channels} wavelengths {fsr / channels * 1e9:.3g} nm apart leave a neighbor at "
                f"{leak:.3g} dB; expected at most {fit}, which a free spectral range of "
                f"{fsr * 1e9:.3g} nm holds at -{asked:g} dB. Hint: more buses of fewer "
                "wavelengths, or narrower rings"
            )
            raise PydanticCustomError("channel_plan", "{why}", {"why": why})
        return channels

    @model_validator(mode="after")
    def _depletion_is_whole(self) -> Self:
        """Refuse a tuning without what it needs, or with what belongs to the other one."""
        given = [self.voltage_shift is not None, self.voltage_limit is not None]
        if self.tuning == "depletion" and not all(given):
            raise PydanticCustomError(
                "tuning",
                "tuning by depletion without voltage_shift or voltage_limit; expected both",
            )
        if self.tuning == "depletion" and self.hold_power > 0.0:
            raise PydanticCustomError(
                "tuning",
                "tuning by depletion with a hold_power; expected 0 W, as a depleted junction draws "
                "no current",
            )
        if self.tuning == "thermal" and any(given):
            raise PydanticCustomError(
                "tuning",
                "thermal tuning with a voltage; expected neither voltage_shift nor voltage_limit",
            )
        return self

    @model_validator(mode="after")
    def _self_heating_is_whole(self) -> Self:
        """Refuse heat of light without how much of it is not calibrated out, or the reverse."""
        if (self.self_heating is None) != (self.heating_activity is None):
            raise PydanticCustomError(
                "self_heating", "got one of self_heating and heating_activity; expected both"
            )
        return self

    @property
    def spectral_range(self) -> float:
        """Return the free spectral range of a ring [m]."""
        return photonic_channels.free_spectral_range(
            self.wavelength, self.group_index, 2.0 * math.pi * self.ring_radius
        )

    @property
    def linewidth(self) -> float:
        """Return the width of a resonance [m]."""
        amplitude = photonic_channels.single_pass_amplitude(
            self.ring_loss, 2.0 * math.pi * self.ring_radius
        )
        return photonic_channels.linewidth(
            self.spectral_range, self.self_coupling, self.self_coupling, amplitude
        )

    @property
    def package_heat(self) -> float:
        """Return the heat of every ring of every bank."""
        return self.count * self.rows * self.cols * self.hold_power

    @property
    def wavelengths(self) -> int:
        """Return the channels of one bus."""
        return self.channels_per_bus
