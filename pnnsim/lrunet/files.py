"""Keep a trained LruNet in one file of safetensors: nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pnnsim.errors import ParameterError
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.lrunet_module import LruModule


def save(module: LruModule, path: Path) -> None:
    """Write the parameters, the running statistics and the network that they belong to."""
    about = {"pnnsim": json.dumps(module.network.model_dump(mode="json"))}
    tensors = {name: t.detach().cpu().contiguous() for name, t in module.state_dict().items()}
    save_file(tensors, path, metadata=about)


def load(path: Path) -> LruModule:
    """Return what `save` has written, in evaluation mode.

    Raises:
        ParameterError: If the file is missing, damaged, or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            network = LruNet.model_validate(json.loads((file.metadata() or {})["pnnsim"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        module = LruModule(network)
        module.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(
            f"{path}: cannot read an LruNet: {error}; expected a file written by pnnsim.lrunet"
        ) from error
    if not all(bool(torch.isfinite(t).all()) for t in tensors.values()):
        raise ParameterError(f"{path}: holds values that are not finite; train again")
    return module.eval()
