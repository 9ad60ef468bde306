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

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pnnsim.common.units import show
from pnnsim.errors import OutputError, one_line
from pnnsim.simulation.run_marker import foreign, move_to_free_name, present, seal, why
from pnnsim.simulation.run_workspace import clean, dissolve, open_workspace

Fill = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Published:
    """Place of a run's files.

    Args:
        folder: Folder that holds them; None where no folder could be written.
        notice: Why the folder has another name than was requested; empty where it has not.
        problem: Why it is not in the place that was requested; empty where it is.
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
            seal(new)
            if self.force and not foreign(self.out):
                # Another run may be replacing the same folder at this moment.
                with suppress(FileNotFoundError):
                    self.out.rename(old)
            place = move_to_free_name(new, self.out)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            with suppress(OSError):
                if present(old):
                    move_to_free_name(old, self.out)
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
        clean(out.parent)
        check_target(out, force=force)  # again: an interrupted exchange may have been finished
        workspace, lock = open_workspace(out)
    except OutputError:
        raise
    except OSError as error:
        raise _cannot_write(out, error) from error
    try:
        yield RunFolder(out, force, workspace)
    finally:
        with suppress(OSError):
            dissolve(workspace, out)
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
        if not present(out):
            return
        fault = foreign(out)
    except OSError as error:
        raise _cannot_write(out, error) from error
    if not force:
        hint = "choose another name" if fault else "--force replaces it"
        raise OutputError(f"{shown}: exists already; expected a new run folder. Hint: {hint}")
    if fault:
        raise OutputError(
            f"{shown}: {fault}; expected a run folder with nothing but files of pnnsim, the only "
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
        raise OutputError(f"{shown}: cannot keep checkpoints here: {why(error)}") from error


def _save_elsewhere(out: Path, fill: Fill, error: OSError) -> Published:
    """Write the files into a folder for temporary files, as their own place failed."""
    failed = f"{one_line(str(out))}: cannot write the run folder: {why(error)}"
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="pnnsim-run-"))
        fill(folder)
        seal(folder)
    except OSError as second:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        return Published(
            None, problem=f"{failed}; nor one in the folder for temporary files: {why(second)}"
        )
    return Published(folder, problem=f"{failed}; the results are in {one_line(str(folder))}")


def _cannot_write(out: Path, error: OSError) -> OutputError:
    return OutputError(f"{one_line(str(out))}: cannot write the run folder: {why(error)}")
