"""Network that is given by its workload and its weights, wherever these came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnnsim.networks.workload import Workload

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class GivenNetwork:
    """Network that was brought as a module or a file, with its weights.

    Args:
        workload: What a sample takes.
        weights: Tensors by the names of `workload.shapes`.
    """

    workload: Workload
    weights: Mapping[str, Tensor]

    def initial_parameters(self, seed: int = 0) -> dict[str, Tensor]:
        """Return copies of the weights that the network brings.

        Args:
            seed: Not used, as nothing is drawn.
        """
        return {name: tensor.clone() for name, tensor in self.weights.items()}
