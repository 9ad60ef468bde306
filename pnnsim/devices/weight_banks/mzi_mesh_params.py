"""Describe banks of weights in meshes of interferometers."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pnnsim.devices.family_params import WeightBankParams
from pnnsim.devices.quantities import (
    Angle,
    Bits,
    Carrier,
    Count,
    Energy,
    Fraction,
    Frequency,
    Length,
    Power,
    RatioDb,
    Time,
)


class MziMeshParams(WeightBankParams):
    """Coherent banks: two meshes of Mach-Zehnder interferometers, attenuators between.

    A bank is one such pair, W = U Sigma V†; a larger matrix takes several banks, whose outputs are
    detected apart and added as currents. The phase shifters are three numbers: heaters (30 nJ and
    1.2 us), insulated heaters (25 nJ and 100 us), or mechanical ones (no energy, 2 us).
    """

    carrier: ClassVar[Carrier] = "field"

    kind: Literal["mzi_mesh"]
    count: Count
    """Physical banks, all powered all the time."""
    rows: Annotated[int, Field(ge=1, le=256)]
    """Outputs of one bank."""
    cols: Annotated[int, Field(ge=1, le=256)]
    """Inputs of one bank."""
    arrangement: Literal["clements", "reck"]
    """Rectangular mesh, or triangular one."""

    group_index: Annotated[float, Field(ge=1, le=6)]
    """Group index of the waveguide."""
    column_pitch: Annotated[Length, Field(gt=0, le=1e-2)]
    """Length of one column of interferometers."""
    mode_pitch: Annotated[Length, Field(gt=0, le=1e-2)]
    """Distance of neighbouring waveguides."""
    path_length: Annotated[Length, Field(ge=0, le=10)]
    """Waveguide before and behind the meshes together."""
    fiber_length: Annotated[Length, Field(ge=0, le=1e4)]
    """Fibre from modulator to chip; 0 for a switch on the chip."""
    fiber_index: Annotated[float, Field(ge=1, le=2)]
    """Group index of the fibre."""
    column_loss: Annotated[RatioDb, Field(ge=0, le=10)]
    """Loss of one column, also where it has no interferometer but a dummy: it scales the matrix."""
    loss_imbalance: Annotated[RatioDb, Field(ge=0, le=10)]
    """Standard deviation of that loss from waveguide to waveguide in each column."""
    excess_loss: Annotated[RatioDb, Field(ge=0, le=60)]
    """Loss of coupling and routing, without the power split over the banks that share a line."""

    path_error: Annotated[Angle, Field(ge=0, le=10)]
    """Standard deviation of the phase of a line's path, or of a local oscillator's, from what
    calibration says, once per chip."""
    path_drift: Annotated[Angle, Field(ge=0, le=1e4)]
    """Standard deviation of the drift of such a phase while nothing holds it."""
    path_drift_time: Annotated[Time, Field(gt=0)]
    """Correlation time of that drift."""
    path_mismatch: Annotated[Length, Field(ge=0, le=1e4)]
    """Fibre by which the lines' way is longer than that of the local oscillators; the phase of the
    laser wanders over it."""
    path_lock: Literal["none", "active"]
    """Whether a lock holds each phase; its four numbers are then needed, and the drift does not
    matter."""
    lock_residual: Annotated[Angle, Field(ge=0, le=10)] | None = None
    """Standard deviation of a phase that a lock holds."""
    lock_bandwidth: Annotated[Frequency, Field(gt=0)] | None = None
    """Bandwidth of a lock's loop; what is left moves as fast."""
    lock_power: Annotated[Power, Field(ge=0, le=10)] | None = None
    """Power of one lock: sensor, loop and phase shifter. Each line of each bank has one, and each
    local oscillator."""
    lock_time: Annotated[Time, Field(ge=0)] | None = None
    """Time in which all locks catch, before the first sample."""

    bits: Bits
    """Depth to which a write settles."""
    converter_bits: Bits
    """Resolution of the converters that set voltages; a phase goes with the voltage squared."""
    coupler_error: Annotated[Angle, Field(ge=0, le=0.5)]
    """Standard deviation of a coupler's angle from pi/4, once per chip."""
    correction: Literal["none", "local"]
    """Whether coupler errors are measured and made up for by the phases of each interferometer."""
    phase_error: Annotated[Angle, Field(ge=0, le=1)]
    """Standard deviation of a phase from what its calibration says, once per chip."""
    crosstalk: Annotated[Fraction, Field(ge=0, lt=1)]
    """Phase that a heater causes at the reference distance, relative to its own."""
    crosstalk_distance: Annotated[Length, Field(gt=0, le=1e-2)]
    """That reference distance."""
    crosstalk_length: Annotated[Length, Field(gt=0, le=1e-2)]
    """Length over which crosstalk falls by e."""
    crosstalk_cancellation: bool
    """Whether heaters are set with their crosstalk in mind."""
    drift: Annotated[Angle, Field(ge=0, le=1)]
    """Standard deviation of the drift of a phase."""
    drift_time: Annotated[Time, Field(gt=0)]
    """Correlation time of that drift."""

    switching_energy: Annotated[Energy, Field(ge=0, le=1e-3)]
    """Power that holds a phase of pi times the thermal time constant; 0 where holding is free."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant of a phase shifter."""
    mean_phase: Annotated[Angle, Field(ge=0, le=6.2832)]
    """Mean phase of all shifters, which sets the power that they draw."""
    calibration_rounds: Annotated[int, Field(ge=1, le=10_000)]
    """Rounds of set, settle and measure in one programming."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait in one round; from time constant and bits where it is not given."""
    round_energy: Annotated[Energy, Field(ge=0)]
    """Energy of setting one shifter once: its converter. Heat itself is hold power."""
    driver_power: Annotated[Power, Field(ge=0, le=1)] | None = None
    """Power of the electronics of one shifter, on a chip of their own; none where not given."""

    @property
    def shifters(self) -> int:
        """Return the phase shifters of one bank: two a cell of either mesh, and attenuators."""
        cells = sum(modes * (modes - 1) // 2 for modes in (self.rows, self.cols))
        return 2 * cells + min(self.rows, self.cols)

    @property
    def package_heat(self) -> float:
        """Return the heat that holds every phase of every bank."""
        each = self.mean_phase / math.pi * self.switching_energy / self.time_constant
        return self.count * self.shifters * each

    @model_validator(mode="after")
    def _lock_is_whole(self) -> Self:
        """Refuse a lock without all of its numbers."""
        numbers = {
            "lock_residual": self.lock_residual,
            "lock_bandwidth": self.lock_bandwidth,
            "lock_power": self.lock_power,
            "lock_time": self.lock_time,
        }
        missing = [name for name, value in numbers.items() if value is None]
        if self.path_lock == "active" and missing:
            raise PydanticCustomError(
                "lock",
                "an active path_lock without {missing}; expected all of {names}",
                {"missing": " and ".join(missing), "names": ", ".join(numbers)},
            )
        return self

    @property
    def moving_phase(self) -> tuple[float, float]:
        """Return standard deviation [rad] and correlation time [s] of a path's moving phase."""
        if self.path_lock == "none":
            return self.path_drift, self.path_drift_time
        assert self.lock_residual is not None  # or it would have been refused
        assert self.lock_bandwidth is not None
        return self.lock_residual, 1.0 / (2.0 * math.pi * self.lock_bandwidth)

    @property
    def lock_cost(self) -> tuple[float, float]:
        """Return the power of one lock [W] and the time in which all catch [s]; 0 without."""
        if self.path_lock == "none":
            return 0.0, 0.0
        return self.lock_power or 0.0, self.lock_time or 0.0
