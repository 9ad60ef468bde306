"""Fetch published files into a cache folder, each against its published checksum.

A file without a known checksum is not in any table and so is never fetched. Nothing here is called
unless the user's own folders lack the files and a download is allowed.
"""

from __future__ import annotations

import logging
import os
import re
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pooch

from pnnsim.errors import TaskError

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Time without a response after which a server is given up [s].
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Remote:
    """One file on a server.

    Args:
        url: Its address.
        checksum: `md5:…` or `sha256:…`, as published.
        members: For a tar archive, the paths in it that are wanted; empty for a plain file.
    """

    url: str
    checksum: str
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the last part of the address."""
        return self.url.rpartition("/")[2]


def cache_folder() -> Path:
    """Return this user's cache folder for data sets; it need not exist."""
    return Path(pooch.os_cache("pnnsim")) / "data"


def fetch(
    task: str,
    home: str,
    remotes: Sequence[Remote],
    folder: Path,
    *,
    progress: Progress | None,
) -> None:
    """Download files and check them; what is there already and right is kept.

    Args:
        task: Name of the task, for messages.
        home: Page on which the files are published, for messages.
        remotes: What to fetch.
        folder: Where to put it; made if need be.
        progress: Progress in bytes, under the file name; None for silence.

    Raises:
        TaskError: If a server does not respond, a checksum differs, or the folder takes no files.
    """
    # pooch logs every file; the library reports through `progress` alone.
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        for remote in remotes:
            try:
                _fetch_one(remote, folder, progress)
            except (OSError, ValueError, tarfile.TarError, EOFError, zlib.error, KeyError) as error:
                # requests' errors are OSErrors; pooch reports a wrong checksum as ValueError.
                raise TaskError(
                    f"{task}: {remote.url}: download into {folder} failed ({_why(error)}); "
                    f"expected a file with checksum {remote.checksum}. Hint: try again, or get the "
                    f"files from {home} and name their folder with --data-dir"
                ) from error
    finally:
        logger.setLevel(level)


def _why(error: BaseException) -> str:
    """Return what lies at the root of an error: a failed connection is wrapped five times."""
    seen: BaseException = error
    for _ in range(20):
        inner = getattr(seen, "reason", None)  # urllib3 and requests keep it here or in `args`
        if not isinstance(inner, BaseException):
            inner = seen.args[0] if seen.args else None
        if not isinstance(inner, BaseException):
            inner = seen.__cause__
        if inner is None or not isinstance(inner, BaseException):
            break
        seen = inner
    if isinstance(seen, OSError) and seen.strerror:
        return seen.strerror
    # urllib3 begins with the printed object that failed.
    return re.sub(r"^(<[^>]*>|\w+\(.*?\)): ", "", str(seen)) or type(seen).__name__


def _fetch_one(remote: Remote, folder: Path, progress: Progress | None) -> None:
    """Download one file; of an archive, keep the wanted members alone."""
    bar = None if progress is None else _Bar(remote.name, progress)
    try:
        path = pooch.retrieve(
            remote.url,
            known_hash=remote.checksum,
            fname=remote.name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=bar or False, timeout=TIMEOUT_S),
        )
    finally:
        if bar is not None:
            bar.close()
    if remote.members:
        _unpack(Path(path), remote.members, folder)
        Path(path).unlink()


def _unpack(archive: Path, members: Sequence[str], folder: Path) -> None:
    """Write members of a tar archive into a folder, each whole or not at all."""
    with tarfile.open(archive) as tar:
        for member in members:
            stream = tar.extractfile(member)
            if stream is None:
                raise KeyError(f"{member} is no file in the archive")
            target = folder / Path(member).name
            partial = target.with_name(f"{target.name}.part{os.getpid()}")
            partial.write_bytes(stream.read())
            partial.replace(target)


class _Bar:
    """Progress bar, as pooch uses one, that counts in a `Progress`.

    pooch sets `total`, calls `update` once a chunk, and at the end `reset`, `update(total)`,
    `close`, which a bar that only counts up must not count as more bytes.
    """

    def __init__(self, name: str, progress: Progress) -> None:
        self.total = 0
        self._name = name
        self._progress = progress
        self._done = 0
        self._started = False
        self._closed = False

    def update(self, count: int) -> None:
        """Count bytes; the last chunk is announced at its full size though it is shorter."""
        if not self._started:
            self._progress.start(self._name, self.total)
            self._started = True
        step = min(count, self.total - self._done) if self.total else count
        if step > 0:
            self._progress.advance(step)
            self._done += step

    def reset(self) -> None:
        """Ignore the reset: what follows brings the bar to its end, in `update`."""

    def close(self) -> None:
        """End the bar, once."""
        if self._started and not self._closed:
            self._progress.finish()
        self._closed = True
