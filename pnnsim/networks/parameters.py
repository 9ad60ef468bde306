"""Trained numbers in logical units, apart from any machine.

A `ParameterSet` is what training produces and chips are programmed with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, Field, ValidationError
from torch import Tensor

from pnnsim.common import storage
from pnnsim.common.units import show
from pnnsim.errors import ParameterError
from pnnsim.networks.relaxnet import ReLaXNet

KIND = storage.Kind(
    "parameters",
    1,
    "parameters",
    ParameterError,
    "train again with `pnnsim run`, which writes parameters.safetensors",
)


class _Record(BaseModel):
    """Record that is stored beside the tensors."""

    spec_sha256: Annotated[str, Field(pattern=r"\A([0-9a-f]{64})?\z")]
    network: ReLaXNet


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """Weights, gains and biases of a ReLaX-Net.

    Args:
        network: The network that they belong to.
        input_weight: W_xh, shape `(n_hidden, n_inputs)`.
        input_bias: Bias of the input map, shape `(n_hidden,)`; zero where x is injected each step.
        weight: Weight sets in [-1, 1], shape `(n_layer, n_out, n_in)`.
        gain: Electronic gain of each set, shape `(n_layer,)`, or of each of its rows, shape
            `(n_layer, n_out)`.
        bias: Bias of each set, switched with it, shape `(n_layer, n_out)`.
        output_weight: W_out, shape `(n_outputs, n_hidden)`.
        output_bias: Shape `(n_outputs,)`.
        spec_sha256: Hash of the machine they were trained for; empty for any.
    """

    network: ReLaXNet
    input_weight: Tensor
    input_bias: Tensor
    weight: Tensor
    gain: Tensor
    bias: Tensor
    output_weight: Tensor
    output_bias: Tensor
    spec_sha256: str = ""

    @property
    def like(self) -> Tensor:
        """Return one of the tensors, for type and device."""
        return self.weight

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name."""
        return {
            "input_weight": self.input_weight,
            "input_bias": self.input_bias,
            "weight": self.weight,
            "gain": self.gain,
            "bias": self.bias,
            "output_weight": self.output_weight,
            "output_bias": self.output_bias,
        }

    def to(self, dtype: torch.dtype) -> ParameterSet:
        """Return the same numbers in another dtype."""
        converted = {name: tensor.to(dtype) for name, tensor in self.tensors().items()}
        return ParameterSet(self.network, **converted, spec_sha256=self.spec_sha256)

    def check(self, network: ReLaXNet | None = None) -> None:
        """Refuse parameters that are not those of a network; their own where none is given.

        Raises:
            ParameterError: If a shape differs or a value is not finite.
        """
        tensors = self.tensors()
        for name, shape in shapes(network or self.network).items():
            tensor = tensors[name]
            if tuple(tensor.shape) != shape:
                raise ParameterError(
                    f"{name} has shape {tuple(tensor.shape)}; the network expects {shape}"
                )
            if not bool(torch.isfinite(tensor).all()):
                raise ParameterError(f"{name} holds values that are not finite; train again")

    def check_machine(self, sha256: str, name: str, *, any_machine: bool = False) -> None:
        """Refuse parameters that were trained for another machine.

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
        """Write the tensors, the network and the hash of the machine.

        Raises:
            ParameterError: If the hash is none.
            OutputError: If the file cannot be written.
        """
        try:
            record = _Record(spec_sha256=self.spec_sha256, network=self.network)
        except ValidationError:
            raise ParameterError(
                f"spec_sha256: got {show(self.spec_sha256)}; expected 64 hexadecimal digits, or "
                "nothing for any machine"
            ) from None
        storage.write(Path(path), KIND, record=record, tensors=self.tensors())


def shapes(network: ReLaXNet) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a network's `ParameterSet`."""
    sets, hidden = network.weight_sets, network.hidden
    return {
        "input_weight": (hidden, network.inputs),
        "input_bias": (hidden,),
        "weight": (sets, hidden, hidden),
        "gain": network.gain_shape,
        "bias": (sets, hidden),
        "output_weight": (network.outputs, hidden),
        "output_bias": (network.outputs,),
    }


def load_parameters(path: Path) -> ParameterSet:
    """Read what `ParameterSet.save` has written.

    Raises:
        ParameterError: If the file is missing, damaged, or not one of ours.
    """
    stored = storage.read(path, KIND)
    record = stored.record(_Record)
    table = {
        name: storage.Declared(shape, storage.FLOATS)
        for name, shape in shapes(record.network).items()
    }
    tensors = stored.checked(table)
    stored.one_dtype(*table)
    return ParameterSet(record.network, **tensors, spec_sha256=record.spec_sha256)
