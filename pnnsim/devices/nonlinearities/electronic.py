"""Nonlinearities that electronics or magnetic devices apply to a voltage."""

from __future__ import annotations

from functools import cached_property
from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import from_fs, to_fs
from pnnsim.devices.base import Active
from pnnsim.devices.nonlinearities.base import NoisyNeurons
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
class ElectronicAnalog(NoisyNeurons[ElectronicAnalogParams]):
    """Nonlinearity of analog stages, whose transfer curve is f."""

    kind = "electronic_analog"
    Params = ElectronicAnalogParams
    noise = "noise"
    non_idealities = (noise,)

    @property
    def _wait_fs(self) -> int:
        return to_fs(self.params.settling_time)

    def _mean(self, value: Tensor, previous: Tensor | None, active: Active) -> Tensor:
        return electronic.activation(value, self.params.shape)

    def _deviation(self, mean: Tensor) -> float:
        low, high = self.range
        return self.params.noise * (high - low)

    @property
    def range(self) -> tuple[float, float]:
        """Return the ends of the curve."""
        return _SPANS[self.params.shape]


@final
class MtjSigmoid(NoisyNeurons[MtjSigmoidParams]):
    """Nonlinearity of low-barrier junctions, whose mean state is a sigmoid of their current.

    Without correlation time it is a cell whose own curve is the sigmoid (Zand et al.,
    arXiv:2012.02695, 2020). The scatter of a finite average is drawn as normal, as for many flips,
    and ends at always and never.
    """

    kind = "mtj_sigmoid"
    Params = MtjSigmoidParams
    noise = "switching_noise"
    non_idealities = (noise,)

    @property
    def _wait_fs(self) -> int:
        return to_fs(self.params.integration_time)

    def _mean(self, value: Tensor, previous: Tensor | None, active: Active) -> Tensor:
        """Return the mean share of time in state 1."""
        p = self.params
        return spintronic.p_bit_probability(p.drive_current * value, p.scale_current)

    def _deviation(self, mean: Tensor) -> Tensor:
        p = self.params
        time = torch.tensor(p.integration_time, dtype=torch.float64)
        variance = spintronic.p_bit_average_variance(mean, time.to(mean), p.correlation_time)
        return (variance / p.devices).sqrt()

    @property
    def range(self) -> tuple[float, float]:
        """Return never and always."""
        return 0.0, 1.0


@final
class SpinOscillator(NoisyNeurons[SpinOscillatorParams]):
    """Nonlinearity of the amplitude of spin-torque oscillators, or of the power that they emit.

    The amplitude grows as a square root above a threshold that heat makes smooth; 1 is that at
    pre-activation 1. Before the first step an oscillator rests at its bias.

    Reference: Torrejon et al., Nature 547, 428, 2017.
    """

    kind = "spin_oscillator"
    Params = SpinOscillatorParams
    noise = "amplitude_noise"
    deterministic = ("settling",)
    non_idealities = (*deterministic, noise)

    @property
    def _wait_fs(self) -> int:
        return to_fs(self.params.settling_time)

    def _mean(self, value: Tensor, previous: Tensor | None, active: Active) -> Tensor:
        """Return the amplitude after the wait, with what the last step has left of it."""
        p = self.params
        amplitude = self._settled(value)
        if self.on(active, "settling"):
            before = self._settled(torch.zeros_like(value)) if previous is None else previous
            elapsed = torch.tensor(from_fs(self.delay_fs("activate")), dtype=torch.float64)
            amplitude = dynamics.settle(before, amplitude, elapsed.to(value), p.time_constant)
        return amplitude

    def _deviation(self, mean: Tensor) -> Tensor:
        thermal = self.params.thermal_power
        if self.params.emits == "amplitude":
            return spintronic.oscillator_deviation(self._full * mean, thermal) / self._full
        amplitude = mean.clamp(min=0.0).sqrt()
        deviation = spintronic.oscillator_deviation(self._full * amplitude, thermal) / self._full
        return 2.0 * amplitude * deviation

    def _settled(self, value: Tensor) -> Tensor:
        """Return the steady amplitude, or power, over that at pre-activation 1."""
        amplitude = self._steady(value) / self._full
        return amplitude if self.params.emits == "amplitude" else amplitude**2

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

        The steepest slope, at the threshold, is that of few neurons; first weights scaled by it
        would let the signal fade.
        """
        with torch.inference_mode(False), torch.enable_grad():
            value = torch.linspace(-0.5, 0.5, 1001, dtype=torch.float64, requires_grad=True)
            (gradient,) = torch.autograd.grad(self._settled(value).sum(), value)
        return float(gradient.square().mean().sqrt())
