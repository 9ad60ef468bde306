"""The soak ends by itself, counts what it did, and shows the memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.mark.long
def test_soak_ends_at_its_counts_and_shows_the_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "soak.png"
    soak.main(["--calls", "25", "--runs", "3", "--plot", str(plot)])
    rows = capsys.readouterr().out.splitlines()[-3:-1]
    assert ["25 calls" in rows[0], "3 runs" in rows[1]] == [True, True]
    for row in rows:
        megabytes = [float(text) for text in row.split()[-5:]]
        assert all(20.0 < reading < 4000.0 for reading in megabytes)
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_soak_ends_at_its_time() -> None:
    assert list(soak.calls(0.0, 10**6)) == []


def test_fifths_of_the_readings_show_growth() -> None:
    record = soak.Record("a", "runs", list(range(1, 11)), [float(n) for n in range(10)])
    assert record.parts() == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert soak.Record("a", "runs", [1, 2], [3.0, 4.0]).parts() == [3.0, 3.0, 3.0, 4.0, 4.0]
