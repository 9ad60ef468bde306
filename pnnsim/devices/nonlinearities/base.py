"""Nonlinearities that are one circuit for each neuron: their wait, prices and noise."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.devices.base import Active, Nonlinearity
from pnnsim.devices.nonlinearities.electro_optic_params import ElectroOpticActivationParams
from pnnsim.devices.nonlinearities.electronic_params import (
    ElectronicAnalogParams,
    MtjSigmoidParams,
    SpinOscillatorParams,
)
from pnnsim.devices.nonlinearities.passive_params import SquareLawParams
from pnnsim.physics import counting

A = TypeVar(
    "A",
    bound=(
        ElectroOpticActivationParams
        | SquareLawParams
        | ElectronicAnalogParams
        | MtjSigmoidParams
        | SpinOscillatorParams
    ),
)
N = TypeVar("N", bound=ElectronicAnalogParams | MtjSigmoidParams | SpinOscillatorParams)


class Neurons(Nonlinearity[A]):
    """Nonlinearity that takes one wait, energy for each activation of a neuron, and power."""

    def delay_fs(self, action: str) -> int:
        """Return the wait for the circuit."""
        return {"activate": self._wait_fs}[action]

    @property
    @abstractmethod
    def _wait_fs(self) -> int:
        """Return the time from the pre-activation to its f [fs]."""

    def cost(self, action: str) -> float:
        """Return the energy of one activation of every neuron."""
        return self.size.hidden * {"activate": self.params.energy}[action]

    def static_power(self) -> float:
        """Return the power of all neurons."""
        return self.size.hidden * self.params.static_power


class NoisyNeurons(Neurons[N]):
    """Nonlinearity whose output scatters about a mean curve, within its range."""

    #: Name of the non-ideality that is the scatter.
    noise: str

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the mean curve with its scatter, which ends at the range of f.

        The gradient is that of the mean curve, also where the scatter has reached an end.
        """
        mean = self._mean(value, previous, active)
        if generator is None or not self.on(active, self.noise):
            return mean
        with torch.no_grad():
            drawn = mean + self._deviation(mean) * noise_like(value, generator)
            drawn = drawn.clamp(*self.range)
        return counting.straight_through(drawn, mean)

    @abstractmethod
    def _mean(self, value: Tensor, previous: Tensor | None, active: Active) -> Tensor:
        """Return f without scatter, arguments as those of `activate`."""

    @abstractmethod
    def _deviation(self, mean: Tensor) -> Tensor | float:
        """Return the standard deviation of the output about its mean, as `mean`."""
