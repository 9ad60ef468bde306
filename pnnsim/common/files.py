"""Open regular files and replace them in a single step.

What stands in the files is not known here.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

#: Age of a scratch file [s] from which its writer has surely died.
_ABANDONED = 3600.0


class FileError(ValueError):
    """Fault of a file as a whole, as `got ...; expected ...`."""


def reason(error: OSError | ValueError) -> str:
    """Return why a file could not be used, in the words of the system where it has any."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@contextlib.contextmanager
def open_regular(path: Path, most: int) -> Iterator[tuple[BufferedReader, int]]:
    """Open a regular file for reading, and yield it with its length [bytes].

    Args:
        path: The file. Of a pipe or a device nothing is waited for.
        most: Largest length that is accepted [bytes].

    Raises:
        FileError: If it is no regular file, or longer.
        OSError: If it cannot be opened.
    """
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):  # some systems lack some
        flags |= vars(os).get(name, 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise FileError("got something else than a regular file; expected one")
        if about.st_size > most:
            raise FileError(f"got {about.st_size} bytes; expected at most {most}")
        yield file, about.st_size


def replace_file(path: Path, raw: bytes) -> None:
    """Put bytes in the place of a file, so that it is the old or the new one at every time.

    The file has the permissions of any new one.

    Args:
        path: The file, in a folder that exists; it may be there or not.
        raw: Its bytes.

    Raises:
        OSError: If it cannot be written; what was there stays.
    """
    if path.exists() and not path.is_file():
        raise OSError("something else than a regular file is there")
    _remove_abandoned(path)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | vars(os).get("O_BINARY", 0)
    try:
        with os.fdopen(os.open(scratch, flags, 0o666), "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _remove_abandoned(path: Path) -> None:
    """Remove what writers of the same file have left that were killed long ago."""
    for scratch in path.parent.iterdir():
        if scratch.name.startswith(f".{path.name}.") and scratch.name.endswith(".new"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - scratch.lstat().st_mtime > _ABANDONED:
                    scratch.unlink()
