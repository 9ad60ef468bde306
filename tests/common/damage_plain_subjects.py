"""Files without a seal that pnnsim reads, and what a sound content of each is."""

from __future__ import annotations

import gzip
import json
import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

import pnnsim
from pnnsim.devices.tables.read_scattering import read_scattering
from pnnsim.devices.tables.scattering_table import TableError
from pnnsim.errors import MeasurementError, OutputError, SpecError, TaskError, WorkloadError
from pnnsim.explore import Study
from pnnsim.explore.database import open_database
from pnnsim.explore.run_index import Entry, index
from pnnsim.explore.store import Store
from pnnsim.learning.datasets import load_task
from pnnsim.networks.lowering.from_onnx import from_onnx
from pnnsim.networks.workload import Workload
from pnnsim.networks.workload_counts import macs_by_place, parameters_by_place
from pnnsim.timing.arrivals import from_file
from tests.devices.measured_curves import GENERATORS
from tests.devices.test_tabulated_switch import device, write_json, write_npz
from tests.explore.studies import TIMING
from tests.learning.test_tasks_images import IDX, idx, labels_for, write_svhn
from tests.networks.workloads import example


class UnsoundError(AssertionError):
    """What was accepted is not sound."""


@dataclass(frozen=True)
class Plain:
    """A kind of file without a seal.

    Args:
        error: What a refusal raises.
        raw: Bytes of a valid file.
        load: Reads a file; raises `UnsoundError` where it accepts what is not sound. What it
            returns is the same for a file that was read as the valid one.
        file: Name under which it is read; folders in it are made.
        content: What stands in it: `bytes`, `lines`, `table` or `json`.
        sealed: Whether an accepted file must give what the valid one gives.
    """

    error: type[Exception]
    raw: bytes
    load: Callable[[Path], str]
    file: str
    content: str = "bytes"
    sealed: bool = False


def _sound(holds: bool, what: str) -> None:
    if not holds:
        raise UnsoundError(what)


def workload() -> Plain:
    def load(path: Path) -> str:
        found = Workload.load(path)
        text = found.to_json()
        _sound(Workload.from_json(text) == found, "its own text is another workload")
        counts = [*macs_by_place(found).values(), *parameters_by_place(found).values()]
        _sound(all(type(count) is int and count >= 0 for count in counts), f"counts {counts}")
        return text

    return Plain(WorkloadError, example().to_json().encode(), load, "workload.json", "json")


