"""Damage stored files of every kind at random and look at what reading them does.

Shared by `test_damaged_files.py`. By hand: `python -m tests.common.damage_files --count 20000`. A
damaged file must be refused with an error of the kind, or give exactly what it holds: bytes that
were changed at random the content from before, a file whose content was changed and sealed anew
with a right SHA-256 never, where the change is one that no writer makes. A file without a seal is
refused or read as something sound.
"""

from __future__ import annotations

import argparse
import copy
import os
import random
import shutil
import signal
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch

from tests.common.damage_of_content import CONTENT, Content, parsed, sealed
from tests.common.damage_plain import WAYS
from tests.common.damage_plain_subjects import PLAIN, Plain
from tests.common.damage_subjects import SUBJECTS, Subject

#: Time after which a read has hung [s].
HANGS = 60


# --- damage of bytes: refused, or the content from before


def flip(raw: bytes, draw: random.Random) -> bytes:
    found = bytearray(raw)
    length = int.from_bytes(raw[:8], "little")
    # The header is small: without this nearly all flips would meet the data.
    last = min(draw.choice((8, 8 + length, len(raw))), len(raw))
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


# --- things that are no file


def placed(path: Path, raw: bytes, draw: random.Random) -> str:
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
        path.with_name("aside").write_bytes(raw)
        path.symlink_to("aside")
    elif what == "vast":
        path.write_bytes(raw)
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
        name = f"placed {placed(path, subject.raw, draw)}"
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


def plain_trial(subject: Plain, whole: str, draw: random.Random, path: Path) -> tuple[str, str]:
    """Damage a file without a seal in one way and read it; see `trial`."""
    ways = (*BYTES[:-1], *WAYS[subject.content] * 3, placed)
    way = draw.choice(ways)
    if way is placed:
        name = f"placed {placed(path, subject.raw, draw)}"
    else:
        name = way.__name__
        path.write_bytes(way(subject.raw, draw))  # type: ignore[operator]
    try:
        with no_longer_than(HANGS), warnings.catch_warnings():
            warnings.simplefilter("error")
            found = subject.load(path)
    except subject.error as error:
        lines = str(error).split("\n")
        if not all(line.isprintable() for line in lines) or len(str(error)) > 20_000:
            return name, f"message cannot be shown: {str(error)[:500]!a}"
        return name, ""
    except BaseException as error:
        return name, f"{type(error).__name__}: {str(error)[:500]}"
    wrong = subject.sealed and found != whole
    return name, "was accepted with other content" if wrong else ""


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
    subject, draw = {**SUBJECTS, **PLAIN}[name](), random.Random(seed)
    ways: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "whole" / subject.file
        path.parent.mkdir(parents=True)
        path.write_bytes(subject.raw)
        whole = subject.load(path)
        valid = parsed(subject.raw) if isinstance(subject, Subject) else None
        for number in range(count):
            folder = Path(root) / "damaged"
            path = folder / subject.file
            path.parent.mkdir(parents=True)
            if isinstance(subject, Subject):
                assert valid is not None
                way, fault = trial(subject, valid, whole, draw, folder)
            else:
                way, fault = plain_trial(subject, whole, draw, path)
            ways[way] += 1
            if fault:
                faults.append(f"{name}, case {number}, {way}: {fault}")
            shutil.rmtree(folder)
    return ways, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=sorted({**SUBJECTS, **PLAIN}), action="append")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.kind or {**SUBJECTS, **PLAIN}:
        ways, faults = damage(name, options.count, options.seed)
        print(f"{name}: {sum(ways.values())} files, {len(faults)} faults")
        print("  " + ", ".join(f"{way} {count}" for way, count in sorted(ways.items())))
        for fault in faults[:20]:
            print(f"  {fault}")


if __name__ == "__main__":
    main()
