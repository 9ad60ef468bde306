"""Networks that are files: an ONNX file with its weights, or a workload whose weights are drawn."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pnnsim.networks.layer_settings import LayeredNetwork, LayerSettings
from pnnsim.networks.layers import with_layers
from pnnsim.networks.workload import Workload

if TYPE_CHECKING:
    from torch import Tensor

    from pnnsim.networks.given import GivenNetwork


class FileNetwork(LayeredNetwork):
    """Network in a file: an ONNX file with its weights, or a workload, whose weights are drawn."""

    kind: Literal["onnx", "workload"] = "onnx"
    """`onnx`: layers and weights; `workload`: what `Workload.save` has written."""
    file: str
    """Path of the file, from the folder of the experiment."""

    @property
    def workload(self) -> Workload:
        """Return the steps of a sample, as data.

        Raises:
            WorkloadError: If the file is missing, damaged, or has a part that cannot be lowered.
        """
        if self.kind == "workload":
            return with_layers(_workload(self.file), self.layers)
        return self._lowered().workload

    def initial_parameters(self, seed: int = 0) -> dict[str, Tensor]:
        """Return the weights of the file, or first weights where it has none, by name.

        Args:
            seed: Seed of the draws.
        """
        if self.kind == "onnx":
            return self._lowered().initial_parameters(seed)
        from pnnsim.networks.initial import uniform_weights

        return uniform_weights(self.workload, f"{self.kind}.weights", seed)

    def _lowered(self) -> GivenNetwork:
        """Return the network of an ONNX file."""
        return _onnx(self.file, tuple(sorted(self.layers.items())))


@lru_cache(maxsize=16)
def _workload(file: str) -> Workload:
    return Workload.load(Path(file))


@lru_cache(maxsize=16)
def _onnx(file: str, layers: tuple[tuple[str, LayerSettings], ...]) -> GivenNetwork:
    # Not ahead of the class: a description is checked without torch.
    from pnnsim.networks.lowering.from_onnx import from_onnx

    return from_onnx(file, layers=dict(layers))
