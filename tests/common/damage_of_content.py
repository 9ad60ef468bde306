"""Damage of what a file holds, with a right SHA-256: refused."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from pnnsim.common import storage
from tests.common.damage_subjects import SUBJECTS


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
