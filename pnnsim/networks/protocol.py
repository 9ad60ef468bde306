"""What every network has, whoever has described it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pnnsim.networks.workload import Workload

if TYPE_CHECKING:
    from torch import Tensor


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
