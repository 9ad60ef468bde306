"""Find published files, open them however they are compressed, and report what is wrong with them.

The bytes are not interpreted here. All files of a task come from one folder: parts of two
copies of a data set may share examples between training and test.

Where a task's files are looked for, in this order; the first folder that holds one of them is it:

    1. the folder given as `data_dir`: DIR/mnist/, then DIR itself
    2. the folder that the environment variable PNNSIM_DATA_DIR names, likewise
    3. the cache folder of this user, which downloads fill

Each file may be stored as it is, as `.gz` or as `.xz`.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from pnnsim.common.files import FileError, open_regular
from pnnsim.errors import TaskError
from pnnsim.learning.datasets import download

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

ENVIRONMENT_VARIABLE = "PNNSIM_DATA_DIR"
SUFFIXES = ("", ".gz", ".xz")

#: Bytes of a file, packed or not; the largest published one has 182 million.
_MOST_BYTES = 2**29

_READERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    ".xz": lambda file: cast("IO[bytes]", lzma.LZMAFile(file)),  # noqa: SIM115  opened where used
}


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one task and where they are published.

    Args:
        task: Name of the task.
        folders: Names of the folder that holds the files, the usual one first.
        required: File names without `.gz` or `.xz`; all must be there.
        home: Page on which the files are published.
        remotes: What to download; empty where no checksum is known.
        optional: Names of which any may be missing.
        namesakes: Folders of data sets whose files bear the same names; not searched themselves.
    """

    task: str
    folders: tuple[str, ...]
    required: tuple[str, ...]
    home: str
    remotes: tuple[download.Remote, ...]
    optional: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return every file name."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class File:
    """Decompressed bytes of one file, with the origin that an error message needs.

    Args:
        task: Name of the task that reads it.
        path: Where it lies.
        home: Page on which it is published.
        data: Its bytes, decompressed.
    """

    task: str
    path: Path
    home: str
    data: bytes = b""

    def wrong(self, got: str, expected: str) -> TaskError:
        """Return the error for a file that is not what it should be.

        Args:
            got: What was found in it.
            expected: What should be there.
        """
        return TaskError(
            f"{self.task}: {self.path}: {got}; expected {expected}. "
            f"Hint: replace the file with the one published at {self.home}"
        )


def locate(
    source: Source,
    *,
    data_dir: str | Path | None,
    offline: bool,
    progress: Progress | None,
) -> Path:
    """Return the folder that holds the files of a task, downloading them where need be.

    Args:
        source: What to look for.
        data_dir: Folder given by the user, or None.
        offline: Never download.
        progress: Progress of downloads; None for silence.

    Returns:
        A folder with every required file.

    Raises:
        TaskError: If a given folder does not exist or is incomplete, or nothing was found and
            nothing could be downloaded.
    """
    searched = []
    for root in _given_roots(source.task, data_dir):
        for folder in _candidates(source, root):
            searched.append(folder)
            present = [name for name in source.names if find(folder, name)]
            if not present:
                continue
            for name in source.required:
                if find(folder, name) is None:
                    raise TaskError(
                        f"{source.task}: {folder / name}: no such file, though {present[0]} is "
                        f"there; expected it as published, or as .gz or .xz. "
                        f"Hint: get it from {source.home}"
                    )
            return folder
    cache = download.cache_folder() / source.folders[0]
    searched.append(cache)
    if all(find(cache, name) for name in source.names):
        return cache
    if offline or not source.remotes:
        raise TaskError(
            f"{source.task}: no complete set of files in {', '.join(map(str, searched))}; expected "
            f"{', '.join(source.required)}, each as it is, as .gz or as .xz. Hint: get the files "
            f"from {source.home} and name their folder with --data-dir or {ENVIRONMENT_VARIABLE}"
            + (", or allow the download" if source.remotes else "")
        )
    download.fetch(source.task, source.home, source.remotes, cache, progress=progress)
    return cache


def find(folder: Path, name: str) -> Path | None:
    """Return the file of a name in a folder, as it is or compressed, or None.

    Args:
        folder: Folder that is searched.
        name: File name without `.gz` or `.xz`.
    """
    paths = (folder / f"{name}{suffix}" for suffix in SUFFIXES)
    try:
        return next((path for path in paths if path.is_file()), None)
    except OSError as error:  # a folder that may not be looked into
        raise TaskError(
            f"{folder}: cannot be searched ({error.strerror}); expected a readable folder"
        ) from error


def read(source: Source, folder: Path, name: str) -> File:
    """Read and decompress one file.

    Args:
        source: Where it is published.
        folder: What `locate` returned.
        name: File name without `.gz` or `.xz`; it is there.

    Returns:
        The file with its bytes.

    Raises:
        TaskError: If it cannot be read, or its compression is damaged or cut short.
    """
    path = find(folder, name) or folder / name
    file = File(source.task, path, source.home)
    try:
        with open_regular(path, _MOST_BYTES) as (opened, size):
            stored = opened.read(size)
    except FileError as error:
        raise file.wrong(str(error).partition(";")[0], "a whole regular file") from None
    except OSError as error:
        raise file.wrong(f"cannot be read ({error.strerror})", "a readable file") from error
    if path.suffix not in _READERS:
        return replace(file, data=stored)
    try:
        with _READERS[path.suffix](io.BytesIO(stored)) as unpacked:
            data = unpacked.read(_MOST_BYTES + 1)
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise file.wrong(
            f"{len(stored):,} bytes that do not decompress ({error})",
            f"a whole {path.suffix} file",
        ) from error
    if len(data) > _MOST_BYTES:
        raise file.wrong(f"more than {_MOST_BYTES:,} bytes when unpacked", "the published file")
    return replace(file, data=data)


def _given_roots(task: str, data_dir: str | Path | None) -> Iterator[Path]:
    """Yield the folders that the user named; raise for one that does not exist."""
    given = (
        ("data folder", data_dir),
        (ENVIRONMENT_VARIABLE, os.environ.get(ENVIRONMENT_VARIABLE) or None),
    )
    for origin, value in given:
        if value is None:
            continue
        root = Path(value).expanduser()
        if not root.is_dir():
            raise TaskError(
                f"{task}: {origin}: {root} is not a folder; expected the folder that holds the "
                "data files"
            )
        yield root


def _candidates(source: Source, root: Path) -> Iterator[Path]:
    """Yield the folders under a root where the files may lie, the root itself last."""
    yield from (root / name for name in source.folders)
    if root.resolve().name not in source.namesakes:
        yield root
