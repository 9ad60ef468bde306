"""Claim, fill and publish the folder of a run, so that no file on the disk is lost or halved.

    PARENT/.pnnsim-run-XXXXXXXX/     workspace of a run; its note is locked as long as the run lives
        workspace.json               target and host
        new/                         run folder in the making
        old/                         run folder that is replaced, moved aside
        gone/                        the same, once it may be removed
    PARENT/NAME/                     published run folder
        .pnnsim-run                  marker; lists the files that pnnsim has written

What a run holds is not known here: the files are written by a function of the caller. A folder is
published by one rename. POSIX lets a folder take the place of an empty folder alone, and a run
folder is never empty, so that of two runs into one name the second fails and takes another name.
With `force`, the old folder is moved into the workspace, the new one takes its place, and the old
one is removed. A run that is killed between these steps has left both, complete, in its workspace;
the next run into the same parent finishes the exchange and removes what killed runs have left.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pnnsim.common.units import show
from pnnsim.errors import OutputError, one_line

if sys.platform != "win32":
    import fcntl

MARKER = ".pnnsim-run"

_SCHEMA = 1
_NOTE = "workspace.json"
_WORKSPACE = re.compile(r"\.pnnsim-run-[a-z0-9_]{8}")
_PREFIX = ".pnnsim-run-"
#: Bytes of the largest marker or note that is read.
_MOST_BYTES = 10_000
#: Names NAME-2, NAME-3, ... that are tried where NAME is taken.
_MOST_NAMES = 10_000
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)

Fill = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Published:
    """Place of a run's files.

    Args:
        folder: Folder that holds them; None where no folder could be written.
        notice: Why the folder has another name than was asked for; empty where it has not.
        problem: Why it is not in the place that was asked for; empty where it is.
    """

    folder: Path | None
    notice: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Run folder that has been claimed but not yet published.

    Args:
        out: Its path.
        force: Replace a run folder that stands there.
        workspace: Folder beside it for files that are not yet published.
    """

    out: Path
    force: bool
    workspace: Path

    def publish(self, fill: Fill) -> Published:
        """Write the files and give the folder its name, or write them elsewhere.

        Args:
            fill: Writes all files of the run into an empty folder; may be called twice.
        """
        new, old = self.workspace / "new", self.workspace / "old"
        try:
            new.mkdir()
            fill(new)
            _seal(new)
            if self.force and not _foreign(self.out):
                # Another run may be replacing the same folder at this moment.
                with suppress(FileNotFoundError):
                    self.out.rename(old)
            place = _move_to_free_name(new, self.out)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            with suppress(OSError):
                if _present(old):
                    _move_to_free_name(old, self.out)
            return _save_elsewhere(self.out, fill, error)
        if place == self.out:
            return Published(place)
        shown, named = one_line(str(self.out)), one_line(str(place))
        return Published(
            place, notice=f"{shown}: was taken during the run; the results are in {named}"
        )


@contextmanager
def claim(out: Path, *, force: bool = False) -> Iterator[RunFolder]:
    """Yield the run folder after proof that it can be written; remove its workspace at the end.

    Args:
        out: Path of the run folder; its parent is made if need be.
        force: Replace a run folder that stands there.

    Raises:
        OutputError: If something else stands there, or the parent takes no files.
    """
    check_target(out, force=force)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _clean(out.parent)
        check_target(out, force=force)  # again: an interrupted exchange may have been finished
        workspace, lock = _open_workspace(out)
    except OutputError:
        raise
    except OSError as error:
        raise _cannot_write(out, error) from error
    try:
        yield RunFolder(out, force, workspace)
    finally:
        with suppress(OSError):
            _dissolve(workspace, out)
        os.close(lock)


def check_target(out: Path, *, force: bool) -> None:
    """Refuse a path where no run folder may be written.

    Args:
        out: Path of the run folder.
        force: Replace a run folder of pnnsim that stands there.

    Raises:
        OutputError: If the path is no name, or something stands there that is not replaced.
    """
    shown = one_line(str(out))
    if out.name in ("", ".."):
        raise OutputError(f"{show(str(out))}: is not the name of a folder; expected a new one")
    try:
        if not _present(out):
            return
        why = _foreign(out)
    except OSError as error:
        raise _cannot_write(out, error) from error
    if not force:
        hint = "choose another name" if why else "--force replaces it"
        raise OutputError(f"{shown}: exists already; expected a new run folder. Hint: {hint}")
    if why:
        raise OutputError(
            f"{shown}: {why}; expected a run folder with nothing but files of pnnsim, the only "
            "thing that --force replaces. Hint: choose another name, or remove it yourself"
        )


