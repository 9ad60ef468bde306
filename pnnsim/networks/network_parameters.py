"""Trained numbers of any network, by the names of its workload, and the ranges of a machine.

A ReLaX-Net has a `ParameterSet` of its own, in which weight sets are stacked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, Field
from torch import Tensor

from pnnsim.common import storage
from pnnsim.errors import ParameterError
from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.protocol import Network
from pnnsim.networks.workload import Workload

KIND = storage.Kind(
    "network_parameters",
    1,
    "parameters",
    ParameterError,
    "save them again with `NetworkParameters.save`",
)


class _Record(BaseModel):
    """Record that is stored beside the tensors."""

    spec_sha256: Annotated[str, Field(pattern=r"\A([0-9a-f]{64})?\z")]
    workload: str
    ranges: dict[str, list[int]]


@dataclass(frozen=True)
class NetworkParameters:
    """Numbers of a network in logical units, as they would be written to a machine.

    Args:
        network: The network that they belong to.
        numbers: Tensors by the names of `network.workload.shapes`.
        ranges: Ranges of lines and converters by name (`pnnsim.inference.ranges`); empty where
            none are fixed.
        spec_sha256: Hash of the machine they were trained for; empty for any.
    """

    network: Network
    numbers: Mapping[str, Tensor]
    ranges: Mapping[str, Tensor] = field(default_factory=dict)
    spec_sha256: str = ""

    @property
    def like(self) -> Tensor:
        """Return one of the numbers, for type and device."""
        return next(iter(self.numbers.values()))

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors by name."""
        return {**self.numbers, **self.ranges}

    def to(self, dtype: torch.dtype) -> NetworkParameters:
        """Return the same numbers in another dtype."""
        numbers = {name: tensor.to(dtype) for name, tensor in self.numbers.items()}
        ranges = {name: tensor.to(dtype) for name, tensor in self.ranges.items()}
        return replace(self, numbers=numbers, ranges=ranges)

    def check(self, network: Network | None = None) -> None:
        """Refuse numbers that are not those of a network; their own where none is given.

        Raises:
            ParameterError: If one is missing, has another shape, or is not finite.
        """
        for name, shape in (network or self.network).workload.shapes.items():
            if name not in self.numbers:
                raise ParameterError(f"{name}: is missing; expected shape {shape}")
            tensor = self.numbers[name]
            if tuple(tensor.shape) != shape:
                raise ParameterError(
                    f"{name} has shape {tuple(tensor.shape)}; the network expects {shape}"
                )
        for name, tensor in self.tensors().items():
            if not bool(torch.isfinite(tensor).all()):
                raise ParameterError(f"{name} holds values that are not finite; train again")

    def check_machine(self, sha256: str, name: str, *, any_machine: bool = False) -> None:
        """Refuse numbers that were trained for another machine.

        Args:
            sha256: Hash of the machine's description.
            name: Its name, for the message.
            any_machine: Accept them all the same.

        Raises:
            ParameterError: If they name another machine and `any_machine` is not set.
        """
        if self.spec_sha256 not in ("", sha256) and not any_machine:
            raise ParameterError(
                f"parameters were trained for the machine {self.spec_sha256[:12]}, got {name} "
                f"({sha256[:12]}). Hint: train again, or pass any_machine=True"
            )

    def save(self, path: Path | str) -> None:
        """Write the tensors, the workload and the hash of the machine.

        Raises:
            OutputError: If the file cannot be written.
        """
        record = _Record(
            spec_sha256=self.spec_sha256,
            workload=self.network.workload.to_json(),
            ranges={name: list(tensor.shape) for name, tensor in self.ranges.items()},
        )
        storage.write(Path(path), KIND, record=record, tensors=self.tensors())


def load_network_parameters(path: Path | str) -> NetworkParameters:
    """Read what `NetworkParameters.save` has written.

    Raises:
        ParameterError: If the file is missing, damaged, or not one of ours.
    """
    stored = storage.read(Path(path), KIND)
    record = stored.record(_Record)
    workload = Workload.from_json(record.workload, str(path))
    shapes = {**workload.shapes, **{n: tuple(shape) for n, shape in record.ranges.items()}}
    table = {name: storage.Declared(shape, storage.FLOATS) for name, shape in shapes.items()}
    tensors = stored.checked(table)
    stored.one_dtype(*table)
    numbers = {name: tensors[name] for name in workload.shapes}
    ranges = {name: tensors[name] for name in record.ranges}
    return NetworkParameters(GivenNetwork(workload, numbers), numbers, ranges, record.spec_sha256)
