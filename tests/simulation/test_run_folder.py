"""Run folders: nothing but our own is replaced, no run is lost, halved or left behind."""

from __future__ import annotations

import errno
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pnnsim.errors import OutputError
from pnnsim.simulation import run_folder
from pnnsim.simulation.run_folder import check_checkpoints, check_target, claim
from pnnsim.simulation.run_marker import MARKER
from tests.simulation import kill_runs


def fill_with(text: str) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / "metrics.json").write_text(text)
        (folder / "run.png").write_bytes(bytes(5000))

    return fill


def write(out: Path, text: str, *, force: bool = False) -> run_folder.Published:
    with claim(out, force=force) as target:
        return target.publish(fill_with(text))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_between(out: Path, text: str, step: int) -> None:
    """Replace a run folder in a process that is killed at a rename, from 0."""
    pid = os.fork()
    if pid == 0:
        plain, count = Path.rename, iter(range(100))

        def rename(self: Path, target: Path) -> Path:
            if next(count) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(self, target)

        Path.rename = rename  # type: ignore[method-assign,assignment]
        write(out, text, force=True)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def test_a_run_folder_is_published_whole_and_alone(tmp_path: Path) -> None:
    assert write(tmp_path / "deep" / "a", "one").folder == tmp_path / "deep" / "a"
    assert names(tmp_path / "deep") == ["a"]
    assert names(tmp_path / "deep" / "a") == [MARKER, "metrics.json", "run.png"]


def test_force_replaces_a_run_folder_of_ours(tmp_path: Path) -> None:
    write(tmp_path / "a", "one")
    published = write(tmp_path / "a", "two", force=True)
    assert published == run_folder.Published(tmp_path / "a")
    assert (tmp_path / "a" / "metrics.json").read_text() == "two"
    assert names(tmp_path) == ["a"]


def spoil_by_marker(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / MARKER).write_text(text) and None


def link_the_marker(folder: Path) -> None:
    (folder / MARKER).rename(folder / "run.png")
    (folder / MARKER).symlink_to("run.png")


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "file": (lambda a: (a / "thesis.tex").write_text("years"), "holds 'thesis.tex'"),
    "folder": (lambda a: (a / "sub").mkdir(), "holds 'sub'"),
    "link": (lambda a: (a / "link").symlink_to("/"), "holds 'link'"),
    "ours is a folder": (lambda a: ((a / "run.png").unlink(), (a / "run.png").mkdir()), "holds"),
    "ours is a link": (lambda a: ((a / "run.png").unlink(), (a / "run.png").symlink_to("/")), "ho"),
    "no marker": (lambda a: (a / MARKER).unlink(), "no marker"),
    "marker is a link": (link_the_marker, "no marker"),
    "marker is a pipe": (lambda a: ((a / MARKER).unlink(), os.mkfifo(a / MARKER)), "no marker"),
    "marker is empty": (spoil_by_marker(""), "no marker"),
    "marker is another": (spoil_by_marker('{"files": ["thesis.tex"]}'), "no marker"),
    "marker is newer": (spoil_by_marker('{"pnnsim_run": 2, "files": []}'), "no marker"),
    "marker is nested": (spoil_by_marker("[" * 9000), "no marker"),
    "marker lists no names": (spoil_by_marker('{"pnnsim_run": 1, "files": [1]}'), "no marker"),
    "marker is no mapping": (spoil_by_marker("[1]"), "no marker"),
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILED)
def test_force_refuses_what_is_not_wholly_ours(how: str, tmp_path: Path) -> None:
    spoil, why = SPOILED[how]
    write(tmp_path / "a", "one")
    spoil(tmp_path / "a")
    before = names(tmp_path / "a")
    with pytest.raises(OutputError, match=why), claim(tmp_path / "a", force=True):
        pytest.fail("work began")
    assert names(tmp_path / "a") == before
    assert names(tmp_path) == ["a"]


