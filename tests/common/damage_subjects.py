"""Files of all kinds that pnnsim writes and reads, for tests that damage them."""

from __future__ import annotations

import copy
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pnnsim.common import storage
from pnnsim.errors import TrainingError
from pnnsim.hil import chip_state as hil_condition
from pnnsim.hil import recorded
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.learning import checkpoint
from pnnsim.networks import lrunet_files
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.lrunet_module import LruModule
from pnnsim.networks.mlp import Mlp
from pnnsim.networks.network_parameters import KIND as NETWORK_PARAMETERS
from pnnsim.networks.network_parameters import NetworkParameters, load_network_parameters
from pnnsim.networks.parameters import KIND as PARAMETERS
from pnnsim.networks.parameters import ParameterSet, load_parameters, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from tests.hil.hil_machines import NETWORK, drives, exact_surrogate, spec, weights, written

#: Fingerprint of what was loaded, or the error; and whether any other state has changed.
Load = Callable[[Path], str]


@dataclass(frozen=True)
class Subject:
    """A kind of file: how a valid one is made, and how it is read.

    Args:
        kind: Its kind.
        raw: Bytes of a valid file.
        load: Reads a file into something new and returns a fingerprint of what it has become.
            Raises `Changed` where a refused file has changed something.
        file: Name under which it is read.
    """

    kind: storage.Kind
    raw: bytes
    load: Load
    file: str = "stored.safetensors"


class Changed(Exception):  # noqa: N818
    """A file was refused, and something has changed all the same."""


