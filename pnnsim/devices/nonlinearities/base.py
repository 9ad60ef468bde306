"""Price activations that are one circuit for each neuron."""

from __future__ import annotations

from typing import TypeVar

from pnnsim.devices.base import Nonlinearity
from pnnsim.devices.nonlinearities.electro_optic_params import ElectroOpticActivationParams
from pnnsim.devices.nonlinearities.electronic_params import (
    ElectronicAnalogParams,
    MtjSigmoidParams,
    SpinOscillatorParams,
)
from pnnsim.devices.nonlinearities.passive_params import SquareLawParams

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


class Neurons(Nonlinearity[A]):
    """Take energy for each activation of each neuron, and power all the time."""

    def cost(self, action: str) -> float:
        """Return the energy of one activation of every neuron."""
        return self.size.hidden * {"activate": self.params.energy}[action]

    def static_power(self) -> float:
        """Return the power of all neurons."""
        return self.size.hidden * self.params.static_power
