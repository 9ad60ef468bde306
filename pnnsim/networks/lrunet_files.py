"""Files of trained LruNets."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from pnnsim.common import storage
from pnnsim.errors import ParameterError
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.lrunet_module import LruModule

KIND = storage.Kind("lrunet", 2, "an LruNet", ParameterError, "train again and save the module")


class _Record(BaseModel):
    """Record beside the tensors of a file."""

    network: LruNet


def save(module: LruModule, path: Path | str) -> None:
    """Write the parameters, the running statistics and the network that they belong to.

    Args:
        module: Trained network.
        path: File to write.

    Raises:
        OutputError: If the file cannot be written.
    """
    record = _Record(network=module.network)
    storage.write(Path(path), KIND, record=record, tensors=module.state_dict())


def load(path: Path | str) -> LruModule:
    """Return what `save` has written, in evaluation mode and of the same floating type.

    Raises:
        ParameterError: If the file is missing, damaged, or not one of ours.
    """
    stored = storage.read(Path(path), KIND)
    network = stored.record(_Record).network
    wanted = network.parameter_counts()["total"]
    there = sum(tensor.numel() for tensor in stored.tensors.values())
    if wanted > there:  # a network that is not there must not fill the memory
        raise stored.fault(f"got {there} numbers; expected at least {wanted}")
    module = LruModule(network)
    table, floats = {}, []
    for name, value in module.state_dict().items():
        table[name] = storage.Declared.like(value)
        if value.is_floating_point():
            table[name] = storage.Declared(tuple(value.shape), storage.FLOATS)
            floats.append(name)
    tensors = stored.checked(table)
    dtype = stored.one_dtype(*floats)
    for name, value in tensors.items():
        if name.endswith(("running_var", "num_batches_tracked")) and bool((value < 0).any()):
            raise stored.fault(f"{name}: got a negative number; expected none")
    module.to(dtype).load_state_dict(tensors)
    return module.eval()
