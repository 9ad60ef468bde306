"""Read labelled images from the three layouts in which they are published.

A parser checks everything that a damaged file could get wrong and returns stored values and labels;
what is then done to them is in `base.py`. Labels must lie in range, counts must agree.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pnnsim.learning.datasets.base import Labelled, Task, assemble
from pnnsim.learning.datasets.download import Remote
from pnnsim.learning.datasets.files import File, Source, find, locate, read
from pnnsim.learning.datasets.mat import read_arrays

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

FULL_SCALE = 255.0
CHANNELS, SIDE = 3, 32
PIXELS = CHANNELS * SIDE * SIDE

Bytes = NDArray[np.uint8]
Sides = tuple[Labelled, Labelled]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Published data set of images, and how it is read.

    Args:
        source: Its files.
        title: Its name in a note.
        published: Examples in the published training and test sides.
        classes: Number of classes.
        parse: Reads both sides from a folder.
    """

    source: Source
    title: str
    published: tuple[int, int]
    classes: int
    parse: Callable[[Source, Path, int], Sides]


def load(
    name: str, *, data_dir: str | Path | None, offline: bool, progress: Progress | None
) -> Task:
    """Load a set of `SETS`; see `pnnsim.learning.datasets.load_task`."""
    images = SETS[name]
    folder = locate(images.source, data_dir=data_dir, offline=offline, progress=progress)
    train, test = images.parse(images.source, folder, images.classes)
    sizes = (len(train.labels), len(test.labels))
    text = f"{sizes[0]:,} + {sizes[1]:,} images"
    if sizes == images.published:
        note = f"{images.title} ({text})"
    else:
        note = f"part of {images.title} ({text}): not comparable with published figures"
    return assemble(
        name, note, classes=images.classes, full_scale=FULL_SCALE, train=train, test=test
    )


def parse_idx(file: File, magic: int) -> Bytes:
    """Return the array of an IDX file of bytes.

    Args:
        file: The file.
        magic: First four bytes as a big-endian integer: 2051 for images, 2049 for labels.

    Returns:
        The array, with as many axes as the magic number's last byte states.

    Raises:
        TaskError: If the header or the length is wrong.

    Reference: LeCun, Bottou, Bengio and Haffner, Proc. IEEE 86, 1998; file format of MNIST.
    """
    axes = magic & 0xFF
    header = 4 * (1 + axes)
    if len(file.data) < header:
        raise file.wrong(f"{len(file.data)} bytes", f"an IDX header of {header} bytes")
    found, *shape = struct.unpack(f">{1 + axes}I", file.data[:header])
    if found != magic:
        raise file.wrong(f"first four bytes are the number {found}", f"{magic} (IDX)")
    length = len(file.data) - header
    if length != math.prod(shape):
        raise file.wrong(
            f"{length:,} bytes of data", f"{math.prod(shape):,}, since the header says {shape}"
        )
    return np.frombuffer(file.data, np.uint8, offset=header).reshape(shape)


def parse_mnist(source: Source, folder: Path, classes: int) -> Sides:
    """Return both sides of a data set in MNIST's four files.

    Args:
        source: Its files.
        folder: Folder with all of them.
        classes: Number of classes.
    """
    sides = []
    for prefix in ("train", "t10k"):
        pixels = read(source, folder, f"{prefix}-images-idx3-ubyte")
        images = parse_idx(pixels, 2051)
        if images.shape[1:] != (28, 28):
            raise pixels.wrong(f"images of {images.shape[1]}x{images.shape[2]} pixels", "28x28")
        file = read(source, folder, f"{prefix}-labels-idx1-ubyte")
        labels = parse_idx(file, 2049)
        if len(labels) != len(images):
            raise file.wrong(f"{len(labels):,} labels", f"{len(images):,}, one for each image")
        _check_labels(file, labels, classes)
        sides.append(Labelled(images.reshape(len(images), 28 * 28), labels))
    return sides[0], sides[1]


def parse_svhn(source: Source, folder: Path, classes: int) -> Sides:
    """Return both sides of SVHN, format 2; arguments as for `parse_mnist`."""
    train, test = (_parse_mat(read(source, folder, name), classes) for name in source.required)
    return train, test


def _parse_mat(file: File, classes: int) -> Labelled:
    """Return one side of SVHN; X is `(row, column, channel, batch)`, label 10 is the digit 0."""
    found = read_arrays(file, ("X", "y"))
    x, y = found["X"], found["y"]
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[:3] != (SIDE, SIDE, CHANNELS):
        raise file.wrong(f"X of {x.dtype}, shape {x.shape}", "uint8, shape (32, 32, 3, N)")
    if y.dtype.kind not in "ui" or y.size != x.shape[3]:
        raise file.wrong(
            f"y of {y.dtype}, shape {y.shape}", f"integers, one for each of {x.shape[3]:,} images"
        )
    labels = y.ravel().astype(np.int64)
    _check_labels(file, labels, classes, first=1)
    return Labelled(x.transpose(3, 2, 0, 1).reshape(-1, PIXELS), labels % classes)


