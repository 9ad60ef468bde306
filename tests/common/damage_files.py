"""Damage stored files of every kind at random and look at what reading them does.

Shared by `test_damaged_files.py`. By hand: `python -m tests.common.damage_files --count 20000`. A
damaged file must be refused with an error of the kind, or give exactly what it holds: bytes that
were changed at random the content from before, a file whose content was changed and sealed anew
with a right SHA-256 never, where the change is one that no writer makes.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
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
from pnnsim.networks.parameters import KIND as PARAMETERS
from pnnsim.networks.parameters import ParameterSet, load_parameters, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from tests.hil.hil_machines import NETWORK, drives, exact_surrogate, spec, weights, written

#: Time after which a read has hung [s].
HANGS = 60

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
    "lrunet": lrunet,
    "condition": machine_state,
    "session": session,
    "checkpoint": training,
}


def bytes_written(save_to: Callable[[Path], object], name: str = "one") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_to(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


# --- damage of bytes: refused, or the content from before


def flip(raw: bytes, draw: random.Random) -> bytes:
    found = bytearray(raw)
    length = int.from_bytes(raw[:8], "little")
    # The header is small: without this nearly all flips would meet the data.
    last = draw.choice((8, 8 + length, len(raw)))
    for _ in range(draw.choice((1, 1, 1, 2, 8))):
        found[draw.randrange(last)] ^= 1 << draw.randrange(8)
    return bytes(found)


def cut(raw: bytes, draw: random.Random) -> bytes:
    return raw[: draw.randrange(len(raw))]


def longer(raw: bytes, draw: random.Random) -> bytes:
    return raw + draw.randbytes(draw.choice((1, 8, 1000)))


def moved(raw: bytes, draw: random.Random) -> bytes:
    """Replace, insert or take out a piece."""
    at, length = draw.randrange(len(raw)), draw.randrange(1, 64)
    piece = draw.choice((b"", draw.randbytes(length), raw[:length], bytes(length)))
    return raw[:at] + piece + raw[at + draw.choice((0, length)) :]


def nothing(raw: bytes, draw: random.Random) -> bytes:
    return draw.choice((b"", b"\0" * 8, b"\xff" * 8 + raw, b"\x80\x04pickle", draw.randbytes(200)))


def header_words(raw: bytes, draw: random.Random) -> bytes:
    """Put something else in place of a word of the header, whose length is then right again."""
    header, data = split(raw)
    old, new = draw.choice(
        (
            (b'"dtype":"F32"', b'"dtype":"F4"'), (b'"dtype":"F64"', b'"dtype":"BOOL"'),
            (b'"dtype":"F64"', b'"dtype":"I64"'), (b'"dtype":"F32"', b'"dtype":"BF16"'),
            (b'"shape":[', b'"shape":[-1,'), (b'"shape":[', b'"shape":[1,1,1,1,1,1,1,1,1,1,'),
            (b'"shape":[', b'"shape":[0,4611686018427387904,'), (b'"shape":[', b'"shape":[1e999,'),
            (b'"shape":[', b'"shape":[true,'), (b'"data_offsets":[', b'"data_offsets":[0,'),
            (b'"data_offsets":[0', b'"data_offsets":[8'), (b'"data_offsets":[', b'"offsets":['),
            (b"{", b'{"gain":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'),
            (b"{", b'{"__metadata__":{},'), (b"{", b'{"__metadata__":[],'), (b"{", b"[" * 100_000),
            (b"{", b'{"a":NaN,'), (b"{", b'{"a":' + b"9" * 5000 + b","), (b"{", b'{"\\ud800":0,'),
            (b'"pnnsim"', b'"other"'), (b'"pnnsim":', b'"pnnsim":1,"x":'), (b"}", b"}}"),
            (b"\\\"version\\\": 1", b"\\\"version\\\": 1e400"),
            (b"\\\"record\\\": {", b"\\\"record\\\": {\\\"kind\\\": 1, \\\"kind\\\": 1, "),
            (b"\\\"record\\\": ", b"\\\"record\\\": " + b"[" * 100_000),
            (b"\\\"record\\\": ", b"\\\"record\\\": Infinity, \\\"x\\\": "),
        )
    )  # fmt: skip
    return joined(header.replace(old, new, draw.choice((1, -1))), data)


BYTES = (flip, cut, longer, moved, nothing, header_words)


def split(raw: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(raw[:8], "little")
    return raw[8 : 8 + length], raw[8 + length :]


def joined(header: bytes, data: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + data


# --- damage of content, with a right SHA-256: refused


@dataclass
class Content:
    about: dict[str, Any]
    tensors: dict[str, Tensor]


def parsed(raw: bytes) -> Content:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one"
        path.write_bytes(raw)
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["pnnsim"])
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    return Content(about, tensors)


def sealed(kind: storage.Kind, content: Content) -> bytes:
    about = content.about
    about["sha256"] = storage.content_sha256(kind, about.get("record"), content.tensors)
    return save(content.tensors, {"pnnsim": json.dumps(about)})


def any_name(content: Content, draw: random.Random) -> str:
    return draw.choice(sorted(content.tensors))


def drop_tensor(content: Content, draw: random.Random) -> None:
    del content.tensors[any_name(content, draw)]


def rename_tensor(content: Content, draw: random.Random) -> None:
    name = any_name(content, draw)
    content.tensors[draw.choice((f"{name}x", "\x1b[31m" * 50, name[:-1]))] = content.tensors.pop(
        name
    )


def add_tensor(content: Content, draw: random.Random) -> None:
    content.tensors[draw.choice(("more", "optimizer.99.step", "weight.9", "best.x"))] = torch.ones(
        2
    )


def reshape_tensor(content: Content, draw: random.Random) -> None:
    name = any_name(content, draw)
    tensor = content.tensors[name]
    content.tensors[name] = draw.choice(
        (
            tensor[None], torch.cat([tensor.reshape(-1), tensor.reshape(-1)[:1]]),
            tensor.reshape(-1)[:0], tensor[..., None, None], torch.zeros((0, 3)),
        )
    ).clone()  # fmt: skip


def retype_tensor(content: Content, draw: random.Random) -> None:
    name = any_name(content, draw)
    types = (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8,
        torch.bool, torch.complex64, torch.float8_e5m2,
    )  # fmt: skip
    wanted = draw.choice([t for t in types if t != content.tensors[name].dtype])
    content.tensors[name] = content.tensors[name].to(wanted)


def not_finite(content: Content, draw: random.Random) -> None:
    name = draw.choice([n for n, t in sorted(content.tensors.items()) if t.is_floating_point()])
    flat = content.tensors[name].reshape(-1)
    flat[draw.randrange(len(flat))] = draw.choice((torch.nan, torch.inf, -torch.inf))


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(data, list):
        data = dict(enumerate(data))
    for key, value in data.items() if isinstance(data, dict) else ():
        yield from leaves(value, (*path, key))


def parent(content: Content, path: tuple[Any, ...]) -> Any:
    found = content.about
    for key in path[:-1]:
        found = found[key]
    return found


def stated(content: Content) -> list[tuple[Any, ...]]:
    """Return where something stands in the record and beside it."""
    return [path for path in leaves(content.about) if path and path[0] != "sha256"]


def retype_field(content: Content, draw: random.Random) -> None:
    path = draw.choice(stated(content))
    above = parent(content, path)
    others = (
        None, True, 3.5, "text", "\x1b]0;title\x07" * 40, [], {}, [[]], -1, 10**40, "1", [1],
        {"a": 1},
    )  # fmt: skip
    above[path[-1]] = copy.deepcopy(
        draw.choice([other for other in others if type(other) is not type(above[path[-1]])])
    )


def negative_number(content: Content, draw: random.Random) -> None:
    numbers = [
        path for path in stated(content)
        if type(parent(content, path)[path[-1]]) in (int, float)
        and path[1:3] not in (("progression", "loss"), ("progression", "validation_loss"))
        and "residual" not in path and "weight_set" not in path and "arguments" not in path
    ]  # fmt: skip
    path = draw.choice(numbers)
    above = parent(content, path)
    above[path[-1]] = type(above[path[-1]])(-draw.choice((2, 3, 10**30)))


def drop_field(content: Content, draw: random.Random) -> None:
    path = draw.choice([p for p in stated(content) if isinstance(parent(content, p), dict)])
    del parent(content, path)[path[-1]]


def add_field(content: Content, draw: random.Random) -> None:
    objects = [p for p in leaves(content.about) if isinstance(parent(content, (*p, 0)), dict)]
    path = draw.choice(objects)
    parent(content, (*path, 0))[draw.choice(("more", "\x1b[2J", ""))] = draw.choice(
        (1, None, [], {})
    )


def nested(content: Content, draw: random.Random) -> None:
    deep: Any = 1
    for _ in range(draw.choice((20, 400))):
        deep = draw.choice(([deep], {"a": deep}))
    path = draw.choice(stated(content))
    parent(content, path)[path[-1]] = deep


def constant(content: Content, draw: random.Random) -> None:
    path = draw.choice(stated(content))
    parent(content, path)[path[-1]] = draw.choice((float("nan"), float("inf"), -float("inf")))


def other_version(content: Content, draw: random.Random) -> None:
    above = int(content.about["version"]) + 1
    content.about["version"] = draw.choice((0, above, 999, "1", None, 10**50))


def other_kind(content: Content, draw: random.Random) -> None:
    others = [name for name in (*SUBJECTS, "x", "\x1b[1m") if name != content.about["kind"]]
    content.about["kind"] = draw.choice(others)


def broken_stream(content: Content, draw: random.Random) -> None:
    """Put nonsense into a stream; into a negative number where there is no stream."""
    names = [n for n, t in sorted(content.tensors.items()) if len(t.shape) == 1 and len(t) == 5056]
    if not names:
        negative_number(content, draw)
        return
    filler = draw.choice((0, 255))
    content.tensors[draw.choice(names)] = torch.full((5056,), filler, dtype=torch.uint8)


CONTENT = (
    drop_tensor, rename_tensor, add_tensor, reshape_tensor, retype_tensor, not_finite, retype_field,
    negative_number, drop_field, add_field, nested, constant, other_version, other_kind,
    broken_stream,
)  # fmt: skip


# --- things that are no file


def placed(path: Path, subject: Subject, draw: random.Random) -> str:
    """Put something else in the place of a file; return what."""
    what = draw.choice(
        ("fifo", "folder", "missing", "loop", "dangling", "device", "link", "vast", "unreadable")
    )
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "loop":
        path.symlink_to(path.name)
    elif what == "dangling":
        path.symlink_to("nowhere")
    elif what == "device":
        path.symlink_to(draw.choice(("/dev/zero", "/dev/null", "/dev/tty", "/proc/self/mem")))
    elif what == "link":
        path.with_name("aside").write_bytes(subject.raw)
        path.symlink_to("aside")
    elif what == "vast":
        path.write_bytes(subject.raw)
        os.truncate(path, draw.choice((2**31 + 1, 2**40)))
    elif what == "unreadable":
        path.symlink_to("a" * 200 + "/\x7f" * 20)
    return what


# --- the trial


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    def hung(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still reading after {seconds} s")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def trial(
    subject: Subject, valid: Content, whole: str, draw: random.Random, folder: Path
) -> tuple[str, str]:
    """Damage a file in one way and read it.

    Args:
        subject: Kind of file.
        valid: Content of a valid one.
        whole: Fingerprint of what is loaded from that.
        draw: Where the damage comes from.
        folder: Empty folder.

    Returns:
        The way, and what is wrong with the outcome; an empty text for nothing.
    """
    path = folder / subject.file
    way = draw.choice((*BYTES, *CONTENT, placed))
    allowed = {whole}
    if way is placed:
        name = f"placed {placed(path, subject, draw)}"
    elif way in CONTENT:
        name, allowed = way.__name__, set()
        content = copy.deepcopy(valid)
        way(content, draw)  # type: ignore[operator]
        path.write_bytes(sealed(subject.kind, content))
    else:
        name = way.__name__
        path.write_bytes(way(subject.raw, draw))  # type: ignore[operator]
    try:
        with no_longer_than(HANGS):
            found = subject.load(path)
    except subject.kind.error as error:
        return name, message_fault(subject, name, str(error))
    except BaseException as error:
        return name, f"{type(error).__name__}: {error}"
    return name, "" if found in allowed else "was accepted with other content"


def message_fault(subject: Subject, name: str, message: str) -> str:
    """Return what is wrong with a message; an empty text for nothing."""
    if not message.isprintable():
        return f"message is not printable: {message!a}"
    if len(message) > 1000:
        return f"message of {len(message)} characters: {message[:200]}"
    if name == "other_version" and f"version {subject.kind.version}" not in message:
        return f"message names no version: {message}"
    return ""


def damage(name: str, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Damage files of a kind many times.

    Returns:
        How often each way was tried, and what was wrong.
    """
    subject, draw = SUBJECTS[name](), random.Random(seed)
    ways: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "whole").mkdir()
        path = Path(root) / "whole" / subject.file
        path.write_bytes(subject.raw)
        whole, valid = subject.load(path), parsed(subject.raw)
        for number in range(count):
            folder = Path(root) / "damaged"
            folder.mkdir()
            way, fault = trial(subject, valid, whole, draw, folder)
            ways[way] += 1
            if fault:
                faults.append(f"{name}, case {number}, {way}: {fault}")
            for item in folder.iterdir():
                item.rmdir() if item.is_dir() and not item.is_symlink() else item.unlink()
            folder.rmdir()
    return ways, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=sorted(SUBJECTS), action="append")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.kind or SUBJECTS:
        ways, faults = damage(name, options.count, options.seed)
        print(f"{name}: {sum(ways.values())} files, {len(faults)} faults")
        print("  " + ", ".join(f"{way} {count}" for way, count in sorted(ways.items())))
        for fault in faults[:20]:
            print(f"  {fault}")


if __name__ == "__main__":
    main()
