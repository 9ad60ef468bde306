"""A stored file is read whole, replaced in one step, and never left half written."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
import torch
from pydantic import BaseModel
from safetensors import safe_open

from pnnsim.common import files, storage
from pnnsim.errors import OutputError, ParameterError
from pnnsim.networks.parameters import load_parameters
from tests.hil.hil_machines import exact_surrogate

KIND = storage.Kind("test", 1, "the test", ParameterError, "write it again")


class Record(BaseModel):
    name: str = "a"
    share: float = 0.5


TENSORS = {
    "f64": torch.linspace(0, 1, 6, dtype=torch.float64).reshape(2, 3),
    "bf16": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "bool": torch.tensor([True, False, True]),
    "empty": torch.zeros((0, 3)),
    "scalar": torch.tensor(7, dtype=torch.int64),
}
TABLE = {name: storage.Declared.like(tensor) for name, tensor in TENSORS.items()}


def written(path: Path) -> Path:
    storage.write(path, KIND, record=Record(), tensors=TENSORS)
    return path


def test_every_type_and_shape_comes_back_bit_for_bit(tmp_path: Path) -> None:
    stored = storage.read(written(tmp_path / "a"), KIND)
    assert stored.record(Record) == Record()
    for name, tensor in stored.checked(TABLE).items():
        assert tensor.dtype == TENSORS[name].dtype
        assert tensor.shape == TENSORS[name].shape
        assert torch.equal(tensor, TENSORS[name])


def test_any_reader_of_safetensors_reads_the_file(tmp_path: Path) -> None:
    with safe_open(written(tmp_path / "a"), framework="pt") as file:
        for name, tensor in TENSORS.items():
            assert torch.equal(file.get_tensor(name), tensor)


@pytest.mark.parametrize("size", [0, 1])
def test_overwriting_or_cutting_a_file_leaves_what_was_loaded(tmp_path: Path, size: int) -> None:
    """A file that stays mapped would change the numbers, or kill the interpreter."""
    path = tmp_path / "parameters.safetensors"
    exact_surrogate().parameter_set().save(path)
    found = load_parameters(path)
    before = {name: tensor.clone() for name, tensor in found.tensors().items()}
    with path.open("r+b") as file:  # the same file, not another one of the same name
        file.write(b"\xff" * path.stat().st_size)
        file.truncate(size * path.stat().st_size)
    for name, tensor in found.tensors().items():
        assert torch.equal(tensor, before[name]), name


def test_loaded_numbers_share_nothing(tmp_path: Path) -> None:
    stored = storage.read(written(tmp_path / "a"), KIND)
    places = {tensor.data_ptr() for tensor in stored.tensors.values() if tensor.numel()}
    assert len(places) == sum(tensor.numel() > 0 for tensor in TENSORS.values())


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_file_has_the_permissions_of_any_new_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        written(tmp_path / "a")
        (tmp_path / "b").write_text("any")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_file_whose_writing_fails_stays_as_it_was(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((files.os, "fsync") if call == "fsync" else (Path, "replace")), full)
    with pytest.raises(
        OutputError, match="a: cannot write the test: got 'No space left on device'"
    ):
        storage.write(path, KIND, record=Record(name="b"), tensors={})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_has_left_goes_with_time(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in (".a.12.new", ".a.34.new", ".b.12.new"))
    for left in (old, new, other):
        left.write_bytes(b"half")
    for left in (old, other):
        os.utime(left, (time.time() - 7200,) * 2)
    written(tmp_path / "a")
    assert sorted(tmp_path.iterdir()) == sorted([new, other, tmp_path / "a"])


@pytest.mark.parametrize(
    ("record", "tensors", "message"),
    [
        (
            Record(),
            {"x\x1b[1m": torch.tensor([1.0, torch.nan])},
            r"'x\\x1b\[1m': got values that are",
        ),
        (Record(share=float("inf")), {}, "got numbers that are not finite"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    tmp_path: Path, record: Record, tensors: dict[str, torch.Tensor], message: str
) -> None:
    path = written(tmp_path / "a")
    before = path.read_bytes()
    with pytest.raises(OutputError, match=message):
        storage.write(path, KIND, record=record, tensors=tensors)
    assert path.read_bytes() == before


def test_pipe_or_folder_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder", "nowhere/a"):
        with pytest.raises(OutputError, match=f"{name}: cannot write the test: got .*; expected"):
            written(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "folder").is_dir()


def test_larger_file_than_can_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MAX_BYTES", 100)
    with pytest.raises(
        OutputError, match=r"got \d+ bytes with a header of \d+; expected at most 100"
    ):
        written(tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_message_repeats_little_of_the_file_and_nothing_unprintable(tmp_path: Path) -> None:
    path = tmp_path / "\x1b]0;title\x07"
    storage.write(path, KIND, record=Record(name="\x1b[2J" * 10_000), tensors=TENSORS)
    stored = storage.read(path, KIND)
    with pytest.raises(ParameterError) as caught:
        stored.record(type("Other", (Record,), {"__annotations__": {"name": int}}))
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 500
    assert re.search(r"\\x1b]0;title\\x07: cannot read the test: 'name': got", message)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b'{"a":{},"a":{}}', "got the key 'a' twice"),
        (b'{"a":{"dtype":"F4","shape":[],"data_offsets":[0,0]}}', "got the dtype 'F4'; expected"),
        (b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}', "got '1' bytes; expected 2"),
        (
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
            "got data from byte 1; expected",
        ),
        (
            b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
            b'"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
            "'b': got data from byte 1; expected it from 2, without gaps and overlaps",
        ),
        (b'{"a":{"dtype":"U8","shape":[0,99999999999999999],"data_offsets":[0,0]}}', "fewer numb"),
        (b'{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}', "got the byte 7 as a truth"),
        (b'{"a":1e999}', "got the number '1e999'; expected finite numbers"),
        (b"[[[[[[]]]]]]", "got JSON of more than 4 levels"),
        (b"\xff\xff", "got a header that is no UTF-8 text"),
    ],
)
def test_header_that_is_not_of_the_format_is_refused(
    tmp_path: Path, header: bytes, message: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\x07")
    with pytest.raises(ParameterError, match=re.escape(message)):
        storage.read(path, KIND)
    path.write_bytes((2**62).to_bytes(8, "little") + header)
    with pytest.raises(ParameterError, match="got a header of 4611686018427387904 bytes"):
        storage.read(path, KIND)
