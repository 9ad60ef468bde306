"""Interface of a machine in the loop, whether simulated, recorded or real.

The front end is digital, so a machine begins at what its input map hands over (the *drive*) and
ends at the last state; both maps are the host's arithmetic. Electronic gains and biases are
registers next to the converters: to set them takes no time that counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from pnnsim.errors import BackendError
from pnnsim.hil.cost_report import CostReport
from pnnsim.networks.relaxnet import ReLaXNet


@dataclass(frozen=True, slots=True)
class Description:
    """Identity of a machine, and the network that it computes.

    Args:
        machine: Name of its description.
        spec_sha256: Hash of that description; empty where there is none.
        serial: Name of the machine among others of its kind.
        network: What it computes.
    """

    machine: str
    spec_sha256: str
    serial: str
    network: ReLaXNet

    def to_data(self) -> dict[str, Any]:
        """Return the description as plain data."""
        return {**asdict(self), "network": self.network.model_dump(mode="json")}

    @staticmethod
    def from_data(data: Any) -> Description:
        """Return the description that `to_data` has written.

        Raises:
            BackendError: If it is something else.
        """
        try:
            texts = {name: str(data[name]) for name in ("machine", "spec_sha256", "serial")}
            return Description(**texts, network=ReLaXNet.model_validate(data["network"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BackendError(f"description: cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Results of a pass and what it cost.

    Args:
        result: Last state as the readout gives it, float64, shape `(batch, n_hidden)`.
        states: State after each step, the last included, shape `(n_step, batch, n_hidden)`; None
            where they were not read.
        cost: What the call took.
    """

    result: Tensor
    states: Tensor | None
    cost: CostReport


class HardwareBackend(Protocol):
    """Machine that holds weight sets and carries samples through them."""

    def describe(self) -> Description:
        """Return what the machine is."""
        ...

    def write(self, weight_set: int, weight: Tensor) -> CostReport:
        """Program one weight set.

        Args:
            weight_set: Its number.
            weight: Wanted weights in [-1, 1], float64, shape `(n_out, n_in)`.
        """
        ...

    def electronics(self, gain: Tensor, bias: Tensor) -> None:
        """Set the electronics of all weight sets.

        Args:
            gain: Gain of each set, shape `(n_layer,)`.
            bias: Biases of each set, shape `(n_layer, n_out)`.
        """
        ...

    def forward(self, drive: Tensor, *, states: bool = False) -> Measured:
        """Carry samples through all steps.

        Args:
            drive: What the front end hands over, float64, shape `(batch, n_hidden)`.
            states: Whether the state is read after each step.
        """
        ...

    def step(self, weight_set: int, state: Tensor, drive: Tensor | None = None) -> Measured:
        """Carry samples through one weight set alone, as through the first step of a pass.

        Args:
            weight_set: Its number.
            state: What the encoder is given, float64, shape `(batch, n_hidden)`.
            drive: As for `forward`, where the network injects it in every step; None for none.
        """
        ...

    def readback(self, weight_set: int) -> tuple[Tensor, CostReport]:
        """Measure the weights that a bank has, one line after the other, shape `(n_out, n_in)`."""
        ...

    def wait(self, time_s: float, *, updates: int = 0) -> CostReport:
        """Take note that the host computes for some time.

        A simulated machine moves its clock on; a real one stays on by itself.

        Args:
            time_s: Time [s].
            updates: Updates of the parameters that are computed in it.
        """
        ...


def checked(name: str, tensor: Tensor, *shape: int) -> Tensor:
    """Return finite float64 numbers of a shape.

    Args:
        name: Name of the argument, for the error.
        tensor: What was given.
        *shape: Expected lengths; -1 stands for any length from 1.

    Raises:
        BackendError: If they are not.
    """
    given = tuple(tensor.shape)
    fits = len(given) == len(shape) and all(
        length == wanted or (wanted == -1 and length > 0)
        for length, wanted in zip(given, shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if length == -1 else length for length in shape)
        raise BackendError(f"{name}: got the shape {given}; expected {wanted}")
    if not bool(torch.isfinite(tensor).all()):
        raise BackendError(f"{name}: holds values that are not finite; expected finite numbers")
    return tensor.detach().to(torch.float64)


def checked_set(weight_set: int, network: ReLaXNet) -> int:
    """Return the number of a weight set of the network.

    Args:
        weight_set: What was given.
        network: What the machine computes.

    Raises:
        BackendError: If there is none of that number.
    """
    if not 0 <= weight_set < network.weight_sets:
        raise BackendError(f"weight set: got {weight_set}; expected 0 to {network.weight_sets - 1}")
    return weight_set
