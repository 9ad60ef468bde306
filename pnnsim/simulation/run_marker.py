"""Tell a run folder from a foreign one by its marker, and give a finished one its name.

    NAME/.pnnsim-run    marker; lists the files that pnnsim has written

Whatever is not listed there is foreign, and a folder with anything foreign is never replaced.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from importlib.metadata import version
from pathlib import Path

from pnnsim.common.units import show
from pnnsim.errors import OutputError, one_line

MARKER = ".pnnsim-run"
#: Bytes of the largest marker or note that is read.
MOST_BYTES = 10_000

_SCHEMA = 1
#: Names NAME-2, NAME-3, ... that are tried where NAME is taken.
_MOST_NAMES = 10_000
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def present(path: Path) -> bool:
    """Return whether anything stands at a path, a link to nothing included."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def foreign(folder: Path) -> str:
    """Return why a path is not a run folder of pnnsim; empty where it is one."""
    if folder.is_symlink():
        return "is a link"
    if not folder.is_dir():
        return "is not a folder"
    listed = _files_of(folder)
    if listed is None:
        return f"has no marker of pnnsim ({MARKER})"
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name not in listed or not entry.is_file(follow_symlinks=False):
                return f"holds {show(entry.name)}, which is not from a run"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "is read-only"
    return ""


def seal(folder: Path) -> None:
    """Add the marker to a complete run folder and bring all of it to the disk."""
    names = sorted(entry.name for entry in folder.iterdir())
    about = {"pnnsim_run": _SCHEMA, "pnnsim_version": version("pnnsim"), "files": names}
    (folder / MARKER).write_text(json.dumps(about) + "\n", encoding="utf-8")
    for name in (*names, MARKER):
        # A power cut after --force must not leave empty files where an old run was.
        with (folder / name).open("rb+") as file:
            os.fsync(file.fileno())


def move_to_free_name(folder: Path, out: Path) -> Path:
    """Rename a folder to the first of NAME, NAME-2, NAME-3, ... where nothing stands.

    Args:
        folder: Folder to rename.
        out: NAME.
    """
    for number in range(1, _MOST_NAMES):
        place = out if number == 1 else out.with_name(f"{out.name}-{number}")
        if present(place):
            continue
        try:
            folder.rename(place)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
        else:
            return place
    raise OutputError(f"{one_line(str(out))}: {_MOST_NAMES} folders with this name exist already")


def why(error: OSError) -> str:
    """Return the reason of the system, also where another error has been made of it."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return cause.strerror or str(cause)


def _files_of(folder: Path) -> frozenset[str] | None:
    """Return the names in a run folder's marker, its own included; None without a marker."""
    marker = folder / MARKER
    try:
        if not stat.S_ISREG(marker.lstat().st_mode):
            return None
        with marker.open("rb") as file:
            about = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(about, dict) or about.get("pnnsim_run") != _SCHEMA:
        return None
    names = about.get("files")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return frozenset((*names, MARKER))