def onnx() -> Plain:
    from tests.networks.onnx_models import model, node, tensor

    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    numbers = [
        tensor("kernel", drawn(3, 1, 3, 3)), tensor("shift", drawn(3)),
        tensor("weight", drawn(12, 4)), tensor("bias", drawn(4)),
    ]  # fmt: skip
    nodes = [
        node("Conv", "x kernel shift", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Relu", "a", "b"),
        node("MaxPool", "b", "c", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "c", "d", axis=1),
        node("MatMul", "d weight", "e"),
        node("Add", "e bias", "y"),
    ]
    content = model(nodes, numbers, shape=["n", 1, 4, 4], outputs=["n", 4])

    def load(path: Path) -> str:
        found = from_onnx(path)
        for name, value in found.initial_parameters().items():
            _sound(bool(torch.isfinite(value).all()), f"{name} is not finite")
            _sound(tuple(value.shape) == found.workload.shapes[name], f"shape of {name}")
        return found.workload.sha256()

    return Plain(WorkloadError, content.SerializeToString(), load, "model.onnx")


def fit(kind: str) -> Plain:
    curves = GENERATORS[kind](np.random.default_rng(1))

    def load(path: Path) -> str:
        found = pnnsim.fit_device(kind, path, known=curves.known, date="2026-01-01")
        for each in found.estimates:
            _sound(math.isfinite(each.value), f"{each.name} is {each.value}")
            _sound(each.low <= each.value <= each.high, f"{each.name}: {each}")
        text = json.dumps(found.as_json(), allow_nan=False)
        _sound(all(line.isprintable() for line in found.fragment().split("\n")), "not printable")
        return text

    return Plain(MeasurementError, curves.csv().encode(), load, "data.csv", "table")


def scattering(suffix: str) -> Plain:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"device{suffix}"
        if suffix == ".npz":
            write_npz(path, device(0))
        elif suffix == ".json":
            write_json(path, device(0))
        else:
            rows = [f"{193e3 + 100 * n} 0.1 10 0.9 -3 0.9 -3 0.1 {n}" for n in range(20)]
            path.write_text("\n".join(["! made", "# GHz S MA R 50", *rows]) + "\n")
        raw = path.read_bytes()

    def load(path: Path) -> str:
        table, _ = read_scattering(path)
        _sound(bool(np.all(np.isfinite(table.power)) and np.all(table.power >= 0)), "power")
        _sound(bool(np.all(np.diff(table.wavelengths) > 0)), "wavelengths")
        _sound(bool(table.wavelengths[0] > 0), "wavelengths")
        return repr((table.ports, table.power.tobytes()))

    content = {".npz": "bytes", ".json": "json"}.get(suffix, "lines")
    return Plain(TableError, raw, load, f"device{suffix}", content)


def arrivals() -> Plain:
    raw = "# times\n" + "\n".join(f"{12.5 * n} ns" for n in range(30)) + "\n"

    def load(path: Path) -> str:
        found = from_file(path, 20)
        times = found.times_fs
        _sound(times[0] == 0 and list(times) == sorted(times), "times are not in order")
        return repr(times)

    return Plain(SpecError, raw.encode(), load, "arrivals.txt", "lines")


def metrics() -> Plain:
    """Metrics of a run, which `pnnsim runs` reads: never refused, but listed with a reason."""
    raw = json.dumps(
        {
            "schema": 1, "hardware": "photonic_mrr", "task": {"name": "digits", "samples": 4},
            "latency_s": {"first": 1e-9, "mean": 1e-9}, "energy_j": {"per_inference": 1e-9},
            "accuracy": {"hardware_mean": 0.9}, "area_m2": {"switch": 1e-9, "memory": 2e-9},
        }
    )  # fmt: skip

    def load(path: Path) -> str:
        (found, *_) = index(path.parent) or [Entry(path, "run", datetime.now(UTC), problem="none")]
        if found.problem:
            raise OutputError(found.problem)
        figures = list(found.figures.values())
        _sound(all(math.isfinite(figure) for figure in figures), f"figures {figures}")
        _sound(f"{found.machine}{found.task}".isprintable(), "names are not printable")
        return repr((found.machine, found.task, found.figures))

    return Plain(OutputError, raw.encode(), load, "metrics.json", "json")


@cache
def _study() -> tuple[str, bytes]:
    """Return the identity of a study that has ended, and its trials."""
    with tempfile.TemporaryDirectory() as folder:
        study = Study.open(TIMING, out=Path(folder) / "study")
        study.sweep(workers=0)
        return study.spec.identity, (study.folder / "trials.sqlite").read_bytes()


def trials() -> Plain:
    """Trials of a study, which has ended."""
    identity, raw = _study()

    def load(path: Path) -> str:
        database = open_database("", path.parent)
        try:
            store = Store(database, identity)
            found = [(each.trial, each.state, each.outcome) for each in store.records()]
            store.revive()
            return repr((found, store.counts(), store.entered(), store.claim(4)))
        finally:
            database.close()

    return Plain(OutputError, raw, load, "trials.sqlite", sealed=True)


def images(packed: bool) -> Plain:
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (100, 28, 28), dtype=np.uint8)
    files = {
        f"{name}.gz" if packed else name: idx(
            pictures if magic == 2051 else labels_for(100, 10), magic
        )
        for name, magic in IDX.items()
    }
    if packed:
        files = {name: gzip.compress(content, mtime=0) for name, content in files.items()}
    damaged = next(name for name in files if name.startswith("train-images"))
    return _task("mnist", files, damaged)


def mat() -> Plain:
    with tempfile.TemporaryDirectory() as folder:
        write_svhn(Path(folder) / "svhn")
        files = {path.name: path.read_bytes() for path in (Path(folder) / "svhn").iterdir()}
    return _task("svhn", files, "train_32x32.mat")


def _task(name: str, files: dict[str, bytes], damaged: str) -> Plain:
    home = Path(tempfile.mkdtemp(prefix="pnnsim-damaged-"))
    import atexit

    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / name).mkdir()
    for other, content in files.items():
        if other != damaged:
            (home / name / other).write_bytes(content)

    def load(path: Path) -> str:
        for other in files:
            if other != damaged:
                (path.parent / other).symlink_to(home / name / other)
        found = load_task(name, data_dir=path.parent.parent, offline=True)
        _sound(bool(np.isfinite(found.train_x).all()), "pixels are not finite")
        _sound(set(found.train_y.tolist()) <= set(range(found.outputs)), "unknown classes")
        return repr((found.train_x.shape, found.train_y.tolist()))

    return Plain(TaskError, files[damaged], load, f"{name}/{damaged}")


PLAIN: dict[str, Callable[[], Plain]] = {
    "workload": workload,
    "onnx": onnx,
    "trials": trials,
    "metrics": metrics,
    "arrivals": arrivals,
    **{f"fit {kind}": partial(fit, kind) for kind in GENERATORS},
    **{f"scattering {end}": partial(scattering, end) for end in (".npz", ".json", ".s2p")},
    "idx": partial(images, False),
    "idx.gz": partial(images, True),
    "mat": mat,
}