def test_force_refuses_links_and_files(tmp_path: Path) -> None:
    write(tmp_path / "a", "one")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "loose").symlink_to("nowhere")
    (tmp_path / "file").write_text("")
    for name, why in (("link", "a link"), ("loose", "a link"), ("file", "not a folder")):
        with pytest.raises(OutputError, match=f"is {why}"):
            check_target(tmp_path / name, force=True)
        with pytest.raises(OutputError, match="exists already"):
            check_target(tmp_path / name, force=False)
    assert (tmp_path / "a" / "metrics.json").read_text() == "one"


@pytest.mark.parametrize("out", [".", "/", "..", "a/.."])
def test_a_path_without_a_name_is_refused(out: str) -> None:
    with pytest.raises(OutputError, match="is not the name of a folder"):
        check_target(Path(out), force=True)


def test_a_name_that_no_file_system_takes_is_refused_before_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="File name too long"), claim(tmp_path / ("a" * 300)):
        pytest.fail("work began")
    assert names(tmp_path) == []


def test_a_parent_that_takes_no_files_is_refused_before_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for module, name in ((tempfile, "mkdtemp"), (os, "write")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            with pytest.raises(OutputError, match="No space left"), claim(tmp_path / "a"):
                pytest.fail("work began")
    assert names(tmp_path) == []


def test_of_runs_at_the_same_time_none_is_lost(tmp_path: Path) -> None:
    ready, found = threading.Barrier(8), []

    def work(text: str) -> None:
        with claim(tmp_path / "a") as target:
            ready.wait()
            found.append((text, target.publish(fill_with(text))))

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["a", *(f"a-{i}" for i in range(2, 9))]
    for text, published in found:
        assert published.folder is not None
        assert (published.folder / "metrics.json").read_text() == text
        assert (published.notice == "") == (published.folder.name == "a")


def test_what_gets_into_a_folder_before_it_is_replaced_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a", "one")
    with claim(tmp_path / "a", force=True) as target:
        (tmp_path / "a" / "thesis.tex").write_text("years")
        published = target.publish(fill_with("two"))
    assert published.folder == tmp_path / "a-2"
    assert (tmp_path / "a" / "thesis.tex").read_text() == "years"
    assert (tmp_path / "a" / "metrics.json").read_text() == "one"


def test_what_gets_in_while_it_is_replaced_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a", "one")
    plain = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.name == "a":
            (self / "thesis.tex").write_text("years")
        return plain(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    write(tmp_path / "a", "two", force=True)
    assert (tmp_path / "a" / "metrics.json").read_text() == "two"
    assert (tmp_path / "a-2" / "thesis.tex").read_text() == "years"
    assert names(tmp_path) == ["a", "a-2"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("rename", [False, True])
def test_a_failure_at_the_end_saves_elsewhere_and_keeps_the_old(
    force: bool, rename: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, spare = tmp_path / "runs", tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    if force:
        write(runs / "a", "one")
    plain = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(errno.EIO, "broken disk")
        return plain(self, target)

    def fill(folder: Path) -> None:
        if not rename and folder.name == "new":
            raise OutputError("x: cannot be written") from OSError(errno.EIO, "broken disk")
        fill_with("two")(folder)

    monkeypatch.setattr(Path, "rename", fail)
    with claim(runs / "a", force=force) as target:
        published = target.publish(fill)
    assert published.folder is not None
    assert published.folder.parent == spare
    assert (published.folder / "metrics.json").read_text() == "two"
    assert published.problem == (
        f"{runs / 'a'}: cannot write the run folder: broken disk; the results are in "
        f"{published.folder}"
    )
    assert names(runs) == (["a"] if force else [])
    assert not force or (runs / "a" / "metrics.json").read_text() == "one"


def test_a_failure_everywhere_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, spare = tmp_path / "runs", tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))

    def fill(folder: Path) -> None:
        (folder / "half").write_text("")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with claim(runs / "a") as target:
        published = target.publish(fill)
    assert published.folder is None
    assert published.problem == (
        f"{runs / 'a'}: cannot write the run folder: No space left on device; nor one in the "
        "folder for temporary files: No space left on device"
    )
    assert names(runs) == names(spare) == []


def test_workspaces_of_killed_runs_are_removed_and_those_of_live_runs_kept(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        with claim(tmp_path / "killed") as target:
            (target.workspace / "new").mkdir()
            (target.workspace / "new" / ".tmp123").symlink_to(tmp_path / "precious")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("years")
    (tmp_path / ".pnnsim-run-aaaaaaaa").mkdir()  # killed after its first step
    (tmp_path / ".pnnsim-run-bbbbbbbb").mkdir()  # and after its second
    (tmp_path / ".pnnsim-run-bbbbbbbb" / "workspace.json").write_text("")
    with claim(tmp_path / "alive") as alive:
        write(tmp_path / "a", "one")
        assert names(tmp_path) == [alive.workspace.name, "a", "precious"]
    assert names(tmp_path) == ["a", "precious"]
    assert names(tmp_path / "precious") == ["thesis.tex"]


@pytest.mark.parametrize(
    "note",
    [
        None,
        "[]",
        '{"pnnsim_workspace": 1, "target": "a"}',
        '{"pnnsim_workspace": 1, "host": "another", "target": "a"}',
        '{"pnnsim_workspace": 1, "host": "%s", "target": "../a"}',
        '{"pnnsim_workspace": 1, "host": "%s", "target": ".."}',
        '{"pnnsim_workspace": 1, "host": "%s", "target": "a\\u0000"}',
        '{"pnnsim_workspace": 2, "host": "%s", "target": "a"}',
    ],
)
def test_a_folder_that_only_looks_like_a_workspace_is_kept(
    note: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / ".pnnsim-run-cccccccc"
    (folder / "new").mkdir(parents=True)
    (folder / "old").mkdir()
    (folder / "thesis.tex").write_text("years")
    if note is not None:
        host = platform.node()
        (folder / "workspace.json").write_text(note.replace("%s", host))
    before = names(folder)
    write(tmp_path / "a", "one")
    assert names(folder) == before


@pytest.mark.parametrize("step", [0, 1])
def test_an_exchange_that_was_killed_is_finished_by_the_next_run(step: int, tmp_path: Path) -> None:
    write(tmp_path / "a", "one")
    killed_between(tmp_path / "a", "two", step)
    write(tmp_path / "b", "other")
    assert (tmp_path / "a" / "metrics.json").read_text() == ("one", "two")[step]
    assert names(tmp_path) == ["a", "b"]


def test_an_exchange_that_was_killed_takes_no_name_that_is_in_use(tmp_path: Path) -> None:
    write(tmp_path / "a", "one")
    killed_between(tmp_path / "a", "two", 1)
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").mkdir()
    write(tmp_path / "b", "other")
    assert (tmp_path / "a-2" / "metrics.json").read_text() == "two"
    assert names(tmp_path / "a") == []


def test_checkpoints_are_tried_out(tmp_path: Path) -> None:
    check_checkpoints(tmp_path / "new" / "kept", None)
    assert names(tmp_path / "new" / "kept") == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot keep checkpoints here: File exists"):
        check_checkpoints(tmp_path / "file", None)
    (tmp_path / "link").symlink_to("out")
    with pytest.raises(OutputError, match="lies in the run folder"):
        check_checkpoints(tmp_path / "link" / "kept", tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.long)])
def test_runs_killed_at_any_moment_lose_nothing(tmp_path: Path, kills: int) -> None:
    script = Path(kill_runs.__file__)
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.kill_runs", str(tmp_path), str(kills)],
        capture_output=True, text=True, check=False, cwd=script.parents[2], timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts["kills"] == kills
    assert counts["workspaces_left"] >= (kills == 10)
