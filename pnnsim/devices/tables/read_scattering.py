"""Read tables of scattering parameters: Touchstone, NumPy archives of gdsfactory and SAX, JSON.

Nothing is unpickled: archives hold arrays of numbers, or are refused. Touchstone files are parsed
by scikit-rf, which is imported only for them.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import constants

from pnnsim.common.files import FileError, open_regular
from pnnsim.common.json_text import FormatError, parse_json
from pnnsim.common.units import show
from pnnsim.devices.tables.scattering_table import ScatteringTable, TableError, table_of

#: Largest file, and largest content of an archive [bytes].
MOST_BYTES = 16 * 1024 * 1024
_MOST_UNPACKED = 64 * 1024 * 1024

_TOUCHSTONE = re.compile(r"\.s([0-9]{1,2})p")
#: Faults of archives, and of a text, that libraries do not put into words.
_ARCHIVE_FAULTS = (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError, NotImplementedError)
_PARSE_FAULTS = (ValueError, IndexError, KeyError, TypeError, AttributeError, ArithmeticError)


def read_scattering(path: Path) -> tuple[ScatteringTable, str]:
    """Return the table of a file, and the SHA-256 of the file.

    Args:
        path: File that ends in `.sNp`, `.npz` or `.json`.

    Raises:
        TableError: If it cannot be read, or holds no such table.
    """
    suffix = path.suffix.lower()
    ports = _TOUCHSTONE.fullmatch(suffix)
    if ports is None and suffix not in (".npz", ".json"):
        raise TableError(f"is a {suffix or 'nameless'} file; expected .sNp, .npz or .json")
    try:
        with open_regular(path, MOST_BYTES) as (file, _):
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise TableError("is no file") from None
    except FileError as error:
        raise TableError(str(error)) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TableError(f"cannot be read: {why}") from None
    if ports is not None:
        table = _touchstone(raw, path.name)
    elif suffix == ".npz":
        table = _archive(raw)
    else:
        table = _json(raw)
    return table, hashlib.sha256(raw).hexdigest()


def _touchstone(raw: bytes, name: str) -> ScatteringTable:
    """Return the table of a Touchstone file; its frequencies are those of light."""
    try:
        from skrf.io.touchstone import Touchstone
    except ImportError:
        raise TableError("needs scikit-rf. Hint: pip install 'pnnsim[rf]'") from None
    text = io.StringIO(_decoded(raw))
    text.name = name
    try:
        frequency, field = Touchstone(text).get_sparameter_arrays()
    except _PARSE_FAULTS as error:
        raise TableError(f"is no Touchstone file ({type(error).__name__})") from None
    if frequency.size == 0 or float(np.min(frequency)) <= 0.0:
        raise TableError("has no frequencies above 0")
    entries = {
        (str(start + 1), str(end + 1)): np.asarray(field[:, end, start], dtype=np.complex128)
        for end in range(field.shape[1])
        for start in range(field.shape[2])
    }
    return table_of(constants.c / frequency, entries)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TableError("is no text in UTF-8") from None


def _archive(raw: bytes) -> ScatteringTable:
    """Return the table of a NumPy archive: `wavelengths`, and an array for each pair of ports."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _MOST_UNPACKED:
            raise TableError(f"unpacks to {size} bytes; expected at most {_MOST_UNPACKED}")
        with np.load(io.BytesIO(raw), allow_pickle=False) as data:
            arrays = {name: np.asarray(data[name]) for name in data.files}
    except TableError:
        raise
    except _ARCHIVE_FAULTS:
        raise TableError("is no archive of plain NumPy arrays") from None
    for name, values in arrays.items():
        if values.dtype.kind not in "fciu":
            raise TableError(f"has {show(name)} of {values.dtype}; expected numbers")
    return _named({name: values.astype(np.complex128) for name, values in arrays.items()})


def _json(raw: bytes) -> ScatteringTable:
    """Return the table of a JSON file: as an archive, with `real` and `imag` of each pair."""
    try:
        data = parse_json(_decoded(raw), 6)
    except FormatError as error:
        raise TableError(str(error)) from None
    if not isinstance(data, dict):
        raise TableError("is no JSON object; expected wavelengths and pairs of ports")
    return _named({name: _complex(name, value) for name, value in data.items()})


def _complex(name: str, value: Any) -> NDArray[np.complex128]:
    """Return a list of numbers, or an object of their real and imaginary parts."""
    parts = value if isinstance(value, dict) else {"real": value}
    if not set(parts) <= {"real", "imag"} or "real" not in parts:
        raise TableError(f"has {show(name)} in another form; expected real and imag, or a list")
    found = []
    for part in parts.values():
        fits = isinstance(part, list) and all(
            isinstance(each, int | float) and not isinstance(each, bool) for each in part
        )
        if not fits:
            raise TableError(f"has {show(name)} with something else than numbers; expected a list")
        found.append(np.asarray(part, dtype=np.float64))
    if len({each.shape for each in found}) > 1:
        raise TableError(f"has {show(name)} with parts of different lengths")
    named = dict(zip(parts, found, strict=True))
    zero = np.zeros_like(named["real"])
    return np.asarray(named["real"] + 1j * named.get("imag", zero), dtype=np.complex128)


def _named(arrays: dict[str, NDArray[np.complex128]]) -> ScatteringTable:
    """Return the table of arrays by the names of gdsfactory: `wavelengths`, `o1@0,o2@0`."""
    names = [name for name in ("wavelengths", "wavelength", "wl") if name in arrays]
    if len(names) != 1:
        raise TableError("has no 'wavelengths'; expected them beside pairs such as 'o1@0,o2@0'")
    axis = arrays.pop(names[0])
    if np.any(axis.imag != 0.0):
        raise TableError("has complex wavelengths; expected real ones")
    entries = {}
    for name, values in arrays.items():
        pair = tuple(port.strip().removesuffix("@0") for port in name.split(","))
        if len(pair) != 2 or not all(pair):
            raise TableError(f"has {show(name)}; expected pairs of ports such as 'o1@0,o2@0'")
        if pair in entries:
            raise TableError(f"has the pair {show(name)} twice")
        entries[pair[0], pair[1]] = values
    return table_of(axis.real, entries)
