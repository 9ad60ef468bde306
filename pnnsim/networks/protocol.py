"""What every network has, whoever has described it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from pnnsim.networks.workload import Workload


def input_width(network: Network) -> int:
    """Return how many numbers one sample of a network has."""
    return network.workload.values[0].size


def output_width(network: Network) -> int:
    """Return how many numbers a network gives for one sample."""
    return network.workload.values[network.workload.output].size


def is_stateful(network: Network) -> bool:
    """Return whether each sample starts from what the one before has left."""
    return bool(network.workload.carried)


@runtime_checkable
class Network(Protocol):
    """Network that can be simulated: its work as data, and numbers to start from."""

    @property
    def workload(self) -> Workload:
        """Return the steps of a sample, as data."""

    def initial_parameters(self, seed: int = 0) -> dict[str, Tensor]:
        """Return the numbers that training starts from, by the names of `workload.shapes`.

        Args:
            seed: Seed of what is drawn; nothing is where a network brings its weights.
        """
