"""Hold trained numbers in logical units, apart from any machine.

A `ParameterSet` is what training produces and chips are programmed with. It is stored as
safetensors: nothing is ever unpickled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pnnsim.errors import OutputError, ParameterError
from pnnsim.network import ReLaXNet


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """Hold the weights of a ReLaX-Net.

    Args:
        network: The network that they belong to.
        input_weight: W_xh, shape `(n_hidden, n_inputs)`.
        input_bias: Bias of the input map, shape `(n_hidden,)`; zero where x is injected each step.
        weight: Weight sets in [-1, 1], shape `(n_layer, n_out, n_in)`.
        gain: Electronic gain of each set, shape `(n_layer,)`.
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

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("network", "spec_sha256")
        }

    def to(self, dtype: torch.dtype) -> ParameterSet:
        """Return the same numbers in another dtype."""
        converted = {name: tensor.to(dtype) for name, tensor in self.tensors().items()}
        return ParameterSet(self.network, **converted, spec_sha256=self.spec_sha256)

    def check(self, network: ReLaXNet) -> None:
        """Refuse parameters that are not those of a network.

        Raises:
            ParameterError: If a shape differs or a value is not finite.
        """
        for name, shape in shapes(network).items():
            tensor = getattr(self, name)
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
            ParameterError: If they name another machine and are not asked for all the same.
        """
        if self.spec_sha256 not in ("", sha256) and not any_machine:
            raise ParameterError(
                f"parameters were trained for the machine {self.spec_sha256[:12]}, got {name} "
                f"({sha256[:12]}). Hint: train again, or pass any_machine=True"
            )

    def save(self, path: Path | str) -> None:
        """Write the tensors, the network and the hash of the machine as safetensors.

        Raises:
            OutputError: If the file cannot be written.
        """
        # One entry: safetensors writes several in an order that changes from run to run.
        about = {
            "spec_sha256": self.spec_sha256,
            "network": self.network.model_dump(mode="json"),
        }
        tensors = {name: t.detach().contiguous().cpu() for name, t in self.tensors().items()}
        # Not `save_file`: it makes files that nobody but their owner may read.
        stored = save(tensors, metadata={"pnnsim": json.dumps(about)})
        try:
            Path(path).write_bytes(stored)
        except OSError as error:
            why = error.strerror or error
            raise OutputError(f"{path}: cannot write the parameters: {why}") from error


def shapes(network: ReLaXNet) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a network's `ParameterSet`."""
    sets, hidden = network.weight_sets, network.hidden
    return {
        "input_weight": (hidden, network.inputs),
        "input_bias": (hidden,),
        "weight": (sets, hidden, hidden),
        "gain": (sets,),
        "bias": (sets, hidden),
        "output_weight": (network.outputs, hidden),
        "output_bias": (network.outputs,),
    }


def load_parameters(path: Path) -> ParameterSet:
    """Read what `ParameterSet.save` has written.

    Raises:
        ParameterError: If the file is missing, damaged, or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["pnnsim"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network = ReLaXNet.model_validate(about["network"])
        loaded = ParameterSet(network, **tensors, spec_sha256=about["spec_sha256"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ParameterError(
            f"{path}: cannot read parameters: {error}; expected a file written by pnnsim"
        ) from error
    loaded.check(network)
    return loaded
