"""Read numeric arrays from MATLAB files of version 5 to 7.2, and from nothing else.

SciPy's reader is not used here: on a damaged uncompressed file it can end the interpreter (SciPy
1.17.1: 3 crashes in 1,800 files with one wrong byte each). SciPy writes the test files instead.

Reference: MathWorks, "MAT-File Format", chapter 1, "Level 5 MAT-File Format".

    file     header (128 bytes)  element  element …
    element  type, size (4 + 4 bytes)  data, padded to 8 bytes
             or, for at most 4 bytes of data:  size, type (2 + 2 bytes)  data (4 bytes)
    matrix   elements: flags (class in the lowest byte), dimensions, name, numbers by columns
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pnnsim.learning.datasets.files import File

HEADER = 128
MATRIX, COMPRESSED = 14, 15
#: Element type → NumPy's name of it, byte order left out.
NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
#: Classes of full arrays of numbers: double, single, and integers of 8 to 64 bits.
NUMERIC_CLASSES = range(6, 16)
COMPLEX = 0x0800

#: Bytes of a compressed variable; the largest published one has 226 million.
_MOST_BYTES = 2**30

EXPECTED = "a MATLAB file of version 5 to 7.2"


def read_arrays(file: File, names: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    """Return arrays by name, in the number type in which they are stored.

    Args:
        file: The whole file.
        names: Variables that are wanted; others are passed over.

    Returns:
        An array for each name.

    Raises:
        TaskError: If the file is no MATLAB file, is cut short, contradicts itself, or lacks a name.
    """
    mark = file.data[HEADER - 2 : HEADER]
    if mark not in (b"IM", b"MI"):
        raise file.wrong("no MATLAB header in the first 128 bytes", EXPECTED)
    order = "<" if mark == b"IM" else ">"
    found = {}
    try:
        for kind, data in _elements(file.data[HEADER:], order):
            if kind == COMPRESSED:
                kind, data = next(_elements(_unpacked(data), order))
            if kind == MATRIX:
                found.update(_matrix(data, order, names))
    except (_DamagedError, zlib.error, struct.error, StopIteration) as error:
        raise file.wrong(f"damaged or cut short ({error})", EXPECTED) from error
    for name in names:
        if name not in found:
            raise file.wrong(f"no variable '{name}'", f"variables {', '.join(names)}")
    return found


def _unpacked(data: bytes) -> bytes:
    """Return the content of a compressed element, of which more is expected nowhere."""
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(data, _MOST_BYTES)
    if not unpacker.eof:
        raise _DamagedError("a compressed variable does not end")
    return found


class _DamagedError(Exception):
    """Sizes or types in a file that contradict each other."""


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield type and data of each element."""
    place = 0
    while place < len(data):
        (word,) = struct.unpack_from(f"{order}I", data, place)
        small = word >> 16
        if small:
            kind, size, start = word & 0xFFFF, small, place + 4
            after = place + 8
        else:
            kind, size = struct.unpack_from(f"{order}2I", data, place)
            start = place + 8
            # A compressed element is the one kind that is not padded.
            after = start + size + (0 if kind == COMPRESSED else -size % 8)
        if start + size > len(data):
            raise _DamagedError(f"{size:,} bytes announced, {max(len(data) - start, 0):,} there")
        yield kind, data[start : start + size]
        place = after


def _matrix(data: bytes, order: str, names: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    """Return the array of a matrix element under its name; nothing if the name is not wanted."""
    elements = _elements(data, order)
    (_, flags), (_, dimensions), (_, raw_name) = next(elements), next(elements), next(elements)
    name = raw_name.decode("latin-1")
    if name not in names:
        return {}
    (word,) = struct.unpack_from(f"{order}I", flags)
    shape = np.frombuffer(dimensions, f"{order}i4").tolist() if len(dimensions) % 4 == 0 else []
    kind, numbers = next(elements)
    if (word & 0xFF) not in NUMERIC_CLASSES or word & COMPLEX or kind not in NUMBERS:
        raise _DamagedError(f"'{name}' is not an array of real numbers")
    dtype = np.dtype(f"{order}{NUMBERS[kind]}")
    if len(shape) < 2 or min(shape) < 0 or math.prod(shape) * dtype.itemsize != len(numbers):
        raise _DamagedError(f"'{name}' has {len(numbers):,} bytes for shape {shape}")
    return {name: np.frombuffer(numbers, dtype).reshape(shape, order="F")}