def parse_cifar10(source: Source, folder: Path, classes: int) -> Sides:
    """Return CIFAR-10: every training batch that is there, and the test batch.

    Arguments are those of `parse_mnist`.
    """
    batches = [name for name in source.optional if find(folder, name)]
    parts = [_parse_cifar(read(source, folder, name), 1, classes) for name in batches]
    if not parts:
        file = File(source.task, folder / source.optional[0], source.home)
        raise file.wrong("no such file", "at least one training batch")
    train = Labelled(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
    return train, _parse_cifar(read(source, folder, source.required[0]), 1, classes)


def parse_cifar100(source: Source, folder: Path, classes: int) -> Sides:
    """Return CIFAR-100 with its fine labels; arguments as for `parse_mnist`."""
    train, test = (_parse_cifar(read(source, folder, name), 2, classes) for name in source.required)
    return train, test


def _parse_cifar(file: File, label_bytes: int, classes: int) -> Labelled:
    """Return the records of one file: label bytes, the last of which counts, then the pixels.

    Reference: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; binary
    version. A record of CIFAR-100 begins with the coarse label, then the fine one.
    """
    record = label_bytes + PIXELS
    if not file.data or len(file.data) % record:
        raise file.wrong(f"{len(file.data):,} bytes", f"a multiple of {record} (whole records)")
    records = np.frombuffer(file.data, np.uint8).reshape(-1, record)
    labels = records[:, label_bytes - 1]
    _check_labels(file, labels, classes)
    return Labelled(records[:, label_bytes:], labels)


def _check_labels(file: File, labels: NDArray[np.integer], classes: int, *, first: int = 0) -> None:
    """Raise unless every label lies in first … first + classes − 1."""
    bad = np.flatnonzero((labels < first) | (labels > first + classes - 1))
    if bad.size:
        raise file.wrong(
            f"label {labels[bad[0]]} at place {bad[0]:,}",
            f"labels {first} to {first + classes - 1}",
        )


_IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx_remotes(base: str, *md5: str) -> tuple[Remote, ...]:
    """Return the four files of `_IDX_NAMES` under an address, with their checksums."""
    return tuple(
        Remote(f"{base}/{name}.gz", f"md5:{value}")
        for name, value in zip(_IDX_NAMES, md5, strict=True)
    )


_CIFAR10_BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))

#: The data sets by name. Checksums are those that the publishers or torchvision give.
SETS: dict[str, ImageSet] = {
    "mnist": ImageSet(
        Source(
            task="mnist",
            folders=("mnist",),
            namesakes=("fashion-mnist",),
            required=_IDX_NAMES,
            home="http://yann.lecun.com/exdb/mnist/",
            remotes=_idx_remotes(
                "https://ossci-datasets.s3.amazonaws.com/mnist",
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
        ),
        title="MNIST",
        published=(60_000, 10_000),
        classes=10,
        parse=parse_mnist,
    ),
    "fashion-mnist": ImageSet(
        Source(
            task="fashion-mnist",
            folders=("fashion-mnist",),
            namesakes=("mnist",),
            required=_IDX_NAMES,
            home="https://github.com/zalandoresearch/fashion-mnist",
            remotes=_idx_remotes(
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
        ),
        title="Fashion-MNIST",
        published=(60_000, 10_000),
        classes=10,
        parse=parse_mnist,
    ),
    "svhn": ImageSet(
        Source(
            task="svhn",
            folders=("svhn", "svhn-subset"),
            required=("train_32x32.mat", "test_32x32.mat"),
            home="http://ufldl.stanford.edu/housenumbers/",
            remotes=(
                Remote(
                    "http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
                    "md5:e26dedcc434d2e4c54c9b2d4a06d8373",
                ),
                Remote(
                    "http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
                    "md5:eb5a983be6a315427106f1b164d9cef3",
                ),
            ),
        ),
        title="SVHN",
        published=(73_257, 26_032),
        classes=10,
        parse=parse_svhn,
    ),
    "cifar10": ImageSet(
        Source(
            task="cifar10",
            folders=("cifar-10-batches-bin",),
            required=("test_batch.bin",),
            optional=_CIFAR10_BATCHES,
            home="https://www.cs.toronto.edu/~kriz/cifar.html",
            remotes=(
                Remote(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "md5:c32a1d4ab5d03f1284b67883e8d87530",
                    tuple(
                        f"cifar-10-batches-bin/{name}"
                        for name in (*_CIFAR10_BATCHES, "test_batch.bin")
                    ),
                ),
            ),
        ),
        title="CIFAR-10",
        published=(50_000, 10_000),
        classes=10,
        parse=parse_cifar10,
    ),
    "cifar100": ImageSet(
        Source(
            task="cifar100",
            folders=("cifar-100-binary",),
            required=("train.bin", "test.bin"),
            home="https://www.cs.toronto.edu/~kriz/cifar.html",
            remotes=(
                Remote(
                    "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                    "md5:03b5dce01913d631647c71ecec9e9cb8",
                    ("cifar-100-binary/train.bin", "cifar-100-binary/test.bin"),
                ),
            ),
        ),
        title="CIFAR-100",
        published=(50_000, 10_000),
        classes=100,
        parse=parse_cifar100,
    ),
}
