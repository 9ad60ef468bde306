"""Trained parameters, kept under the hash of all that their training depends on.

What of a machine its training depends on is not listed anywhere: the fields that are read while a
surrogate is built, trained on a few examples and evaluated are recorded, and their values are part
of the key. A rule that draws chips depends on the whole machine. The same key gives the same bits,
whether a training is kept or done again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pnnsim.common.recent_results import Kept, content
from pnnsim.devices.quantities import Params
from pnnsim.errors import ParameterError
from pnnsim.inference.predict import Parameters
from pnnsim.learning.examples import Examples, Labelled
from pnnsim.learning.fit import fit, make_surrogate
from pnnsim.learning.task_examples import Data
from pnnsim.networks.network_parameters import load_network_parameters
from pnnsim.networks.parameters import load_parameters
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.simulate import network_figures
from pnnsim.specs.experiment import Experiment
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.plain_data import digest

if sys.platform != "win32":
    import fcntl

#: Examples by which the fields that training reads are found.
_PROBE = 4

#: Bytes of parameters that a process keeps beside the files.
_MOST_BYTES = 256_000_000


@dataclass(frozen=True)
class TrainedCache:
    """Store of trained parameters: in memory, and in a folder where one is given.

    Args:
        folder: Folder of the files; None for memory alone.
        memory: Parameters that this process has used last.
    """

    folder: Path | None
    memory: Kept[Parameters]

    @staticmethod
    def at(folder: Path | None) -> TrainedCache:
        """Return the store with its files in a folder, which is made where it is not there.

        A folder that cannot be made, as on another computer, leaves the store in memory alone.
        """
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError:
                folder = None
        return TrainedCache(folder, Kept(_MOST_BYTES, size=_bytes))

    def get(self, experiment: Experiment, data: Data) -> Parameters:
        """Return the parameters that an experiment's training gives.

        Args:
            experiment: Network, machine and settings.
            data: Examples of its task, in sequences where the network keeps its state.

        Raises:
            TrainingError: If training diverges.
            MappingError: If the network does not fit the machine.
        """
        key = training_key(experiment, data)
        return self.memory.get(key, lambda: self._stored(key, experiment, data))

    def _stored(self, key: str, experiment: Experiment, data: Data) -> Parameters:
        if self.folder is None:
            return _trained(experiment, data)
        file = self.folder / f"{key}.safetensors"
        with _locked(self.folder / f"{key}.lock"):
            if file.exists():
                with suppress(ParameterError):  # damaged, such as on a full disk: train again
                    kept = _read(file, experiment)
                    # The seal of a file covers its content; its name is the key.
                    if kept.network.workload == experiment.network.workload:
                        return kept
            found = _trained(experiment, data)
            with suppress(OSError):  # what cannot be kept is trained again
                found.save(file)
            return found


def training_key(experiment: Experiment, data: Data) -> str:
    """Return the hash of all that decides the bits of trained parameters.

    Args:
        experiment: Network, machine and settings.
        data: Examples of its task.

    Raises:
        MappingError: If the network does not fit the machine.
    """
    training = data.epochs(experiment.training)
    return digest(
        {
            "machine": _machine(experiment, data),
            "network": network_figures(experiment.network),
            "workload": experiment.network.workload.sha256(),
            "training": training.model_dump(mode="json", exclude={"checkpoint_epochs"}),
            "task": experiment.task.model_dump(mode="json"),
            "data": [_identity(data.train), _identity(data.validation)],
            "environment": environment(),
        }
    )


def environment() -> dict[str, str]:
    """Return what figures depend on beside the description: versions, threads, instruction set."""
    return {
        **{name: version(name) for name in ("pnnsim", "torch", "numpy")},
        "threads": str(torch.get_num_threads()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


def _read(file: Path, experiment: Experiment) -> Parameters:
    """Return stored parameters, of the kind that the network has."""
    network = experiment.network
    if isinstance(network, ReLaXNet) and network.digital_maps:
        return load_parameters(file)
    return load_network_parameters(file)


def _trained(experiment: Experiment, data: Data) -> Parameters:
    surrogate = make_surrogate(experiment.network, experiment.hardware, experiment.training)
    if experiment.training.standardize:
        surrogate.standardize(data.pixels())
    fit(
        surrogate,
        data.train,
        data.validation,
        data.epochs(experiment.training),
        select=data.select,
    )
    return replace(surrogate.parameter_set(), spec_sha256="")  # of any machine with the same key


def _machine(experiment: Experiment, data: Data) -> dict[str, Any]:
    """Return the values of a machine that its training depends on, by dotted path."""
    whole = experiment.hardware.values()
    if experiment.training.rule != "backprop":
        return whole
    read: set[str] = set()
    spec = _recording(experiment.hardware, read)
    surrogate = make_surrogate(experiment.network, spec, experiment.training)
    x, y = data.train.take(torch.arange(min(_PROBE, len(data.train))))
    surrogate.train()
    loss = torch.nn.functional.cross_entropy(surrogate(x).flatten(end_dim=-2), y.flatten().long())
    loss.backward()  # type: ignore[no-untyped-call]
    surrogate.eval()
    with torch.no_grad():
        surrogate(x)
    technology = {"technology": experiment.hardware.technology}
    return {**technology, **{path: _value(whole, path) for path in sorted(read)}}


def _value(tree: dict[str, Any], path: str) -> Any:
    section, _, field = path.partition(".")
    return tree[section][field]


def _recording(spec: HardwareSpec, read: set[str]) -> HardwareSpec:
    """Return a machine that adds the path of each field to a set when it is read."""
    sections: dict[str, Any] = {
        name: _recorded(params, name, read) for name, params in spec.sections().items()
    }
    return replace(spec, **sections)


def _recorded(params: Params, section: str, read: set[str]) -> Params:
    """Return a copy of a section whose class records the fields that are read of it."""
    kind = type(params)
    fields = frozenset(kind.model_fields)

    def recall(self: Params, name: str) -> Any:
        if name in fields:
            read.add(f"{section}.{name}")
        return kind.__getattribute__(self, name)

    namespace = {"__getattribute__": recall, "__module__": kind.__module__}
    copy = params.model_copy()
    object.__setattr__(copy, "__class__", type(kind.__name__, (kind,), namespace))
    return copy


def _identity(examples: Examples) -> list[str]:
    """Return a hash of examples: of all where they are stored, of the first and last of a text."""
    count = len(examples)
    stored: list[Tensor] = []
    if isinstance(examples, Labelled):
        stored = [examples.x, examples.y]
    else:
        ends = torch.tensor(sorted({0, count // 2, count - 1}))
        stored = list(examples.take(ends))
    return [str(count), *(content(tensor)[1].hex() for tensor in stored)]


def _bytes(parameters: Parameters) -> int:
    return sum(t.numel() * t.element_size() for t in parameters.tensors().values())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time do what is locked, so that two do not train the same."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
