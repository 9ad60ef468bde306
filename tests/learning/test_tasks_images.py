from __future__ import annotations

import gzip
import io
import lzma
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from pnnsim.errors import TaskError
from pnnsim.learning.datasets import IMAGE_TASKS, Task, files, load_task

DATA = os.environ.get("PNNSIM_DATA_DIR")
IDX = {
    "train-images-idx3-ubyte": 2051,
    "train-labels-idx1-ubyte": 2049,
    "t10k-images-idx3-ubyte": 2051,
    "t10k-labels-idx1-ubyte": 2049,
}
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _only_given_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PNNSIM_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def readable(value: object) -> str:
    """Name a case by its text, not by the bytes of its file."""
    return value if isinstance(value, str) else "data"


def labels_for(count: int, classes: int) -> np.ndarray:
    return (np.arange(count) % classes).astype(np.uint8)


def idx(array: np.ndarray, magic: int) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    folder.mkdir(parents=True)
    images = rng.integers(0, 256, (60, 28, 28), dtype=np.uint8)
    labels = labels_for(60, 10)
    for name, magic in IDX.items():
        array = images if magic == 2051 else labels
        if name.startswith("t10k"):
            array = array[:20]
        with gzip.open(folder / f"{name}.gz", "wb") as stream:
            stream.write(idx(array, magic))
    return images, labels


def mat(images: np.ndarray, labels: np.ndarray, **more: object) -> bytes:
    """Write SVHN's layout: X (row, column, channel, batch), y (batch, 1) with 10 for zero."""
    stream = io.BytesIO()
    y = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
    arrays = {"X": images.transpose(2, 3, 1, 0), "y": y, **more}
    scipy.io.savemat(stream, arrays, do_compression=True)
    return stream.getvalue()


def write_svhn(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    folder.mkdir(parents=True)
    images = rng.integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)
    labels = labels_for(60, 10)
    (folder / "train_32x32.mat").write_bytes(mat(images, labels))
    test = mat(images[:20], labels[:20], source="text", index=np.arange(20))
    (folder / "test_32x32.mat.xz").write_bytes(lzma.compress(test))
    return images, labels


def cifar(images: np.ndarray, *labels: np.ndarray) -> bytes:
    columns = [label[:, None].astype(np.uint8) for label in labels]
    return np.concatenate([*columns, images.reshape(len(images), -1)], axis=1).tobytes()


def write_cifar10(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    folder.mkdir(parents=True)
    images = rng.integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)
    labels = labels_for(60, 10)
    (folder / "data_batch_1.bin.xz").write_bytes(lzma.compress(cifar(images[:30], labels[:30])))
    (folder / "data_batch_4.bin").write_bytes(cifar(images[30:], labels[30:]))
    (folder / "test_batch.bin.gz").write_bytes(gzip.compress(cifar(images[:20], labels[:20])))
    return images, labels


