"""Keep the workspace of a run, and clean up those that killed runs have left.

A workspace lies beside the run folder. Its note is locked as long as the run lives, so that a note
that can be locked is one of a run that was killed.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from pnnsim.simulation.run_marker import MOST_BYTES, foreign, move_to_free_name, present

if sys.platform != "win32":
    import fcntl

_SCHEMA = 1
_NOTE = "workspace.json"
_WORKSPACE = re.compile(r"\.pnnsim-run-[a-z0-9_]{8}")
_PREFIX = ".pnnsim-run-"


def open_workspace(out: Path) -> tuple[Path, int]:
    """Return a new workspace beside a run folder and the descriptor that locks its note."""
    about = {"pnnsim_workspace": _SCHEMA, "host": platform.node(), "target": out.name}
    while True:
        workspace = Path(tempfile.mkdtemp(dir=out.parent, prefix=_PREFIX))
        note = workspace / _NOTE
        try:
            lock = os.open(note, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            continue  # another run took the empty folder for one of a killed run
        except BaseException:
            workspace.rmdir()
            raise
        try:
            if _lock(lock) is not False and _is_at(lock, note):
                os.write(lock, json.dumps(about).encode())
                return workspace, lock
        except BaseException:
            os.close(lock)
            shutil.rmtree(workspace, ignore_errors=True)
            raise
        os.close(lock)  # another run took the unlocked note for one of a killed run


def clean(parent: Path) -> None:
    """Remove the workspaces of killed runs from a folder, and finish what they were exchanging."""
    if sys.platform == "win32":
        return  # no locks, hence no sign of life
    with os.scandir(parent) as entries:
        left = [
            parent / entry.name
            for entry in entries
            if _WORKSPACE.fullmatch(entry.name)
            and entry.is_dir(follow_symlinks=False)
            and entry.stat(follow_symlinks=False).st_uid == os.getuid()
        ]
    for workspace in left:
        # What cannot be removed now does no harm.
        with suppress(OSError):
            _clean_workspace(workspace)


def dissolve(workspace: Path, out: Path) -> None:
    """Finish an exchange that stopped between its two renames, and remove a workspace.

    Args:
        workspace: Workspace that is left over.
        out: Run folder that it is for.
    """
    new, old, gone = workspace / "new", workspace / "old", workspace / "gone"
    if present(old):
        if present(new):
            move_to_free_name(new, out)
        if foreign(old):  # a file has got in at the last moment
            move_to_free_name(old, out)
        else:
            old.rename(gone)  # what is half removed cannot be told from a foreign folder
    for folder in (new, gone):
        if present(folder):
            shutil.rmtree(folder)
    # The note comes last: without it, what is left of a killed removal would not be known as ours.
    (workspace / _NOTE).unlink()
    workspace.rmdir()


def _lock(descriptor: int) -> bool | None:
    """Return whether a file is now locked, for as long as its descriptor is open.

    Returns:
        False where another process holds the lock; None where the file system has no locks.
    """
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file still stands at a path, as a plain file."""
    opened = os.fstat(descriptor)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(opened, found) and stat.S_ISREG(opened.st_mode)


def _clean_workspace(workspace: Path) -> None:
    note = workspace / _NOTE
    try:
        lock = os.open(note, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        workspace.rmdir()  # killed after its first step: empty, or nothing is removed
        return
    try:
        if not _lock(lock) or not _is_at(lock, note):
            return
        about = _parsed(os.read(lock, MOST_BYTES))
        if about is None:
            if [path.name for path in workspace.iterdir()] == [_NOTE]:
                dissolve(workspace, workspace)  # killed before its note was written
        elif about["host"] == platform.node():
            dissolve(workspace, workspace.with_name(about["target"]))
    finally:
        os.close(lock)


def _parsed(text: bytes) -> dict[str, Any] | None:
    """Return the content of a workspace's note; None where it is not one."""
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(about, dict) or about.get("pnnsim_workspace") != _SCHEMA:
        return None
    target = about.get("target")
    # A plain name: whoever writes a note must not make us rename something elsewhere.
    if not isinstance(target, str) or target in ("", ".", "..") or {"/", "\0"} & set(target):
        return None
    return about if "host" in about else None
