"""Parse the bytes of a safetensors file strictly, whatever they are.

A file is the length of its header (8 bytes, little-endian), the header (JSON: dtype, shape and
place of each tensor, and texts), and the data of all tensors without gaps. Source: the format's
description, https://github.com/huggingface/safetensors#format. Files are opened, and the meaning of
their content is known, in `storage` alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pnnsim.common.json_text import FormatError, parse_json
from pnnsim.common.units import show

#: Bytes of the length that a file begins with.
PREFIX = 8

#: Largest header [bytes]; safetensors itself takes 100 MB.
MAX_HEADER = 64 * 2**20

#: Levels of lists and objects within each other in a header.
_DEPTH = 4

#: Axes of a tensor.
_MAX_AXES = 8

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Place of one tensor in a file.

    Args:
        dtype: Type of its numbers.
        shape: Its shape.
        begin: First byte, from the beginning of the data.
        end: Byte behind the last.
    """

    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """Content of a header.

    Args:
        texts: What is stored beside the tensors, by name.
        entries: Place of each tensor, in the order of the data.
    """

    texts: Mapping[str, Any]
    entries: Mapping[str, Entry]


def header_length(prefix: bytes, size: int) -> int:
    """Return the length of a header [bytes].

    Args:
        prefix: First bytes of the file.
        size: Length of the file [bytes].

    Raises:
        FormatError: If the length is none that the file can have.
    """
    if len(prefix) < PREFIX:
        raise FormatError(f"got {size} bytes; expected a safetensors file")
    length = int.from_bytes(prefix, "little")
    most = min(MAX_HEADER, size - PREFIX)
    if not 2 <= length <= most:
        raise FormatError(f"got a header of {length} bytes; expected 2 to {most}")
    return length


def parse_header(raw: bytes, data_length: int) -> Header:
    """Return the content of a header.

    Args:
        raw: Its bytes.
        data_length: Length of the data that follows [bytes].

    Raises:
        FormatError: If it is not JSON of the format, or if its tensors do not fill the data without
            gaps and overlaps.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"got a header that is no UTF-8 text ({error.reason})") from None
    found = parse_json(text, _DEPTH)
    if not isinstance(found, dict):
        raise FormatError("got a header without names; expected the header of a safetensors file")
    texts = found.pop("__metadata__", {})
    if not isinstance(texts, dict):
        raise FormatError("__metadata__: got no texts by name; expected them")
    entries = {name: _entry(name, value) for name, value in found.items()}
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)))
    at = 0
    for name, entry in ordered.items():
        if entry.begin != at:
            raise FormatError(
                f"tensor {show(name)}: got data from byte {entry.begin}; expected it from {at}, "
                "without gaps and overlaps"
            )
        at = entry.end
    if at != data_length:
        raise FormatError(f"got {data_length} bytes of data; expected {at}")
    return Header(texts, ordered)


def tensor_from(entry: Entry, raw: bytearray) -> Tensor:
    """Return the tensor that some bytes hold; the tensor owns them.

    Args:
        entry: Its type and shape.
        raw: All of its bytes, used by nothing else.

    Raises:
        FormatError: If a truth value is neither 0 nor 1.
    """
    if not raw:  # `torch.frombuffer` refuses an empty buffer
        return torch.empty(entry.shape, dtype=entry.dtype)
    if entry.dtype is torch.bool and max(raw) > 1:
        raise FormatError(f"got the byte {max(raw)} as a truth value; expected 0 or 1")
    return torch.frombuffer(raw, dtype=entry.dtype).reshape(entry.shape)


def bytes_of(tensor: Tensor) -> memoryview:
    """Return the bytes of a tensor as a file holds them."""
    flat = tensor.contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


def _entry(name: str, value: Any) -> Entry:
    """Return the place of a tensor whose description agrees with itself."""

    def fault(what: str) -> FormatError:
        return FormatError(f"tensor {show(name)}: {what}")

    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise fault("got no description; expected dtype, shape and data_offsets alone")
    dtype = value["dtype"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise fault(f"got the dtype {show(str(dtype))}; expected one of {', '.join(_DTYPES)}")
    shape, offsets = value["shape"], value["data_offsets"]
    if not _naturals(shape) or len(shape) > _MAX_AXES:
        raise fault(f"got {show(str(shape))} as shape; expected at most {_MAX_AXES} lengths")
    if not _naturals(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise fault(f"got {show(str(offsets))} as data_offsets; expected first byte and end")
    # Also the other axes of an empty tensor must stay where torch can count them.
    if math.prod(max(1, length) for length in shape) > 2**48:
        raise fault(f"got the shape {show(str(shape))}; expected fewer numbers")
    size = math.prod(shape) * _DTYPES[dtype].itemsize
    if offsets[1] - offsets[0] != size:
        raise fault(f"got {show(str(offsets[1] - offsets[0]))} bytes; expected {size}")
    return Entry(_DTYPES[dtype], tuple(shape), *offsets)


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