def write_cifar100(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    folder.mkdir(parents=True)
    images = rng.integers(0, 256, (600, 3, 32, 32), dtype=np.uint8)
    labels = labels_for(600, 100)
    # The coarse label lies outside the fine one's place and would be seen if read for it.
    (folder / "train.bin").write_bytes(cifar(images, labels // 5, labels))
    (folder / "test.bin").write_bytes(cifar(images[:20], labels[:20] // 5, labels[:20]))
    return images, labels


WRITERS: dict[str, tuple[str, Callable[[Path], tuple[np.ndarray, np.ndarray]]]] = {
    "mnist": ("mnist", write_mnist),
    "fashion-mnist": ("fashion-mnist", write_mnist),
    "svhn": ("svhn-subset", write_svhn),
    "cifar10": ("cifar-10-batches-bin", write_cifar10),
    "cifar100": ("cifar-100-binary", write_cifar100),
}


def check_invariants(task: Task) -> None:
    for x, y in (
        (task.train_x, task.train_y),
        (task.validation_x, task.validation_y),
        (task.test_x, task.test_y),
    ):
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert x.shape == (len(y), task.inputs)
        assert len(y) > 0
        assert x.min() >= 0.0
        assert x.max() <= 1.0
        assert y.min() >= 0
        assert y.max() < task.outputs


@pytest.mark.parametrize("name", WRITERS)
def test_pixels_and_labels_come_back_in_channel_row_column_order(name: str, tmp_path: Path) -> None:
    folder, write = WRITERS[name]
    images, labels = write(tmp_path / folder)
    task = load_task(name, data_dir=tmp_path, offline=True)
    check_invariants(task)
    # float32 keeps 24 bits, so value × 255 of an 8-bit pixel rounds back to it exactly.
    pixels = np.rint(task.test_x * 255).astype(np.uint8)
    assert np.array_equal(pixels, images[:20].reshape(20, -1))
    assert task.test_y.tolist() == labels[:20].tolist()
    stored = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    both = np.concatenate([task.train_x, task.validation_x])
    for x, y in zip(both, np.concatenate([task.train_y, task.validation_y]), strict=True):
        assert stored.pop(np.rint(x * 255).astype(np.uint8).tobytes()) == y
    assert not stored
    assert "part of" in task.note
    assert f"{len(images)} + 20 images" in task.note
    assert "not comparable with published figures" in task.note


@pytest.mark.parametrize("name", WRITERS)
def test_folder_itself_and_environment_variable_are_searched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, write = WRITERS[name]
    write(tmp_path / folder)
    expected = load_task(name, data_dir=tmp_path / folder, offline=True)
    monkeypatch.setenv("PNNSIM_DATA_DIR", str(tmp_path))
    assert np.array_equal(load_task(name, offline=True).train_x, expected.train_x)


def test_given_folder_wins_over_environment_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = write_mnist(tmp_path / "a" / "mnist")
    write_mnist(tmp_path / "b" / "mnist")
    monkeypatch.setenv("PNNSIM_DATA_DIR", str(tmp_path / "b"))
    task = load_task("mnist", data_dir=tmp_path / "a", offline=True)
    assert np.array_equal(np.rint(task.test_x * 255), first[:20].reshape(20, -1))


def test_one_data_set_is_never_read_as_its_namesake(tmp_path: Path) -> None:
    write_mnist(tmp_path / "fashion-mnist")
    with pytest.raises(TaskError, match="mnist: no complete set of files"):
        load_task("mnist", data_dir=tmp_path / "fashion-mnist", offline=True)


@pytest.mark.parametrize("name", WRITERS)
def test_missing_files_name_folders_files_and_a_way_to_get_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        load_task(name, data_dir=tmp_path, offline=True)
    message = str(caught.value)
    assert message.startswith(f"{name}: no complete set of files in {tmp_path}")
    assert WRITERS[name][0] in message
    assert "http" in message
    assert "PNNSIM_DATA_DIR" in message


def test_half_a_data_set_names_the_missing_file(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(TaskError, match=r"t10k-labels-idx1-ubyte: no such file, though"):
        load_task("mnist", data_dir=tmp_path, offline=True)


def test_cifar10_needs_a_training_batch(tmp_path: Path) -> None:
    write_cifar10(tmp_path / "data")
    for path in (tmp_path / "data").glob("data_batch*"):
        path.unlink()
    with pytest.raises(TaskError, match="at least one training batch"):
        load_task("cifar10", data_dir=tmp_path / "data", offline=True)


def test_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"mnist: data folder: .*nowhere is not a folder"):
        load_task("mnist", data_dir=tmp_path / "nowhere", offline=True)


def test_environment_variable_that_points_nowhere_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PNNSIM_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(TaskError, match=r"mnist: PNNSIM_DATA_DIR: .*nowhere is not a folder"):
        load_task("mnist", offline=True)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
@pytest.mark.parametrize("suffix", [".gz", ".xz", ""])
def test_truncated_file_is_one_error_that_names_it(suffix: str, keep: int, tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    whole = gzip.decompress(path.read_bytes())
    path.unlink()
    stored = {".gz": gzip.compress, ".xz": lzma.compress, "": bytes}[suffix](whole)
    path.with_suffix(suffix).write_bytes(stored[:keep])
    with pytest.raises(TaskError) as caught:
        load_task("mnist", data_dir=tmp_path, offline=True)
    message = str(caught.value)
    assert str(path.with_suffix(suffix)) in message
    assert "expected" in message
    assert "yann.lecun.com" in message


@pytest.mark.parametrize("suffix", [".gz", ".xz", ""])
def test_file_of_more_than_any_has_is_refused_before_it_fills_the_memory(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path / "mnist")
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    path.unlink()
    stored = {".gz": gzip.compress, ".xz": lzma.compress, "": bytes}[suffix](bytes(300_000))
    path.with_suffix(suffix).write_bytes(stored)
    monkeypatch.setattr(files, "_MOST_BYTES", 200_000)
    with pytest.raises(TaskError, match=r"200,000|300000"):
        load_task("mnist", data_dir=tmp_path, offline=True)


def test_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    write_svhn(tmp_path / "svhn")
    (tmp_path / "svhn" / "train_32x32.mat").unlink()
    os.mkfifo(tmp_path / "svhn" / "train_32x32.mat")
    with pytest.raises(TaskError):
        load_task("svhn", data_dir=tmp_path, offline=True)


def test_compressed_variable_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_svhn(tmp_path / "svhn")
    monkeypatch.setattr("pnnsim.learning.datasets.mat._MOST_BYTES", 1000)
    with pytest.raises(TaskError, match="does not end"):
        load_task("svhn", data_dir=tmp_path, offline=True)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_corrupt_compression_is_one_error(suffix: str, tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    whole = gzip.decompress(path.read_bytes())
    path.unlink()
    stored = bytearray({".gz": gzip.compress, ".xz": lzma.compress}[suffix](whole))
    stored[len(stored) // 2] ^= 0xFF
    path.with_suffix(suffix).write_bytes(bytes(stored))
    with pytest.raises(TaskError, match=f"do not decompress .* expected a whole {suffix} file"):
        load_task("mnist", data_dir=tmp_path, offline=True)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "train-images-idx3-ubyte",
            idx(np.zeros(60, np.uint8), 2049),
            "number 2049; expected 2051",
        ),
        ("train-images-idx3-ubyte", idx(np.zeros((2, 3, 4), np.uint8), 2051), "3x4 pixels"),
        ("train-images-idx3-ubyte", struct.pack(">4I", 2051, 2**31, 28, 28), "0 bytes of data"),
        ("train-labels-idx1-ubyte", idx(labels_for(59, 10), 2049), "59 labels; expected 60"),
        ("train-labels-idx1-ubyte", idx(labels_for(60, 11), 2049), "label 10 at place 10"),
        ("t10k-labels-idx1-ubyte", b"<html>404 not found", "expected 2049"),
    ],
    ids=readable,
)
def test_wrong_idx_contents_are_told(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / f"{name}.gz").write_bytes(gzip.compress(data))
    with pytest.raises(TaskError, match=message):
        load_task("mnist", data_dir=tmp_path, offline=True)


IMAGES = rng.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
LABELS = labels_for(20, 10)


def savemat(**arrays: object) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no MATLAB header"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "no MATLAB header"),
        (mat(IMAGES, LABELS)[:-40], "damaged or cut short"),
        (mat(IMAGES, LABELS)[:128] + struct.pack("<2I", 14, 0), "damaged or cut short"),
        (savemat(X=np.zeros((32, 32, 3, 4), np.uint8)), "no variable 'y'"),
        (savemat(X=np.zeros((28, 28, 3, 4), np.uint8), y=np.ones(4, np.uint8)), "shape \\(28"),
        (savemat(X=np.zeros((32, 32, 3, 4)), y=np.ones(4, np.uint8)), "X of float64"),
        (savemat(X=np.zeros((32, 32, 3, 4), np.uint8), y=np.ones(5, np.uint8)), "one for each"),
        (mat(IMAGES, LABELS + 2), "label 11 at place 9; expected labels 1 to 10"),
        (savemat(X="text", y=np.ones(5, np.uint8)), "'X' is not an array of real numbers"),
    ],
    ids=readable,
)
def test_wrong_matlab_contents_are_told(data: bytes, message: str, tmp_path: Path) -> None:
    write_svhn(tmp_path / "svhn")
    (tmp_path / "svhn" / "train_32x32.mat").write_bytes(data)
    with pytest.raises(TaskError, match=message):
        load_task("svhn", data_dir=tmp_path, offline=True)


@pytest.mark.parametrize("compressed", [True, False])
def test_no_damaged_matlab_file_ends_in_another_error(compressed: bool, tmp_path: Path) -> None:
    write_svhn(tmp_path / "svhn")
    path = tmp_path / "svhn" / "train_32x32.mat"
    stream = io.BytesIO()
    arrays = {"X": IMAGES.transpose(2, 3, 1, 0), "y": np.full((20, 1), 3, np.uint8)}
    scipy.io.savemat(stream, arrays, do_compression=compressed)
    whole = stream.getvalue()
    draw = np.random.default_rng(1)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        # The first 400 bytes hold every tag but y's; a wrong pixel cannot be noticed.
        damaged[draw.integers(124, 400)] ^= int(draw.integers(1, 256))
        path.write_bytes(bytes(damaged))
        try:
            check_invariants(load_task("svhn", data_dir=tmp_path, offline=True))
        except TaskError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize(
    ("name", "file", "data", "message"),
    [
        ("cifar10", "test_batch.bin.gz", gzip.compress(bytes(3072)), "multiple of 3073"),
        ("cifar10", "test_batch.bin.gz", gzip.compress(b""), "0 bytes; expected a multiple"),
        ("cifar10", "data_batch_4.bin", b"\x0a" + bytes(3072), "label 10 at place 0"),
        ("cifar100", "train.bin", bytes(3073), "multiple of 3074"),
        ("cifar100", "test.bin", b"\x00\x64" + bytes(3072), "label 100 at place 0"),
    ],
    ids=readable,
)
def test_wrong_cifar_contents_are_told(
    name: str, file: str, data: bytes, message: str, tmp_path: Path
) -> None:
    folder, write = WRITERS[name]
    write(tmp_path / folder)
    (tmp_path / folder / file).write_bytes(data)
    with pytest.raises(TaskError, match=message):
        load_task(name, data_dir=tmp_path, offline=True)


def test_too_few_examples_for_a_validation_part_are_an_error(tmp_path: Path) -> None:
    write_cifar100(tmp_path / "cifar-100-binary")
    (tmp_path / "cifar-100-binary" / "train.bin").write_bytes(cifar(IMAGES, LABELS, LABELS))
    with pytest.raises(TaskError, match="20 training, 0 validation and 20 test examples"):
        load_task("cifar100", data_dir=tmp_path, offline=True)


# ------------------------------------------------------------------------------ the real files

#: Shapes and test-side class counts of the files as published; for SVHN those of the part that the
#: folder holds, as listed beside it (digits 0 to 9).
REAL = {
    "mnist": (784, 60_000, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
    "fashion-mnist": (784, 60_000, [1000] * 10),
    "cifar10": (3072, None, [1000] * 10),
    "svhn": (3072, None, None),
    "cifar100": (3072, 50_000, [100] * 100),
}
SVHN_PART = {
    (9_854, 2_952): (
        [685, 1900, 1462, 1093, 1029, 906, 744, 742, 677, 616],
        [208, 566, 478, 344, 289, 252, 213, 220, 199, 183],
    )
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
@pytest.mark.skipif(DATA is None, reason="PNNSIM_DATA_DIR names no folder with the real files")
def test_real_files_have_the_published_shapes_and_class_counts(name: str) -> None:
    folders = {WRITERS[name][0], "svhn"} if name == "svhn" else {WRITERS[name][0]}
    if not any((Path(DATA or "") / folder).is_dir() for folder in folders):
        pytest.skip(f"{name} is not in PNNSIM_DATA_DIR")
    task = load_task(name, data_dir=DATA, offline=True)
    check_invariants(task)
    inputs, train, test_counts = REAL[name]
    total = len(task.train_y) + len(task.validation_y)
    assert task.inputs == inputs
    if train is not None:
        assert total == train
        assert "part of" not in task.note
    if test_counts is not None:
        assert np.bincount(task.test_y).tolist() == test_counts
    if (total, len(task.test_y)) in SVHN_PART:
        both = np.bincount(task.train_y) + np.bincount(task.validation_y)
        assert (both.tolist(), np.bincount(task.test_y).tolist()) == SVHN_PART[
            total, len(task.test_y)
        ]
        assert task.note.startswith("part of SVHN (9,854 + 2,952 images): not comparable")


def test_every_image_task_is_tested_here() -> None:
    assert set(IMAGE_TASKS) == {"digits", *WRITERS} == {"digits", *REAL}
