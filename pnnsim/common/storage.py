"""Read and write stored files: tensors by name and one record, as safetensors.

A file names its kind and version and carries a SHA-256 of its content. It is read whole and copied,
so that it can be overwritten or cut while its numbers are in use; nothing is ever unpickled. It
takes the place of the one before in a single step. What the numbers mean is checked by the owner of
the kind, which changes no state before all of it is valid.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ValidationError
from safetensors.torch import save
from torch import Tensor

from pnnsim.common.files import FileError, open_regular, reason, replace_file
from pnnsim.common.json_text import FormatError, canonical, difference, parse_json
from pnnsim.common.safetensors_format import (
    MAX_HEADER,
    PREFIX,
    Entry,
    Header,
    bytes_of,
    header_length,
    parse_header,
    tensor_from,
)
from pnnsim.common.units import show, show_path
from pnnsim.errors import OutputError, PnnsimError

#: Largest file [bytes].
MAX_BYTES = 2 * 2**30

#: Levels of lists and objects within each other in a record.
RECORD_DEPTH = 16

#: Types of trained numbers.
FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)

#: Length of the state of a random stream on the CPU.
_STREAM_BYTES = len(torch.Generator().get_state())

#: Name of the one text beside the tensors. safetensors writes several in a changing order.
_TEXT = "pnnsim"

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of stored files.

    Args:
        name: Its name in the file.
        version: Its version; no other is read.
        noun: Its name in messages.
        error: What a file that cannot be read raises.
        hint: How to get a file that can be read.
    """

    name: str
    version: int
    noun: str
    error: type[PnnsimError]
    hint: str

    def fault(self, path: Path, what: str) -> PnnsimError:
        """Return the error that a file of this kind cannot be read.

        Args:
            path: The file.
            what: What was found; what is expected.
        """
        where = show_path(str(path))
        return self.error(f"{where}: cannot read {self.noun}: {what}. Hint: {self.hint}")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a tensor must be.

    Args:
        shape: Its shape; -1 stands for any length from 1.
        dtypes: Types that it may have.
    """

    shape: tuple[int, ...]
    dtypes: tuple[torch.dtype, ...] = (torch.float64,)

    @staticmethod
    def like(tensor: Tensor) -> Declared:
        """Return the declaration of a tensor in shape and type."""
        return Declared(tuple(tensor.shape), (tensor.dtype,))

    def fault(self, tensor: Tensor) -> str:
        """Return what is wrong with a tensor; an empty text for nothing."""
        given = tuple(tensor.shape)
        fits = len(given) == len(self.shape) and all(
            length == wanted or (wanted == -1 and length > 0)
            for length, wanted in zip(given, self.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if length == -1 else str(length) for length in self.shape)
            return f"got the shape {given}; expected ({wanted})"
        if tensor.dtype not in self.dtypes:
            wanted = " or ".join(str(dtype) for dtype in self.dtypes)
            return f"got numbers of type {tensor.dtype}; expected {wanted}"
        if not bool(torch.isfinite(tensor).all()):
            return "got values that are not finite; expected finite numbers"
        return ""


#: State of a random stream.
STREAM = Declared((_STREAM_BYTES,), (torch.uint8,))


@dataclass(frozen=True, slots=True)
class Stored:
    """Content of a file that is whole and of the wanted kind.

    Args:
        path: The file.
        kind: Its kind.
        data: Its record as plain data.
        tensors: Its tensors; they share no memory with the file.
    """

    path: Path
    kind: Kind
    data: Any
    tensors: Mapping[str, Tensor]

    def fault(self, what: str) -> PnnsimError:
        """Return the error that the file cannot be read."""
        return self.kind.fault(self.path, what)

    def record(self, model: type[M]) -> M:
        """Return the record, which is exactly what the model would write.

        Raises:
            PnnsimError: The kind's error, if a value is missing, of another type or not valid.
        """
        try:
            found = model.model_validate(self.data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise self.fault(f"{show(place)}: got {show(first['msg'])}") from None
        other = difference("record", self.data, found.model_dump(mode="json"))
        if other:
            raise self.fault(other)
        return found

    def checked(self, table: Mapping[str, Declared]) -> dict[str, Tensor]:
        """Return the tensors, which are exactly those of a table.

        Raises:
            PnnsimError: The kind's error, if one is missing, superfluous, of another shape or type,
                or holds values that are not finite.
        """
        missing, others = table.keys() - self.tensors.keys(), self.tensors.keys() - table.keys()
        if missing:
            raise self.fault(f"got no tensor {show(min(missing))}; expected it")
        if others:
            raise self.fault(f"got a tensor {show(min(others))}; expected none of that name")
        for name, declared in table.items():
            what = declared.fault(self.tensors[name])
            if what:
                raise self.fault(f"{show(name)}: {what}")
        return dict(self.tensors)

    def one_dtype(self, *names: str) -> torch.dtype:
        """Return the type that some tensors share.

        Raises:
            PnnsimError: The kind's error, if they do not.
        """
        dtype = self.tensors[names[0]].dtype
        for name in names:
            if self.tensors[name].dtype != dtype:
                raise self.fault(
                    f"{show(name)}: got numbers of type {self.tensors[name].dtype}; expected "
                    f"{dtype} as in {show(names[0])}"
                )
        return dtype

    def check_stream(self, name: str) -> None:
        """Refuse a tensor that is not the state of a random stream.

        Raises:
            PnnsimError: The kind's error, if it is none.
        """
        trial = torch.Generator()
        try:
            trial.set_state(self.tensors[name])
            whole = torch.equal(trial.get_state(), self.tensors[name])
        except RuntimeError:
            whole = False
        # The state holds a normal number drawn ahead, which comes out next.
        kept = [torch.randn((), generator=trial, dtype=dtype) for dtype in FLOATS[:2]]
        if not whole or not all(bool(torch.isfinite(draw)) for draw in kept):
            raise self.fault(f"{show(name)}: got no state of a random stream; expected one")


def read(path: Path, kind: Kind) -> Stored:
    """Return the content of a file.

    Args:
        path: A regular file of at most `MAX_BYTES`.
        kind: What it must be.

    Raises:
        PnnsimError: The kind's error, if it is missing, damaged, or of another kind or version.
    """
    try:
        with open_regular(path, MAX_BYTES) as (file, size):
            header, tensors = _parse(file, size)
        text = header.texts.get(_TEXT)
        if not isinstance(text, str):
            raise FormatError("got a file without a record of pnnsim; expected one")
        about = parse_json(text, RECORD_DEPTH)
    except (FormatError, FileError) as error:
        raise kind.fault(path, str(error)) from None
    except (OSError, ValueError) as error:
        why = reason(error)
        raise kind.fault(path, f"got '{why}'; expected a file that can be read") from None
    if not isinstance(about, dict) or not {"kind", "version"} <= about.keys():
        raise kind.fault(
            path,
            "got a record without kind and version, as pnnsim wrote them before it stated them; "
            f"expected {kind.name}, version {kind.version}",
        )
    # Compared as text: true and 1.0 equal 1.
    if canonical([about["kind"], about["version"]]) != canonical([kind.name, kind.version]):
        raise kind.fault(
            path,
            f"got {show(str(about['kind']))}, version {show(str(about['version']))}; expected "
            f"{kind.name}, version {kind.version}",
        )
    if about.keys() != {"kind", "version", "record", "sha256"}:
        raise kind.fault(path, "got other entries; expected kind, version, record and sha256")
    if about["sha256"] != content_sha256(kind, about["record"], tensors):
        raise kind.fault(path, "got content of another SHA-256 than the stated; expected the same")
    return Stored(path, kind, about["record"], tensors)


def write(path: Path, kind: Kind, *, record: BaseModel, tensors: Mapping[str, Tensor]) -> None:
    """Write a file in a single step, with the permissions of any new file.

    Args:
        path: File to write, in a folder that exists.
        kind: What it is.
        record: What is stored beside the tensors.
        tensors: Tensors by name; finite.

    Raises:
        OutputError: If it cannot be written, or could not be read again.
    """
    where = f"{show_path(str(path))}: cannot write {kind.noun}"
    stored = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    for name, value in stored.items():
        if not bool(torch.isfinite(value).all()):
            raise OutputError(
                f"{where}: {show(name)}: got values that are not finite; expected finite numbers"
            )
    try:
        data = record.model_dump(mode="json")
        text = _text(kind, data, stored)
        parse_json(text, RECORD_DEPTH)  # raises what the reader would
    except FormatError as error:
        raise OutputError(f"{where}: {error}") from None
    except ValueError:
        raise OutputError(
            f"{where}: got numbers that are not finite; expected finite ones"
        ) from None
    raw = save(stored, {_TEXT: text})
    length = int.from_bytes(raw[:PREFIX], "little")
    if len(raw) > MAX_BYTES or length > MAX_HEADER:
        raise OutputError(
            f"{where}: got {len(raw)} bytes with a header of {length}; expected at most "
            f"{MAX_BYTES} with one of {MAX_HEADER}"
        )
    try:
        replace_file(path, raw)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{where}: got '{reason(error)}'; expected a file in a folder that exists and is "
            "writable. Hint: choose another folder"
        ) from None


def content_sha256(kind: Kind, record: Any, tensors: Mapping[str, Tensor]) -> str:
    """Return the hash of all that a file holds, however the file orders it.

    Args:
        kind: What it is.
        record: Its record as plain data.
        tensors: Its tensors, on the CPU.
    """
    outline = [(name, str(t.dtype), tuple(t.shape)) for name, t in sorted(tensors.items())]
    found = hashlib.sha256(canonical([kind.name, kind.version, record, outline]).encode())
    for name in sorted(tensors):
        found.update(bytes_of(tensors[name]))
    return found.hexdigest()


def _text(kind: Kind, record: Any, tensors: Mapping[str, Tensor]) -> str:
    return json.dumps(
        {
            "kind": kind.name,
            "version": kind.version,
            "record": record,
            "sha256": content_sha256(kind, record, tensors),
        },
        allow_nan=False,
    )


def _parse(file: BufferedReader, size: int) -> tuple[Header, dict[str, Tensor]]:
    """Return the header of an open file and copies of its tensors."""
    length = header_length(file.read(PREFIX), size)
    header = parse_header(file.read(length), size - PREFIX - length)
    return header, {name: _tensor(file, entry) for name, entry in header.entries.items()}


def _tensor(file: BufferedReader, entry: Entry) -> Tensor:
    raw = bytearray(entry.end - entry.begin)
    if file.readinto(raw) != len(raw):
        raise FormatError("got fewer bytes than the file had before; expected it to stay as it is")
    return tensor_from(entry, raw)
