"""Traces in files for other tools hold every span, to the femtosecond."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pnnsim.analysis.report.trace_files import write_trace
from pnnsim.cli.app import main
from pnnsim.errors import OutputError
from pnnsim.timing.trace import ACTIONS, NO_CAUSE, Trace
from tests.timing.machines import machine


def trace() -> Trace:
    """Return a run with writes, moves, and a memory whose spans overlap."""
    return machine(samples=3, sets=3, steps=3, route_fs=3, write_fs=10, block=2, hold_fs=20).run()


def waveforms(text: str) -> dict[str, list[tuple[int, str]]]:
    """Return the values of each signal of a VCD file over time."""
    head, _, body = text.partition("$enddefinitions $end")
    names: dict[str, str] = {}
    scope: list[str] = []
    for line in head.splitlines():
        words = line.split()
        if words[:1] == ["$scope"]:
            scope.append(words[2])
        elif words[:1] == ["$upscope"]:
            scope.pop()
        elif words[:1] == ["$var"]:
            names[words[3]] = ".".join([*scope, words[4]])
    assert "$timescale 1 fs $end" in head
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in names.values()}
    now = 0
    for line in body.splitlines():
        if line.startswith("#"):
            now = int(line[1:])
        elif line and line[0] in "sb":
            value, _, code = line[1:].partition(" ")
            found[names[code]].append((now, value))
    return found


def test_waveforms_hold_every_span_that_lasts(tmp_path: Path) -> None:
    run = trace()
    write_trace(tmp_path / "run.vcd", run)
    text = (tmp_path / "run.vcd").read_text("ascii")
    signals = waveforms(text)
    shown = []
    for name in (name.removesuffix(".action") for name in signals if name.endswith(".action")):
        actions, samples = dict(signals[f"{name}.action"]), dict(signals[f"{name}.sample"])
        times = sorted({*actions, *samples})
        action = ""
        for start, end in pairwise(times):
            action = actions.get(start, action)
            if action:
                shown.append((re.sub(r"_#\d+$", "", name), start, end))
    spans = [
        (run.units[run.unit[row]], int(run.start_fs[row]), int(run.end_fs[row]))
        for row in np.flatnonzero(run.end_fs > run.start_fs)
    ]
    assert len(spans) > 60
    assert sorted(shown) == sorted(spans)


def test_waveforms_say_which_sample_is_served(tmp_path: Path) -> None:
    run = machine(samples=2).run()
    write_trace(tmp_path / "run.vcd", run)
    served = waveforms((tmp_path / "run.vcd").read_text("ascii"))["front_end.sample"]
    idle = f"{2**32 - 1:b}"
    assert served == [(0, "0"), (4, "1"), (8, idle)]


def test_tables_read_back_as_they_were(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    run = trace()
    table = run.to_table()
    write_trace(tmp_path / "run.csv", run)
    write_trace(tmp_path / "run.parquet", run)
    with (tmp_path / "run.csv").open(newline="") as file:
        names, *rows = csv.reader(file)
    assert names == list(table)
    assert rows == [list(map(str, row)) for row in zip(*table.values(), strict=True)]
    assert pandas.read_parquet(tmp_path / "run.parquet").to_dict("list") == table
    assert table["cause"][0] == NO_CAUSE
    assert set(table["action"]) <= set(ACTIONS)


@pytest.mark.parametrize(
    ("name", "message"),
    [("run.png", "unknown suffix '.png'"), ("no/run.vcd", "there is no folder")],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        write_trace(tmp_path / name, machine().run())
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_samples_that_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.csv"
    assert main(["trace", "photonic_mrr", "--samples", "2", "--out", str(out)]) == 0
    with out.open(newline="") as file:
        samples = {row["sample"] for row in csv.DictReader(file)}
    assert {"0", "1"} <= samples <= {"-1", "0", "1"}
    assert "of 2 samples" in capsys.readouterr().err
    assert main(["trace", "photonic_mrr", "--out", str(tmp_path / "run.svg")]) == 2