def check_checkpoints(folder: Path, out: Path | None) -> None:
    """Refuse a folder that cannot take checkpoints, by a file that is really written there.

    Args:
        folder: Folder of the checkpoints; made if need be.
        out: Run folder of the same run; None for none.

    Raises:
        OutputError: If the folder takes no files, or lies where the run folder will be.
    """
    shown = one_line(str(folder))
    try:
        if out is not None and folder.resolve().is_relative_to(out.resolve()):
            raise OutputError(
                f"{shown}: lies in the run folder {one_line(str(out))}; expected a folder of its "
                "own for checkpoints, as a run folder is written at the end and whole"
            )
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\n")
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{shown}: cannot keep checkpoints here: {_why(error)}") from error


def _present(path: Path) -> bool:
    """Return whether anything stands at a path, a link to nothing included."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _foreign(folder: Path) -> str:
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


def _files_of(folder: Path) -> frozenset[str] | None:
    """Return the names in a run folder's marker, its own included; None without a marker."""
    marker = folder / MARKER
    try:
        if not stat.S_ISREG(marker.lstat().st_mode):
            return None
        with marker.open("rb") as file:
            about = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(about, dict) or about.get("pnnsim_run") != _SCHEMA:
        return None
    names = about.get("files")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return frozenset((*names, MARKER))


def _seal(folder: Path) -> None:
    """Add the marker to a complete run folder and bring all of it to the disk."""
    names = sorted(entry.name for entry in folder.iterdir())
    about = {"pnnsim_run": _SCHEMA, "pnnsim_version": version("pnnsim"), "files": names}
    (folder / MARKER).write_text(json.dumps(about) + "\n", encoding="utf-8")
    for name in (*names, MARKER):
        # A power cut after --force must not leave empty files where an old run was.
        with (folder / name).open("rb+") as file:
            os.fsync(file.fileno())


def _move_to_free_name(folder: Path, out: Path) -> Path:
    """Rename a folder to the first of NAME, NAME-2, NAME-3, ... where nothing stands."""
    for number in range(1, _MOST_NAMES):
        place = out if number == 1 else out.with_name(f"{out.name}-{number}")
        if _present(place):
            continue
        try:
            folder.rename(place)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
        else:
            return place
    raise OutputError(f"{one_line(str(out))}: {_MOST_NAMES} folders with this name exist already")


def _save_elsewhere(out: Path, fill: Fill, error: OSError) -> Published:
    """Write the files into a folder for temporary files, as their own place failed."""
    failed = f"{one_line(str(out))}: cannot write the run folder: {_why(error)}"
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="pnnsim-run-"))
        fill(folder)
        _seal(folder)
    except OSError as second:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        return Published(
            None, problem=f"{failed}; nor one in the folder for temporary files: {_why(second)}"
        )
    return Published(folder, problem=f"{failed}; the results are in {one_line(str(folder))}")


def _open_workspace(out: Path) -> tuple[Path, int]:
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


def _clean(parent: Path) -> None:
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
        # What cannot be removed now is in nobody's way.
        with suppress(OSError):
            _clean_workspace(workspace)


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
        about = _parsed(os.read(lock, _MOST_BYTES))
        if about is None:
            if [path.name for path in workspace.iterdir()] == [_NOTE]:
                _dissolve(workspace, workspace)  # killed before its note was written
        elif about["host"] == platform.node():
            _dissolve(workspace, workspace.with_name(about["target"]))
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


def _dissolve(workspace: Path, out: Path) -> None:
    """Finish an exchange that stopped between its two renames, and remove a workspace."""
    new, old, gone = workspace / "new", workspace / "old", workspace / "gone"
    if _present(old):
        if _present(new):
            _move_to_free_name(new, out)
        if _foreign(old):  # a file has got in at the last moment
            _move_to_free_name(old, out)
        else:
            old.rename(gone)  # what is half removed cannot be told from a foreign folder
    for folder in (new, gone):
        if _present(folder):
            shutil.rmtree(folder)
    # The note comes last: without it, what is left of a killed removal would not be known as ours.
    (workspace / _NOTE).unlink()
    workspace.rmdir()


def _cannot_write(out: Path, error: OSError) -> OutputError:
    return OutputError(f"{one_line(str(out))}: cannot write the run folder: {_why(error)}")


def _why(error: OSError) -> str:
    """Return the reason of the system, also where another error has been made of it."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return cause.strerror or str(cause)
