"""A Dask cluster of processes of its own gives the table that this computer gives."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pnnsim.errors import BackendError
from pnnsim.explore.study import Study
from tests.explore.studies import TIMING, command, ended, wait_for

pytest.importorskip("distributed", reason="distributed is not installed")

MANY = {**TIMING, "vary": {"switch.rise_time": {"log": ["1 ns", "1 us"], "n": 60}}}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start(*words: str) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def worker(address: str) -> subprocess.Popen[bytes]:
    return start("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")


@pytest.fixture
def scheduler() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Yield the address of a scheduler and its process."""
    port = free_port()
    words = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    process = start("dask_scheduler", *words)

    def listens() -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(listens)
        yield f"tcp://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


@pytest.mark.long
def test_a_cluster_that_loses_a_worker_gives_the_same_table(
    scheduler: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    address, _ = scheduler
    reference = Study.open(MANY, out=tmp_path / "here")
    reference.sweep(workers=0)
    import yaml

    (tmp_path / "study.yaml").write_text(yaml.safe_dump(MANY), "utf-8")
    out = tmp_path / "there"
    workers = [worker(address), worker(address)]
    words = ("sweep", tmp_path / "study.yaml", "--out", out, "--cluster", address, "-q")
    driver = command(*words)
    try:
        wait_for(lambda: ended(out) > 8)
        workers[0].send_signal(signal.SIGKILL)
        output = driver.communicate(timeout=300)
    finally:
        driver.kill()
        for process in workers:
            process.kill()
            process.wait()
    assert driver.returncode == 0, output
    assert (out / "trials.csv").read_bytes() == (tmp_path / "here" / "trials.csv").read_bytes()


@pytest.mark.long
def test_a_scheduler_that_is_gone_gives_one_message_and_loses_nothing(
    scheduler: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    address, process = scheduler
    import yaml

    (tmp_path / "study.yaml").write_text(yaml.safe_dump(MANY), "utf-8")
    out = tmp_path / "out"
    helper = worker(address)
    driver = command("sweep", tmp_path / "study.yaml", "--out", out, "--cluster", address, "-q")
    try:
        wait_for(lambda: ended(out) > 5)
        process.kill()
        _, errors = driver.communicate(timeout=300)
    finally:
        driver.kill()
        helper.kill()
        helper.wait()
    assert driver.returncode == 2, errors
    assert "scheduler" in errors
    assert "Traceback" not in errors
    study = Study.open(out)
    assert study.counts().get("running", 0) == 0
    study.sweep(workers=0)
    assert study.counts() == {"done": 60}


def test_a_scheduler_that_is_not_there_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pnnsim.explore import cluster

    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with pytest.raises(BackendError, match="cannot be reached"):
        Study.open(TIMING, out=tmp_path / "out").sweep(cluster=f"tcp://127.0.0.1:{free_port()}")
