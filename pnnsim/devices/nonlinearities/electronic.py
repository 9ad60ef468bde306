"""Apply activations of electronics and of magnetic devices to a voltage."""

from __future__ import annotations

from functools import cached_property
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import from_fs, to_fs
from pnnsim.devices.base import Active
from pnnsim.devices.nonlinearities.base import Neurons
from pnnsim.devices.nonlinearities.electronic_params import (
    ElectronicAnalogParams,
    MtjSigmoidParams,
    SpinOscillatorParams,
)
from pnnsim.physics import dynamics, electronic, spintronic

#: Span of each curve of an analog stage.
_SPANS = {
    "linear": (-1.0, 1.0),
    "clipped_relu": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
}


@final
class ElectronicAnalog(Neurons[ElectronicAnalogParams]):
    """Let an analog stage bend the signal."""

    kind = "electronic_analog"
    Params = ElectronicAnalogParams
    non_idealities = ("noise",)

    def delay_fs(self, action: str) -> int:
        """Return the wait for the stage."""
        return {"activate": to_fs(self.params.settling_time)}[action]

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the curve's value with the stage's own noise, between the rails."""
        curve = electronic.activation(value, self.params.shape)
        if generator is None or not self.on(active, "noise"):
            return curve
        low, high = self.range
        noise = noise_like(value, generator)
        return (curve + self.params.noise * (high - low) * noise).clamp(low, high)

    @property
    def range(self) -> tuple[float, float]:
        """Return the ends of the curve."""
        return _SPANS[self.params.shape]


@final
class MtjSigmoid(Neurons[MtjSigmoidParams]):
    """Average the state of low-barrier junctions, which is a sigmoid of their current.

    Without correlation time it is a cell whose own curve is the sigmoid (Zand et al.,
    arXiv:2012.02695, 2020).
    """

    kind = "mtj_sigmoid"
    Params = MtjSigmoidParams
    non_idealities = ("switching_noise",)

    def delay_fs(self, action: str) -> int:
        """Return the time of averaging."""
        return {"activate": to_fs(self.params.integration_time)}[action]

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the share of time in state 1, with the scatter of a finite average.

        The scatter is drawn as normal, as for many flips, and ends at always and never.
        """
        p = self.params
        share = spintronic.p_bit_probability(p.drive_current * value, p.scale_current)
        if generator is None or not self.on(active, "switching_noise"):
            return share
        time = torch.tensor(p.integration_time, dtype=torch.float64)
        variance = spintronic.p_bit_average_variance(share, time.to(value), p.correlation_time)
        noise = noise_like(value, generator)
        return (share + (variance / p.devices).sqrt() * noise).clamp(0.0, 1.0)

    @property
    def range(self) -> tuple[float, float]:
        """Return never and always."""
        return 0.0, 1.0


@final
class SpinOscillator(Neurons[SpinOscillatorParams]):
    """Read the amplitude of spin-torque oscillators (Torrejon et al., Nature 547, 428, 2017).

    The amplitude grows as a square root above a threshold that heat makes smooth; 1 is that at
    pre-activation 1. Before the first step an oscillator rests at its bias.
    """

    kind = "spin_oscillator"
    Params = SpinOscillatorParams
    deterministic = ("settling",)
    non_idealities = (*deterministic, "amplitude_noise")

    def delay_fs(self, action: str) -> int:
        """Return the wait before the amplitude is read."""
        return {"activate": to_fs(self.params.settling_time)}[action]

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the amplitude after the wait, with what the last step has left of it."""
        p = self.params
        amplitude = self._settled(value)
        if self.on(active, "settling"):
            before = self._settled(torch.zeros_like(value)) if previous is None else previous
            elapsed = torch.tensor(from_fs(self.delay_fs("activate")), dtype=torch.float64)
            amplitude = dynamics.settle(before, amplitude, elapsed.to(value), p.time_constant)
        if generator is None or not self.on(active, "amplitude_noise"):
            return amplitude
        deviation = spintronic.oscillator_deviation(self._full * amplitude, p.thermal_power)
        noise = noise_like(value, generator)
        return (amplitude + deviation / self._full * noise).clamp(0.0, 1.0)

    def _settled(self, value: Tensor) -> Tensor:
        """Return the steady amplitude over that at pre-activation 1."""
        return self._steady(value) / self._full

    @cached_property
    def _full(self) -> float:
        return float(self._steady(torch.ones((), dtype=torch.float64)))

    def _steady(self, value: Tensor) -> Tensor:
        p = self.params
        current = p.bias_current + p.drive_current * value.clamp(-1.0, 1.0)
        return spintronic.thermal_oscillator_amplitude(
            current, p.threshold_current, p.thermal_power
        )

    @property
    def range(self) -> tuple[float, float]:
        """Return silence and the amplitude at pre-activation 1."""
        return 0.0, 1.0

    @property
    def slope(self) -> float:
        """Return the root of the mean squared slope in the middle half of the range.

        The steepest slope, at the threshold, is met by few; first weights scaled by it would let
        the signal fade.
        """
        with torch.inference_mode(False), torch.enable_grad():
            value = torch.linspace(-0.5, 0.5, 1001, dtype=torch.float64, requires_grad=True)
            (gradient,) = torch.autograd.grad(self._settled(value).sum(), value)
        return float(gradient.square().mean().sqrt())
