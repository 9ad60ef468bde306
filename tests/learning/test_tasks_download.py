from __future__ import annotations

import hashlib
import io
import logging
import socket
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from pnnsim.errors import TaskError
from pnnsim.learning.datasets import images, text
from pnnsim.learning.datasets.download import Remote, cache_folder, fetch
from pnnsim.learning.datasets.files import Source, locate

CONTENT = bytes(range(256)) * 300


class Recorder:
    """Record of the progress of a download."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self.done = 0
        self.finished = 0

    def start(self, name: str, total: int) -> None:
        self.started.append((name, total))

    def advance(self, n: int, note: str = "") -> None:
        self.done += n

    def finish(self) -> None:
        self.finished += 1


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing: the test's output is not the server's log."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "server"
    folder.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", folder
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PNNSIM_DATA_DIR", raising=False)
    monkeypatch.setattr(
        "pnnsim.learning.datasets.download.cache_folder", lambda: tmp_path / "cache"
    )


def md5(data: bytes) -> str:
    return f"md5:{hashlib.md5(data).hexdigest()}"


def source(url: str, checksum: str, *members: str) -> Source:
    name = "inside.bin" if members else "data.bin"
    return Source(
        task="probe",
        folders=("probe",),
        required=(name,),
        home="https://example.org/",
        remotes=(Remote(url, checksum, members),),
    )


def test_file_is_fetched_checked_and_found_again(
    server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    (folder / "data.bin").write_bytes(CONTENT)
    told = Recorder()
    spoken: list[logging.LogRecord] = []
    for handler in pooch.get_logger().handlers:  # they write to the user's terminal
        monkeypatch.setattr(handler, "emit", spoken.append)
    probe = source(f"{address}/data.bin", md5(CONTENT))
    found = locate(probe, data_dir=None, offline=False, progress=told)
    assert (found / "data.bin").read_bytes() == CONTENT
    assert told.started == [("data.bin", len(CONTENT))]
    assert (told.done, told.finished) == (len(CONTENT), 1)
    (folder / "data.bin").unlink()
    assert locate(probe, data_dir=None, offline=True, progress=None) == found
    assert spoken == []


def test_wrong_checksum_leaves_no_file(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    (folder / "data.bin").write_bytes(CONTENT[:-1])
    probe = source(f"{address}/data.bin", md5(CONTENT))
    with pytest.raises(TaskError, match=r"probe: http://.*/data.bin: download into .* failed"):
        locate(probe, data_dir=None, offline=False, progress=None)
    assert not list((tmp_path / "cache").rglob("*.bin"))


def test_damaged_file_in_the_cache_is_fetched_again(
    server: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = server
    (folder / "data.bin").write_bytes(CONTENT)
    remote = Remote(f"{address}/data.bin", md5(CONTENT))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "data.bin").write_bytes(CONTENT[:100])
    fetch("probe", "https://example.org/", [remote], tmp_path / "cache", progress=None)
    assert (tmp_path / "cache" / "data.bin").read_bytes() == CONTENT


def test_wanted_members_of_an_archive_are_kept_alone(
    server: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = server
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name in ("set/inside.bin", "set/readme.html", "../outside.bin"):
            member = tarfile.TarInfo(name)
            member.size = len(CONTENT)
            tar.addfile(member, io.BytesIO(CONTENT))
    (folder / "set.tar.gz").write_bytes(stream.getvalue())
    probe = source(f"{address}/set.tar.gz", md5(stream.getvalue()), "set/inside.bin")
    found = locate(probe, data_dir=None, offline=False, progress=None)
    assert [path.name for path in found.iterdir()] == ["inside.bin"]
    assert (found / "inside.bin").read_bytes() == CONTENT
    assert not (tmp_path / "outside.bin").exists()


def test_server_that_does_not_answer_is_one_error(server: tuple[str, Path]) -> None:
    address, _ = server
    probe = source(f"{address}/data.bin", md5(CONTENT))
    with pytest.raises(TaskError, match=r"404.*Hint: try again, or get the files from https://ex"):
        locate(probe, data_dir=None, offline=False, progress=Recorder())


def test_offline_never_downloads(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    (folder / "data.bin").write_bytes(CONTENT)
    probe = source(f"{address}/data.bin", md5(CONTENT))
    with pytest.raises(TaskError, match="or allow the download"):
        locate(probe, data_dir=None, offline=True, progress=None)
    assert not (tmp_path / "cache").exists()


def test_every_published_file_has_a_checksum_and_covers_what_is_read() -> None:
    for published in (*(item.source for item in images.SETS.values()), text.SHAKESPEARE):
        fetched = set()
        for remote in published.remotes:
            kind, _, digest = remote.checksum.partition(":")
            assert len(digest) == {"md5": 32, "sha256": 64}[kind]
            names = remote.members or (remote.name.removesuffix(".gz"),)
            fetched.update(name.rpartition("/")[2] for name in names)
        assert fetched == set(published.names)


def test_cache_folder_belongs_to_the_project() -> None:
    assert cache_folder().parts[-2:] == ("pnnsim", "data")


def test_a_server_that_is_not_there_is_one_plain_reason(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: refuses at once
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/data.bin"
        with pytest.raises(TaskError) as caught:
            fetch(
                "probe", "https://example.org/", [Remote(address, md5(CONTENT))], tmp_path,
                progress=None,
            )  # fmt: skip
    text = str(caught.value)
    assert f"download into {tmp_path} failed (Connection refused); expected" in text
    assert "object at 0x" not in text
    assert "Pool" not in text


def test_an_address_that_is_not_there_is_said_with_its_status(
    server: tuple[str, Path], tmp_path: Path
) -> None:
    url, _ = server
    with pytest.raises(TaskError, match=r"failed \(404 Client Error"):
        fetch(
            "probe", "https://example.org/", [Remote(f"{url}/no", md5(CONTENT))], tmp_path,
            progress=None,
        )  # fmt: skip
