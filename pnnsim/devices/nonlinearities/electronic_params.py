"""Describe activations that electronics or magnetic devices apply to a voltage."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.family_params import NonlinearityParams
from pnnsim.devices.quantities import Count, Current, Energy, Fraction, Power, Time


class ElectronicAnalogParams(NonlinearityParams):
    """Analog stages, one per neuron, whose transfer curve is f."""

    kind: Literal["electronic_analog"]
    shape: Literal["linear", "clipped_relu", "tanh", "sigmoid"]
    """Transfer curve over the logical pre-activation; every one is bounded by the rails."""
    settling_time: Annotated[Time, Field(ge=0)]
    """Wait for the stage to settle."""
    noise: Annotated[Fraction, Field(ge=0, le=1)]
    """Standard deviation of the output over the span of the curve."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one activation of one neuron."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one stage."""


class MtjSigmoidParams(NonlinearityParams):
    """Low-barrier junctions whose mean state is a sigmoid of a current."""

    kind: Literal["mtj_sigmoid"]
    drive_current: Annotated[Current, Field(gt=0)]
    """Current at pre-activation 1."""
    scale_current: Annotated[Current, Field(gt=0)]
    """Current that biases a junction noticeably, I_0."""
    devices: Count
    """Junctions of one neuron whose states are averaged."""
    correlation_time: Annotated[Time, Field(ge=0)]
    """Time in which a junction loses its state; 0 for a cell that is a sigmoid without chance."""
    integration_time: Annotated[Time, Field(gt=0)]
    """Time over which a neuron averages, which is that of one activation."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one activation of one neuron."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one neuron."""


class SpinOscillatorParams(NonlinearityParams):
    """Spin-torque oscillators whose amplitude is f of a current."""

    kind: Literal["spin_oscillator"]
    threshold_current: Annotated[Current, Field(gt=0)]
    """Current at which oscillation starts."""
    bias_current: Annotated[Current, Field(gt=0)]
    """Current at pre-activation 0."""
    drive_current: Annotated[Current, Field(gt=0)]
    """Current that pre-activation 1 adds; the driver saturates at plus and minus this."""
    emits: Literal["amplitude", "power"] = "amplitude"
    """What of an oscillation carries the state: its amplitude, as a diode reads it, or its power,
    which goes to the next layer as microwaves."""
    time_constant: Annotated[Time, Field(gt=0)]
    """Time constant with which the amplitude, or the power, follows."""
    settling_time: Annotated[Time, Field(gt=0)]
    """Wait before the amplitude is read; what has not settled is memory of the last step."""
    thermal_power: Annotated[Fraction, Field(gt=0, le=1)]
    """Power that heat keeps up at rest, over that of oscillation at twice the threshold; it makes
    the threshold smooth and the amplitude noisy."""
    energy: Annotated[Energy, Field(ge=0)]
    """Energy of one activation of one neuron, without the standing power."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of one oscillator with its bias."""

    @model_validator(mode="after")
    def _check_currents(self) -> Self:
        """Refuse an oscillator that never oscillates."""
        if self.bias_current + self.drive_current <= self.threshold_current:
            raise ValueError(
                "bias_current and drive_current together do not reach threshold_current; expected "
                "more, or the amplitude is always 0"
            )
        return self