def fingerprint(tensors: dict[str, Tensor], *others: object) -> str:
    found = hashlib.sha256(repr(others).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def unchanged(state: Callable[[], str], load: Callable[[], object]) -> None:
    """Load; where that is refused, the state is the same as before."""
    before = state()
    try:
        load()
    except BaseException:
        if state() != before:
            raise Changed("the state is another one after the refusal") from None
        raise


def parameters() -> Subject:
    network = ReLaXNet(inputs=5, hidden=4, outputs=3, weight_sets=2, steps=3, order=(1, 0, 0))
    generator = torch.Generator().manual_seed(0)
    drawn = {n: torch.rand(s, generator=generator) for n, s in shapes(network).items()}

    def load(path: Path) -> str:
        found = load_parameters(path)
        return fingerprint(found.tensors(), found.network, found.spec_sha256)

    saved = ParameterSet(network, **drawn, spec_sha256="a" * 64)
    return Subject(PARAMETERS, bytes_written(saved.save), load)


def network_parameters() -> Subject:
    network = Mlp(sizes=(5, 4, 3))
    numbers = network.initial_parameters(seed=1)
    ranges = {"line.0": torch.ones(2, dtype=next(iter(numbers.values())).dtype)}

    def load(path: Path) -> str:
        found = load_network_parameters(path)
        return fingerprint(found.tensors(), found.network.workload.sha256(), found.spec_sha256)

    saved = NetworkParameters(network, numbers, ranges, "b" * 64)
    return Subject(NETWORK_PARAMETERS, bytes_written(saved.save), load)


def lrunet() -> Subject:
    module = LruModule(LruNet(channels=1, side=8, classes=3, stem=8, repetitions=2), seed=1)

    def load(path: Path) -> str:
        found = lrunet_files.load(path)
        return fingerprint(found.state_dict(), found.network)

    return Subject(
        lrunet_files.KIND, bytes_written(lambda path: lrunet_files.save(module, path)), load
    )


def machine_state() -> Subject:
    def machine() -> SimulatedBackend:
        return SimulatedBackend(spec(), NETWORK, seed=7)

    used = written(machine())
    used.forward(drives())
    used.write(1, used.condition.banks[0].weight)  # type: ignore[arg-type]
    # Not in the state of the file, so that a refusal that changes only a part is seen.
    other = [machine()]

    def state() -> str:
        found = other[0].condition
        tensors = {"gain": found.gain, "bias": found.bias, "noise": found.noise.get_state()}
        numbers: list[object] = [
            found.clock_fs, found.settled_fs, found.advanced_fs, found.writes, found.selected,
        ]  # fmt: skip
        for index, (bank, drift) in enumerate(zip(found.banks, found.drift, strict=True)):
            tensors[f"drift.{index}"] = drift.get_state()
            numbers += [bank.number, bank.began_fs]
            for name in ("weight", "before"):
                if getattr(bank, name) is not None:
                    tensors[f"{name}.{index}"] = getattr(bank, name)
            for name in ("environment", "corrected"):
                for key, value in getattr(bank, name).items():
                    tensors[f"{name}.{index}.{key}"] = value
        return fingerprint(tensors, numbers)

    def load(path: Path) -> str:
        unchanged(state, lambda: other[0].restore(path))
        found = state()
        other[0] = machine()
        return found

    return Subject(hil_condition.KIND, bytes_written(used.save), load)


def session() -> Subject:
    with tempfile.TemporaryDirectory() as folder:
        recorder = recorded.Recorder(SimulatedBackend(spec(), NETWORK, seed=7), Path(folder))
        recorder.describe()
        for number, weight in enumerate(weights()):
            recorder.write(number, weight)
        recorder.electronics(torch.full((2,), 0.3), torch.zeros((2, NETWORK.hidden)))
        recorder.forward(drives(), states=True)
        recorder.step(1, drives(), drives())
        recorder.step(0, drives())
        recorder.readback(0)
        recorder.wait(1.5, updates=2)
        recorder.save()
        raw = (Path(folder) / recorded.FILE).read_bytes()

    def load(path: Path) -> str:
        replay = recorded.RecordedBackend(path.parent)
        return fingerprint(replay._tensors, replay._calls)

    return Subject(recorded.KIND, raw, load, recorded.FILE)


def training() -> Subject:
    identity = {"training.batch": 10, "network": NETWORK.model_dump(mode="json"), "examples": [4]}
    model = exact_surrogate()
    optimizer = torch.optim.AdamW(model.parameters(), amsgrad=True)
    order = torch.Generator().manual_seed(3)
    torch.randn(3, generator=order)

    def state() -> str:
        moments = checkpoint._parts(optimizer)
        tensors = {**model.state_dict(), **moments[0], "order": order.get_state()}
        return fingerprint(tensors, moments[1])

    def save_one(path: Path) -> None:
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 0.1)
        optimizer.step()
        so_far = checkpoint.Progression(2, [1.5, 1.0], [1.6, 1.1], [0.5, 0.6], 1)
        best = checkpoint.numbers_of(model)
        checkpoint.save_checkpoint(
            path.parent, so_far, model=model, best=best, optimizer=optimizer, order=order,
            identity=identity,
        )  # fmt: skip

    raw = bytes_written(save_one, checkpoint.FILE)
    # Not in the state of the file, so that a refusal that changes only a part is seen.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    optimizer.step()
    torch.randn(3, generator=order)
    begin = copy.deepcopy((model.state_dict(), optimizer.state_dict())), order.get_state()

    def load(path: Path) -> str:
        found: list[object] = []
        unchanged(
            state,
            lambda: found.append(
                checkpoint.load_checkpoint(
                    path.parent, model=model, optimizer=optimizer, order=order, identity=identity
                )
            ),
        )
        if found[0] is None:
            raise TrainingError("no file")
        progression, best = found[0]  # type: ignore[misc]
        loaded = state() + fingerprint(best, progression)
        model.load_state_dict(begin[0][0])
        optimizer.load_state_dict(copy.deepcopy(begin[0][1]))
        order.set_state(begin[1])
        return loaded

    return Subject(checkpoint.KIND, raw, load, checkpoint.FILE)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "parameters": parameters,
    "network_parameters": network_parameters,
    "lrunet": lrunet,
    "condition": machine_state,
    "session": session,
    "checkpoint": training,
}


def bytes_written(save_to: Callable[[Path], object], name: str = "one") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_to(Path(folder) / name)
        return (Path(folder) / name).read_bytes()
