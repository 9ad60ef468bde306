"""Past runs are listed with their figures; a machine is placed among published ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pnnsim.cli.app import main
from pnnsim.explore.place import CLASSES, history, placed, table
from pnnsim.explore.run_index import index
from pnnsim.explore.study import Study
from pnnsim.specs.experiment import load_experiment
from tests.explore.studies import TIMING

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pnn-history.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two runs, a study, one that has not begun, and a damaged run."""
    for name, power in (("weak", 1.0), ("strong", 20.0)):
        (tmp_path / "group" / name).mkdir(parents=True)
        metrics = {"hardware": name, "task": {"name": "digits"}, "power_w": power}
        (tmp_path / "group" / name / "metrics.json").write_text(json.dumps(metrics), "utf-8")
    Study.open(TIMING, out=tmp_path / "study").sweep(workers=0)
    Study.open(TIMING, out=tmp_path / "fresh")._make_folder()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "metrics.json").write_text('{"hardware": NaN', "utf-8")
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *words: str | Path) -> list[dict[str, object]]:
    assert main(["runs", *map(str, words), "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def names(found: list[dict[str, object]]) -> list[str]:
    return [Path(str(entry["path"])).name for entry in found]


def test_runs_and_studies_are_listed_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*") if path.is_file()}
    entries = listed(capsys, folder)
    found = dict(zip(names(entries), entries, strict=True))
    assert set(found) == {"weak", "strong", "study", "fresh", "damaged"}
    assert found["strong"]["figures"] == {"power_w": 20.0}
    assert found["study"]["task"] == "6 done"
    assert set(found["study"]["figures"]) == {"latency_s.first", "energy_j.per_inference"}  # type: ignore[call-overload]
    assert found["fresh"]["task"] == "not begun"
    assert "metrics.json" in str(found["damaged"]["problem"])
    kept = {p: p.stat().st_mtime_ns for p in before if "sqlite" not in p.name}
    assert kept == {p: t for p, t in before.items() if "sqlite" not in p.name}
    assert not (folder / "fresh" / "trials.sqlite").exists()


def test_metrics_that_are_no_regular_file_are_listed_and_not_waited_for(tmp_path: Path) -> None:
    for name in ("pipe", "loop"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "pipe" / "metrics.json")
    (tmp_path / "loop" / "metrics.json").symlink_to("metrics.json")
    found = index(tmp_path)
    assert len(found) == 2
    assert all(entry.problem.startswith("metrics.json: ") for entry in found)


def test_runs_are_filtered_and_sorted_by_figures(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert names(listed(capsys, folder, "--where", "power_w <= 2 W")) == ["weak"]
    assert names(listed(capsys, folder, "--sort", "power_w"))[:2] == ["weak", "strong"]
    assert names(listed(capsys, folder, "--sort", "power_w", "--reverse"))[:2] == ["strong", "weak"]
    assert main(["runs", str(folder), "--figure", "power_w"]) == 0
    assert "power_w" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--sort", "powr_w"], ["--where", "power_w"], ["--figure", "x"], ["no-such-folder"]]
)
def test_what_cannot_be_listed_is_refused(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = [] if words == ["no-such-folder"] else [str(folder)]
    assert main(["runs", *place, *words]) == 2
    assert capsys.readouterr().err


def test_the_page_has_the_table_and_every_count_a_citation() -> None:
    assert table() in PAGE.read_text("utf-8")
    rows = history()
    assert len(rows) > 12
    for row in rows:
        assert row.kind in CLASSES
        assert str(row.year) in row.source or "arXiv" in row.source
        assert row.count > 0
        assert row.read in ("in the work", "second-hand")


def test_a_machine_is_counted_by_its_banks() -> None:
    found = placed(load_experiment("photonic_mrr"))
    assert (found.hardware, found.parameters, found.kind) == (2 * 64 * 64, 2 * 64 * 64, "H")
    more = placed(load_experiment("photonic_mrr", [("network.weight_sets", "6")]))
    assert (more.hardware, more.parameters, more.kind) == (2 * 64 * 64, 6 * 64 * 64, "T")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_chart_is_the_same_file_each_time(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    for file in (first, second):
        assert main(["place", "photonic_mrr", "--year", "2026", "--plot", str(file)]) == 0
    assert first.read_bytes() == second.read_bytes()
    assert main(["place", "photonic_mrr", "--plot", str(tmp_path / "a.txt")]) == 2
